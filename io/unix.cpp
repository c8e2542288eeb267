#include <greenroom/io/unix.hpp>

#include "owned_descriptor.hpp"
#include "socket_address.hpp"
#include "socket_core.hpp"
#include "unix_path.hpp"

#include <greenroom/hub/greenlet.hpp>

#include <asio/local/stream_protocol.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace greenroom {
namespace {

using namespace std::chrono_literals;
using unix_protocol = asio::local::stream_protocol;

/// A full backlog says EAGAIN, and nothing says when it has room again. (Asio
/// would wait until the socket is writable, which it is, and not connected.)
void connect_when_there_is_room(int descriptor,
                                const unix_protocol::endpoint& to,
                                deadline until, std::error_code& failed) {
  constexpr std::chrono::nanoseconds longest_pause = 50ms;
  const auto size = static_cast<socklen_t>(to.size());
  std::chrono::nanoseconds pause = 1ms;
  for (;;) {
    failed.clear();
    if (::connect(descriptor, to.data(), size) == 0) return;
    failed.assign(errno, std::system_category());
    if (failed != std::errc::resource_unavailable_try_again) return;
    const auto left = std::chrono::nanoseconds(until.nanoseconds()) -
                      now().time_since_epoch();
    sleep(std::clamp<std::chrono::nanoseconds>(left, 0ns, pause));
    if (until <= deadline{now()}) failed = errc::timed_out;
    if (failed == errc::timed_out) return;
    pause = std::min(pause * 2, longest_pause);
  }
}

} // namespace

// --- unix_socket ------------------------------------------------------------

unix_socket::unix_socket() : socket_stream(std::make_shared<core>()) {
}

unix_socket unix_socket::connect(const unix_address& to, deadline until) {
  std::error_code failed;
  unix_socket made = connect(to, until, failed);
  if (failed) throw std::system_error(failed, "connect to " + to.text());
  return made;
}

unix_socket unix_socket::connect(const unix_address& to, deadline until,
                                 std::error_code& failed) {
  const unix_protocol::endpoint endpoint =
      endpoint_of<unix_protocol>(to, failed);
  auto made = std::make_shared<core>();
  if (!failed) made->socket.open(unix_protocol(), failed);
  if (!failed) made->socket.native_non_blocking(true, failed);
  if (!failed)
    connect_when_there_is_room(made->socket.native_handle(), endpoint, until,
                               failed);
  failed = standard(failed);
  if (failed) return {};
  return unix_socket{std::move(made)};
}

unix_socket unix_socket::adopt(int descriptor) {
  auto made = std::make_shared<core>();
  made->adopt(descriptor, {AF_UNIX});
  return unix_socket{std::move(made)};
}

unix_credentials unix_socket::peer_credentials() const {
  ucred found{};
  socklen_t size = sizeof found;
  if (::getsockopt(native_handle(), SOL_SOCKET, SO_PEERCRED, &found, &size) !=
      0)
    throw std::system_error(errno, std::system_category(), "peer_credentials");
  return {found.pid, found.uid, found.gid};
}

unix_address unix_socket::local() const {
  std::error_code failed;
  const auto at = inner().socket.local_endpoint(failed);
  return failed ? unix_address{} : unix_address_of(at.data(), at.size());
}

unix_address unix_socket::peer() const {
  std::error_code failed;
  const auto at = inner().socket.remote_endpoint(failed);
  return failed ? unix_address{} : unix_address_of(at.data(), at.size());
}

std::pair<unix_socket, unix_socket> socketpair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   ends.data()) != 0)
    throw std::system_error(errno, std::system_category(), "socketpair");
  owned_descriptor near{ends[0]};
  owned_descriptor far{ends[1]};
  return {adopt<unix_socket>(std::move(near)),
          adopt<unix_socket>(std::move(far))};
}

// --- unix_listener ----------------------------------------------------------

unix_listener::unix_listener(const unix_address& at, listen_options options)
    : socket_listener(std::make_shared<core>()) {
  std::error_code failed;
  const auto endpoint = endpoint_of<unix_protocol>(at, failed);
  core& here = inner();
  if (!failed) here.acceptor.open(unix_protocol(), failed);
  if (!failed) bind_path(here.acceptor, endpoint, SOCK_STREAM, failed);
  if (!failed) here.acceptor.listen(options.backlog, failed);
  if (failed)
    throw std::system_error(standard(failed), "listen on " + at.text());
  here.name = at.text();
  here.path.own(at);
}

unix_listener unix_listener::adopt(int descriptor) {
  auto made = std::make_shared<core>();
  made->acceptor.assign(protocol_of(descriptor, {AF_UNIX}), descriptor);
  unix_listener adopted{std::move(made)};
  adopted.inner().name = adopted.local().text();
  return adopted;
}

unix_socket unix_listener::accept(deadline until) {
  const auto here = shared(); // the listener may be gone afterwards
  std::error_code failed;
  unix_socket accepted = accept(until, failed);
  if (failed) throw std::system_error(failed, "accept on " + here->name);
  return accepted;
}

unix_socket unix_listener::accept(deadline until, std::error_code& failed) {
  auto made = accept_any(until, failed);
  if (failed) return {};
  return unix_socket{std::move(made)};
}

std::optional<unix_socket> unix_listener::try_accept(std::error_code& failed) {
  auto made = try_accept_any(failed);
  if (!made) return std::nullopt;
  return unix_socket{std::move(made)};
}

unix_address unix_listener::local() const {
  std::error_code failed;
  const auto at = inner().acceptor.local_endpoint(failed);
  return failed ? unix_address{} : unix_address_of(at.data(), at.size());
}

} // namespace greenroom
