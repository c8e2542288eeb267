#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/zmq/socket.hpp>

#include <cstddef>
#include <span>

namespace greenroom::zmq {

/// One of those that `poll` waits for: a socket, or a descriptor.
struct poll_item {
  explicit poll_item(socket& on, short wanted) : of(&on), events(wanted) {}
  explicit poll_item(int on, short wanted) : descriptor(on), events(wanted) {}

  socket* of = nullptr;
  int descriptor = -1;
  short events; ///< POLLIN, POLLOUT of poll.h
  /// Set by `poll`. POLLNVAL: closed.
  short revents = 0;
};

/// Waits until one of the items is ready, or `until` passes; sets the
/// `revents` of each and returns how many are not 0. Also when some are ready
/// at once it lets others run. The sockets and descriptors must stay meanwhile.
///
/// Waits      Only the calling greenlet.
/// Errors     That of epoll_create1(2), which descriptors need.
/// Source     zmq_poll; zmq.Poller of pyzmq.
///
///     std::array items{zmq::poll_item{jobs, POLLIN},
///                      zmq::poll_item{STDIN_FILENO, POLLIN}};
///     if (zmq::poll(items, 5s) > 0 && items[0].revents & POLLIN) ...
std::size_t poll(std::span<poll_item> items, deadline until = {});

} // namespace greenroom::zmq
