#pragma once

// Private to the io room: what is behind a stream socket.

#include "descriptor_calls.hpp"
#include "turn.hpp"
#include "unix_path.hpp"

#include <greenroom/io/asio.hpp>
#include <greenroom/io/socket_listener.hpp>
#include <greenroom/io/socket_stream.hpp>

#include <asio/basic_socket_acceptor.hpp>
#include <asio/basic_stream_socket.hpp>
#include <asio/generic/stream_protocol.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom {

using hub_executor = asio::io_context::executor_type;

/// Shared with the calls that wait on it, which may outlive the socket.
struct socket_stream::core {
  using asio_socket =
      asio::basic_stream_socket<asio::generic::stream_protocol, hub_executor>;

  core() : socket(hub::current().context().get_executor()) {}

  std::size_t receive(std::span<char> into, std::size_t at_least,
                      deadline until, std::error_code& failed);
  std::size_t send(std::span<const std::string_view> parts, deadline until,
                   std::error_code& failed);
  std::uint64_t send_file(int descriptor, std::uint64_t offset,
                          std::uint64_t bytes, deadline until,
                          std::error_code& failed);
  void wait(asio_socket::wait_type direction, bool& taken, deadline until,
            std::error_code& failed);
  void close();
  /// A socket that somebody else made, of one of these families.
  void adopt(int descriptor, std::initializer_list<int> families);

  template <class Option>
  void set(const Option& option, const char* name) {
    std::error_code failed;
    socket.set_option(option, failed);
    if (failed) throw std::system_error(explained(socket, failed), name);
  }

  /// The peer, for error texts.
  std::string who();

  asio_socket socket;
  bool reading = false;
  bool writing = false;
  unsigned writes = 0;
  bool drained = false; // the last read took all there was
  bool ended = false;   // read to the end

private:
  void give_way_at_times();
};

/// The same for a listening socket.
struct socket_listener::core {
  using asio_acceptor =
      asio::basic_socket_acceptor<asio::generic::stream_protocol, hub_executor>;

  core() : acceptor(hub::current().context().get_executor()) {}

  void close();
  /// What came of accepting; null if that failed.
  std::shared_ptr<socket_stream::core>
  accepted(std::shared_ptr<socket_stream::core> made, std::error_code& failed);

  asio_acceptor acceptor;
  bool accepting = false;
  std::string name; // for error texts
  unix_path path;   // of a Unix socket
};

/// Of a socket that somebody else made: its family, which must be among these.
asio::generic::stream_protocol protocol_of(int descriptor,
                                           std::initializer_list<int> families);

} // namespace greenroom
