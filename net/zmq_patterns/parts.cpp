#include "parts.hpp"

#include <greenroom/hub/error.hpp>

#include <chrono>
#include <iterator>
#include <utility>

namespace greenroom::zmq {

using namespace std::chrono_literals;

socket make_socket(const context& in, socket_type kind,
                   const socket_setup& setup) {
  socket made{in, kind};
  made.set_linger(0s);
  if (setup) setup(made);
  return made;
}

socket make_router(const context& in, const socket_setup& setup) {
  socket made = make_socket(in, socket_type::router, setup);
  made.set_router_mandatory(true);
  return made;
}

bool send_now(socket& to, message&& what, std::error_code& failed) {
  to.send_multipart(std::move(what), deadline{steady_time{}}, failed);
  return !failed;
}

std::optional<message> take(socket& from, std::uint64_t& refused) {
  for (;; ++refused)
    try {
      return from.try_receive_multipart();
    } catch (const std::system_error& error) {
      if (error.code() != std::errc::message_size) throw;
    }
}

message wait_and_take(socket& from, std::uint64_t& refused) {
  for (;; ++refused) {
    std::error_code failed;
    message came = from.receive_multipart({}, failed);
    if (!failed) return came;
    if (failed != std::errc::message_size)
      throw std::system_error(failed, "zmq::socket::receive_multipart");
  }
}

message from(message&& of, std::size_t begin) {
  const auto first = of.begin() + static_cast<std::ptrdiff_t>(begin);
  return {std::make_move_iterator(first), std::make_move_iterator(of.end())};
}

void append(message& to, message&& what) {
  to.insert(to.end(), std::make_move_iterator(what.begin()),
            std::make_move_iterator(what.end()));
}

std::size_t bytes_of(const message& frames) {
  std::size_t bytes = 0;
  for (const frame& each : frames)
    bytes += each.size();
  return bytes;
}

in_use::in_use(bool& flag, const char* what) : flag_(flag) {
  if (flag) throw_error(greenroom::errc::busy, what);
  flag = true;
}

} // namespace greenroom::zmq
