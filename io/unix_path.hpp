#pragma once

// Private to the io room: binding Unix sockets, and their files.

#include <greenroom/io/unix_address.hpp>

#include <asio/error.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <system_error>

namespace greenroom {

/// The file that a socket was bound to: goes with it, unless another has taken
/// its place.
class unix_path {
public:
  unix_path() = default;
  unix_path(const unix_path&) = delete;
  unix_path& operator=(const unix_path&) = delete;
  ~unix_path() { remove(); }

  /// Of the file that is there now; of an abstract address, none.
  void own(const unix_address& bound);
  void remove();

private:
  std::string path_; // empty: none to remove
  struct stat file_ {};
};

/// A socket's file that its owner has left behind: nobody is there. `type` is
/// that of the socket, such as SOCK_STREAM.
bool is_left_behind(const std::string& path, int type, const sockaddr* address,
                    std::size_t size);

/// Of a path that fits.
template <class Protocol>
typename Protocol::endpoint endpoint_of(const unix_address& address,
                                        std::error_code& failed) {
  constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  failed.clear();
  if (address.path.empty())
    failed = std::make_error_code(std::errc::invalid_argument);
  else if (address.path.size() > longest)
    failed = std::make_error_code(std::errc::filename_too_long);
  using endpoint = typename Protocol::endpoint;
  return failed ? endpoint() : endpoint(address.path);
}

/// Takes over a path that was left behind.
template <class Socket, class Endpoint>
void bind_path(Socket& socket, const Endpoint& at, int type,
               std::error_code& failed) {
  socket.bind(at, failed);
  if (failed != asio::error::address_in_use) return;
  if (!is_left_behind(at.path(), type, at.data(), at.size())) return;
  ::unlink(at.path().c_str());
  socket.bind(at, failed);
}

} // namespace greenroom
