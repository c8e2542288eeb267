#pragma once

// Private to the tls room: between OpenSSL and the socket.

#include "openssl.hpp"

#include <greenroom/io/socket_stream.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom {

/// Carries OpenSSL's bytes to and from a socket; what OpenSSL calls never waits.
/// Its own BIO for sockets would raise SIGPIPE.
///
/// What there is no room for is kept, and sent ahead of whatever comes later:
/// so OpenSSL never has a record half sent, which it would want to be given
/// again, and which nothing else may pass. A read may have something to write,
/// too, the answer to a change of keys; where it had to wait for room, two ends
/// that are full could wait for one another.
class socket_bio {
public:
  explicit socket_bio(socket_stream& on) : socket_(on) {}
  socket_bio(const socket_bio&) = delete;
  socket_bio& operator=(const socket_bio&) = delete;

  /// Refers to this; null when there is no memory.
  bio_ptr make();

  /// Waits until there is something to read, of which it takes the first
  /// bytes: as readable(7) costs a system call more to wait for.
  void wait_for_input(deadline until, std::error_code& failed);
  /// Nothing has come that OpenSSL was not given, as far as we know.
  bool is_dry() const { return dry_ && taken_ == came_ && !ended_; }

  /// Sends what was kept; false when some is left.
  bool flush();
  bool keeps_some() const { return !kept_.empty(); }

  /// What the socket failed with since the last `clear_error`.
  const std::error_code& error() const { return error_; }
  void clear_error() { error_.clear(); }

private:
  struct method;

  int read(BIO* bio, std::span<char> into);
  std::size_t take(std::span<char> into);
  int write(BIO* bio, std::string_view bytes);
  bool keep(std::string_view bytes);
  /// As much as there is room for.
  std::size_t send_now(std::string_view bytes);

  socket_stream& socket_;
  std::string kept_;
  std::error_code error_;
  std::array<char, 1024> first_; // bytes of the input, from taken_ to came_
  std::size_t taken_ = 0;
  std::size_t came_ = 0;
  bool dry_ = false; // the last call took all there was
  bool ended_ = false;
  bool waiting_ = false; // somebody, for input
};

} // namespace greenroom
