#pragma once

// Connections, and the calls that wait on them.

#include "hub/support.hpp"

#include <greenroom/hub/hub.hpp>
#include <greenroom/io/tcp.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace test {

using namespace std::chrono_literals;
using greenroom::deadline;
using greenroom::tcp_listener;
using greenroom::tcp_socket;

/// Two ends of a connection.
struct connection {
  tcp_listener door{{"127.0.0.1", 0}};
  tcp_socket near = tcp_socket::connect(door.local());
  tcp_socket far = door.accept();
};

/// A port that answers no connection: its queue is full.
struct full_port {
  full_port() {
    std::error_code failed;
    while (!failed)
      waiting.push_back(tcp_socket::connect(door.local(), 50ms, failed));
    CHECK(failed == greenroom::errc::timed_out);
  }
  tcp_listener door{{"127.0.0.1", 0}, {.backlog = 0}};
  std::vector<tcp_socket> waiting;
};

inline std::string read_text(tcp_socket& from, std::size_t bytes) {
  std::string text(bytes, ' ');
  from.read(text);
  return text;
}

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all{"/proc/self/fd"};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// What waits on a connection or a door, by name.
struct waiting_call {
  const char* name;
  std::function<void(connection&, deadline, std::error_code&)> wait;
};

inline const std::string& more_than_fits() {
  static const std::string bytes(32 << 20, 'x');
  return bytes;
}

inline const std::vector<waiting_call>& waiting_calls() {
  static const std::vector<waiting_call> all{
      {"read_some",
       [](connection& on, deadline until, std::error_code& failed) {
         std::array<char, 8> part;
         on.near.read_some(part, until, failed);
       }},
      {"read",
       [](connection& on, deadline until, std::error_code& failed) {
         std::array<char, 8> part;
         on.near.read(part, until, failed);
       }},
      {"write",
       [](connection& on, deadline until, std::error_code& failed) {
         on.near.write(more_than_fits(), until, failed);
       }},
      {"accept",
       [](connection& on, deadline until, std::error_code& failed) {
         on.door.accept(until, failed);
       }},
  };
  return all;
}

template <class Body>
void in_real_hub(Body&& body) {
  in_hub_on(greenroom::clock_kind::real, std::forward<Body>(body));
}

} // namespace test
