#pragma once

#include <greenroom/hub/deadline.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::inproc {

// What the sockets of this room have in common with `zmq::socket`. Code that is
// written against it works inside a process and over the wire; one line says
// which:
//
//   template <pattern_socket Jobs>
//   void hand_out(Jobs& jobs) { jobs.send("a job", 1s); }
//
//   using jobs = inproc::push<std::string>;       // or a zmq::socket

/// A socket that can be found, and closed under those who wait.
template <class Socket>
concept pattern_socket = requires(Socket& socket, const std::string& endpoint) {
  socket.bind(endpoint);
  socket.connect(endpoint);
  socket.unbind(endpoint);
  socket.disconnect(endpoint);
  socket.close();
  { socket.is_open() } -> std::convertible_to<bool>;
};

/// One that sends such messages: it waits until the deadline, and then throws
/// `errc::timed_out`, with the message still the caller's.
template <class Socket, class Message>
concept sends = pattern_socket<Socket> &&
    requires(Socket& socket, Message message, deadline until) {
  socket.send(std::move(message), until);
  { socket.try_send(std::move(message)) } -> std::same_as<bool>;
};

/// One that receives such messages.
template <class Socket, class Message>
concept receives = pattern_socket<Socket> &&
    requires(Socket& socket, deadline until) {
  { socket.receive(until) } -> std::convertible_to<Message>;
  { socket.try_receive() } -> std::convertible_to<std::optional<Message>>;
};

/// One that receives of what it subscribed to.
template <class Socket, class Message>
concept subscribes = receives<Socket, Message> &&
    requires(Socket& socket, std::string_view prefix) {
  socket.subscribe(prefix);
  socket.unsubscribe(prefix);
};

} // namespace greenroom::inproc
