#pragma once

// Sockets for datagrams, and the calls that wait on them.

#include "io/full_sockets.hpp"

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/udp.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

namespace test {

using greenroom::deadline;
using greenroom::udp_address;
using greenroom::udp_socket;
using namespace std::chrono_literals;

inline const udp_address anywhere{"127.0.0.1", 0};

inline std::string receive_text(udp_socket& from) {
  std::array<char, 100> text;
  return {text.data(), from.receive(text, 5s)};
}

/// A port of this machine that nobody listens at.
inline udp_address silent_port() {
  return udp_socket{anywhere}.local();
}

/// What waits on a socket, by name.
struct udp_call {
  const char* name;
  std::function<void(udp_socket&, deadline, std::error_code&)> wait;
};

inline const std::vector<udp_call>& udp_calls() {
  static const std::vector<udp_call> all{
      {"receive",
       [](udp_socket& on, deadline until, std::error_code& failed) {
         std::array<char, 8> part;
         on.receive(part, until, failed);
       }},
      {"receive_from",
       [](udp_socket& on, deadline until, std::error_code& failed) {
         std::array<char, 8> part;
         on.receive_from(part, until, failed);
       }},
      {"send",
       [](udp_socket& on, deadline until, std::error_code& failed) {
         const full_sockets here;
         on.send("x", until, failed);
       }},
      {"send_to",
       [](udp_socket& on, deadline until, std::error_code& failed) {
         const full_sockets here;
         on.send_to("x", udp_address{"127.0.0.1", 9}, until, failed);
       }},
  };
  return all;
}

} // namespace test
