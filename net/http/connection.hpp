#pragma once

// Private to the http room: the server's side of one connection.

#include "message_reader.hpp"
#include "output.hpp"

#include <greenroom/http/error.hpp>
#include <greenroom/http/service.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>

namespace greenroom::http {

class connection {
public:
  connection(stream& peer, const handler& handle,
             const service_options& options);
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  void run();
  /// The answer in flight is the last; with none, the connection ends now.
  void drain();

private:
  friend class request;
  friend class response;

  struct whole_or_reset;

  bool next_request();
  void answer();
  void call_handler();
  void refuse(const error& why);
  void fail(const error& why);
  void log_failure(const std::exception_ptr& why) const;
  void drop_rest_of_body();
  void say_goodbye();
  void write_access_line() const;

  bool wants_to_live() const;
  bool awaits_continue() const;
  std::size_t read_body(std::span<char> into);
  const std::string& peer_name();

  stream& peer_;
  std::string peer_name_; // once it was asked for
  const handler& handle_;
  const service_options& options_;
  output output_;
  message_reader reader_;
  request request_;
  response response_;

  // Of the present request.
  bool keep_alive_ = false;
  bool continue_is_due_ = false; // the client waits for it
  deadline arrival_;             // when all of it must have come
  std::chrono::steady_clock::time_point began_;
  std::uint64_t bytes_before_ = 0; // sent

  bool idle_ = false; // waits for a request
  bool draining_ = false;
  bool broken_ = false; // the response cannot be completed
};

} // namespace greenroom::http
