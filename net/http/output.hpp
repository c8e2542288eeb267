#pragma once

// Private to the http room: how messages go out.

#include "message_reader.hpp"

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/socket_stream.hpp>
#include <greenroom/io/stream.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace greenroom::http {

/// What is small waits here for more, or for the moment when its reader would
/// wait: the answers to requests that came together leave together.
class output final : public before_waiting {
public:
  output(stream& to, std::chrono::nanoseconds time) : to_(to), time_(time) {}

  /// Where a head is put together; `keep` follows.
  std::string& buffer() { return waiting_; }
  void keep();
  /// With what waits, in one write.
  void send(std::initializer_list<std::string_view> parts);
  void flush() override;
  void release() override;
  void send_file(socket_stream& to, int descriptor, std::uint64_t offset,
                 std::uint64_t bytes);

  /// A limit of all further writes, besides that of one.
  void limit(deadline until) { until_ = until; }

  /// So far, with what waits.
  std::uint64_t bytes() const { return sent_ + waiting_.size(); }
  /// Part of a message is missing: nothing more is written.
  void give_up() { failed_ = true; }
  /// A write has failed: there is nobody to write to.
  bool has_failed() const { return failed_; }

private:
  void send_pieces(std::initializer_list<std::string_view> parts);
  void write(std::span<const std::string_view> parts);
  void check_usable() const;
  deadline until() const { return std::min(until_, deadline{time_}); }

  stream& to_;
  const std::chrono::nanoseconds time_; // for one write
  deadline until_;
  std::string waiting_;
  std::uint64_t sent_ = 0;
  bool failed_ = false;
};

} // namespace greenroom::http
