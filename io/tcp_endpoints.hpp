#pragma once

// Private to the io room: what connecting and listening share.

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/tcp_address.hpp>

#include <asio/ip/tcp.hpp>

#include <system_error>
#include <vector>

namespace greenroom {

/// What a name means, in the order to be tried; none when that failed.
std::vector<asio::ip::tcp::endpoint>
endpoints_of(const tcp_address& name, deadline until, std::error_code& failed);

template <class Socket>
void set_no_delay(Socket& socket) {
  std::error_code ignored; // a peer that is gone shows in the next call
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
}

} // namespace greenroom
