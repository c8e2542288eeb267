#pragma once

// Private to the tls room: between OpenSSL and the socket.

#include "openssl.hpp"

#include <greenroom/io/socket_stream.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom {

/// Carries OpenSSL's bytes to and from a socket and never waits. Its own BIO
/// for sockets would raise SIGPIPE.
///
/// What there is no room for is kept, and sent ahead of whatever comes later:
/// so OpenSSL never has a record half sent, which it would want to be given
/// again, and which nothing else may pass. A read may have something to write,
/// too, the answer to a change of keys; where it had to wait for room, two ends
/// that are full could wait for one another.
class socket_bio {
public:
  explicit socket_bio(const socket_stream& on) : socket_(on) {}
  socket_bio(const socket_bio&) = delete;
  socket_bio& operator=(const socket_bio&) = delete;

  /// Refers to this; null when there is no memory.
  bio_ptr make();

  /// Sends what was kept; false when some is left.
  bool flush();
  bool keeps_some() const { return !kept_.empty(); }

  /// What the socket failed with since the last `clear_error`.
  const std::error_code& error() const { return error_; }
  void clear_error() { error_.clear(); }

private:
  struct method;

  int read(BIO* bio, char* into, int bytes);
  int write(BIO* bio, std::string_view bytes);
  bool keep(std::string_view bytes);
  /// As much as there is room for.
  std::size_t send_now(std::string_view bytes);

  const socket_stream& socket_;
  std::string kept_;
  std::error_code error_;
  bool ended_ = false;
};

} // namespace greenroom
