#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/socket_stream.hpp>

#include <memory>
#include <system_error>

namespace greenroom {

struct listen_options {
  int backlog = 1024; ///< connections in the kernel that nobody has accepted
  /// TCP: several listeners, also of other processes, share the port; each
  /// connection goes to one of them (SO_REUSEPORT).
  bool reuse_port = false;
};

/// What `tcp_listener` and `unix_listener` have in common.
///
/// Ownership  Owns the listening socket; moved, not copied. Closing it wakes a
///            greenlet in `accept`, with `errc::closed`; connections accepted
///            before live on.
/// Thread     Its hub's thread only.
class socket_listener {
public:
  socket_listener(socket_listener&&) noexcept;
  socket_listener& operator=(socket_listener&&) noexcept;
  ~socket_listener();

  void close();
  bool is_open() const;
  /// -1 when closed.
  int native_handle() const;

protected:
  struct core;
  explicit socket_listener(std::shared_ptr<core> made);

  core& inner() const { return *core_; }
  const std::shared_ptr<core>& shared() const { return core_; }
  std::shared_ptr<socket_stream::core> accept_any(deadline until,
                                                  std::error_code& failed);
  /// Null without an error: nobody waits to be accepted.
  std::shared_ptr<socket_stream::core> try_accept_any(std::error_code& failed);

private:
  // Shared with the call that waits; never null, but when moved from.
  std::shared_ptr<core> core_;
};

} // namespace greenroom
