#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/wire/codec.hpp>
#include <greenroom/wire/limits.hpp>
#include <greenroom/zmq/socket.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace greenroom::wire {

namespace inside {

/// The body of a message of one frame; else throws `bad_message`.
std::string_view only_frame(const zmq::message& frames);

} // namespace inside

/// A ZeroMQ socket that sends and receives messages of a type each, encoded as
/// in `codec.hpp`, one frame each. For every type of socket but router and
/// stream, whose messages have an address in front; with the calls of
/// `inproc`'s `pattern_socket`, so that one line changes between the two. Several types of message
/// are a `std::variant`. A pub's subscribers choose by the bytes of a body: for
/// topics by name see `topics.hpp`.
///
/// Ownership  Owns the socket.
/// Thread     As `zmq::socket`.
/// Waits      As `zmq::socket`.
/// Errors     As `zmq::socket`; also `bad_message`, or its code, for one that
///            is of another shape: it is taken, and the socket lives on.
///
///     wire::typed_socket<job> jobs{zmq::socket{zmq::socket_type::push}};
///     jobs.connect("tcp://127.0.0.1:5000");
///     jobs.send(job{"paint", 3}, 1s);
template <class Out, class In = Out>
class typed_socket {
public:
  explicit typed_socket(zmq::socket over, const limits& most = {})
      : over_(std::move(over)), most_(most) {}

  void bind(const std::string& endpoint) { over_.bind(endpoint); }
  void unbind(const std::string& endpoint) { over_.unbind(endpoint); }
  void connect(const std::string& endpoint) { over_.connect(endpoint); }
  void disconnect(const std::string& endpoint) { over_.disconnect(endpoint); }

  void send(const Out& message, deadline until = {}) {
    over_.send(encode(message), until);
  }
  void send(const Out& message, deadline until, std::error_code& failed) {
    over_.send(encode(message), until, failed);
  }
  bool try_send(const Out& message) { return over_.try_send(encode(message)); }

  In receive(deadline until = {}) {
    const zmq::message came = over_.receive_multipart(until);
    return decode<In>(inside::only_frame(came), most_);
  }
  In receive(deadline until, std::error_code& failed) {
    const zmq::message came = over_.receive_multipart(until, failed);
    if (failed) return In{};
    if (came.size() == 1) return decode<In>(came[0].view(), most_, failed);
    failed = std::make_error_code(std::errc::bad_message);
    return In{};
  }
  std::optional<In> try_receive() {
    const auto came = over_.try_receive_multipart();
    if (!came) return std::nullopt;
    return decode<In>(inside::only_frame(*came), most_);
  }

  void close() { over_.close(); }
  bool is_open() const { return over_.is_open(); }
  /// For its options.
  zmq::socket& raw() { return over_; }

private:
  zmq::socket over_;
  limits most_;
};

} // namespace greenroom::wire
