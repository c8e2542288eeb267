#include "hub/support.hpp"
#include "io/asio_support.hpp"
#include "io/full_sockets.hpp"
#include "io/tcp_support.hpp"
#include "io/udp_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/udp.hpp>

#include <dlfcn.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <system_error>

// --- sockets under the test's control -------------------------------------

namespace {

thread_local bool full = false;

template <class Function>
Function* real(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

} // namespace

test::full_sockets::full_sockets() {
  full = true;
}

test::full_sockets::~full_sockets() {
  full = false;
}

// Stand in front of the C library's.
extern "C" ssize_t send(int socket, const void* bytes, size_t size, int flags) {
  static const auto next = real(&send, "send");
  if (!full) return next(socket, bytes, size, flags);
  errno = EAGAIN;
  return -1;
}

extern "C" ssize_t sendto(int socket, const void* bytes, size_t size, int flags,
                          const sockaddr* to, socklen_t to_size) {
  static const auto next = real(&sendto, "sendto");
  if (!full) return next(socket, bytes, size, flags, to, to_size);
  errno = EAGAIN;
  return -1;
}

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

TEST_SUITE("udp") {
  // --- sending and receiving ----------------------------------------------

  TEST_CASE("an answer goes back to where a datagram came from") {
    for (const char* host : {"127.0.0.1", "::1"}) {
      CAPTURE(host);
      in_real_hub([&] {
        udp_socket server{{host, 0}};
        udp_socket client{{host, 0}};
        client.send_to("hello", server.local());
        std::array<char, 100> text;
        const auto [bytes, from] = server.receive_from(text);
        CHECK(std::string(text.data(), bytes) == "hello");
        CHECK(from.address() == client.local());
        server.send_to("hi", from);
        CHECK(receive_text(client) == "hi");
      });
    }
  }

  TEST_CASE("a connected socket sends to its peer and hears only that") {
    in_real_hub([] {
      udp_socket server{anywhere};
      udp_socket stranger{anywhere};
      udp_socket client;
      client.connect(server.local());
      CHECK(client.peer() == server.local());
      stranger.send_to("buy this", client.local());
      client.send("hello");
      std::array<char, 100> text;
      server.send_to("hi", server.receive_from(text).from);
      CHECK(receive_text(client) == "hi");
    });
  }

  TEST_CASE("a bound socket can be connected, and to another peer later") {
    in_real_hub([] {
      udp_socket one{anywhere};
      udp_socket other{anywhere};
      udp_socket client{anywhere};
      const udp_address local = client.local();
      for (udp_socket* each : {&one, &other}) {
        client.connect(each->local());
        client.send("x");
        CHECK(receive_text(*each) == "x");
      }
      CHECK(client.local() == local);
    });
  }

  TEST_CASE("a socket that was not bound gets a port when it first sends") {
    in_real_hub([] {
      udp_socket server{{"::1", 0}};
      udp_socket client;
      CHECK_FALSE(client.is_open());
      CHECK(client.local() == udp_address{});
      client.send_to("x", server.local());
      CHECK(receive_text(server) == "x");
      CHECK(client.local().port != 0);
    });
  }

  TEST_CASE("a socket of every address hears and answers both kinds") {
    in_real_hub([] {
      udp_socket server{{"", 0}};
      for (const char* host : {"127.0.0.1", "::1"}) {
        CAPTURE(host);
        udp_socket client{{host, 0}};
        client.send_to("x", udp_address{host, server.local().port});
        std::array<char, 8> part;
        server.send_to("one", server.receive_from(part, 5s).from);
        CHECK(receive_text(client) == "one");
        server.send_to("two", client.local());
        CHECK(receive_text(client) == "two");
      }
    });
  }

  TEST_CASE("a datagram of no bytes is one") {
    in_real_hub([] {
      udp_socket server{anywhere};
      udp_socket client{anywhere};
      client.send_to("", server.local());
      client.send_to("x", server.local());
      std::array<char, 8> part;
      const auto [bytes, from] = server.receive_from(part);
      CHECK(bytes == 0);
      CHECK(from.address() == client.local());
      CHECK(server.receive(part) == 1);
    });
  }

  TEST_CASE("of one that does not fit, the begin and the length are told") {
    in_real_hub([] {
      udp_socket server{anywhere};
      udp_socket client;
      const std::string sent = "0123456789";
      for (const std::size_t room : {9, 0, 10}) {
        client.send_to(sent, server.local());
        std::string text(room, ' ');
        std::error_code failed;
        CHECK(server.receive(text, {}, failed) == 10);
        CHECK((failed == std::errc::message_size) == (room < 10));
        CHECK(text == sent.substr(0, room));
      }
      client.send_to(sent, server.local());
      std::array<char, 4> part;
      CHECK(error_of([&] {
              server.receive(part);
            }).find("a datagram of 10 bytes: Message too long") !=
            std::string::npos);
    });
  }

  TEST_CASE("one that is too long to be sent is an error") {
    in_real_hub([] {
      udp_socket server{anywhere};
      udp_socket client;
      std::error_code failed;
      client.send_to(std::string(65'508, 'x'), server.local(), {}, failed);
      CHECK(failed == std::errc::message_size);
      const std::string longest(65'507, 'x');
      client.send_to(longest, server.local());
      std::string text(longest.size(), ' ');
      CHECK(server.receive(text) == longest.size());
      CHECK(text == longest);
    });
  }

  TEST_CASE("that nobody listens is told to a connected socket") {
    in_real_hub([] {
      udp_socket client;
      client.connect(silent_port());
      client.send("anybody?");
      std::array<char, 8> part;
      std::error_code failed;
      client.receive(part, 5s, failed);
      CHECK(failed == std::errc::connection_refused);
      client.send("anybody?");
      client.send("anybody?", {}, failed);
      CHECK(failed == std::errc::connection_refused);
      client.send("anybody?");
    });
  }

  TEST_CASE("names are looked up, for the family of the socket") {
    in_real_hub([] {
      udp_socket server{anywhere};
      const udp_address by_name{"localhost", server.local().port};
      udp_socket client{anywhere};
      client.send_to("one", by_name);
      CHECK(receive_text(server) == "one");
      client.connect(by_name);
      client.send("two");
      CHECK(receive_text(server) == "two");
      udp_socket named{{"localhost", 0}};
      CHECK(named.is_open());
      std::error_code failed;
      client.send_to("x", udp_address{"nowhere.test", 9}, {}, failed);
      CHECK(failed);
      udp_socket nowhere;
      nowhere.connect({"nowhere.test", 9}, {}, failed);
      CHECK(failed);
      CHECK_FALSE(nowhere.is_open());
    });
  }

  TEST_CASE("errors name the address") {
    in_real_hub([] {
      udp_socket taken{anywhere};
      const std::string text = taken.local().text();
      CHECK(mentions(error_of([&] { udp_socket{taken.local()}; }),
                     "bind " + text));
      udp_socket client;
      CHECK(mentions(error_of([&] {
                       client.connect({"nowhere.test", 9});
                     }),
                     "connect to nowhere.test:9"));
      CHECK(mentions(error_of([&] {
                       client.send_to(std::string(70'000, 'x'), taken.local());
                     }),
                     "send to " + text + ": Message too long"));
      std::array<char, 8> part;
      CHECK(mentions(error_of([&] { taken.receive(part, 1ms); }),
                     "receive on " + text));
    });
  }

  // --- addresses ------------------------------------------------------------

  TEST_CASE("endpoints compare, and have an address") {
    const udp_endpoint four{udp_address{"127.0.0.1", 5000}};
    const udp_endpoint six{udp_address{"::1", 5000}};
    CHECK(four.address().text() == "127.0.0.1:5000");
    CHECK(six.address().text() == "[::1]:5000");
    CHECK(udp_endpoint{}.address() == udp_address{"0.0.0.0", 0});
    CHECK(udp_endpoint{four.raw(), four.size()} == four);
    CHECK(udp_endpoint{six.raw(), six.size()} == six);
    CHECK(four != six);
    CHECK(four != udp_endpoint{udp_address{"127.0.0.1", 5001}});
    const std::map<udp_endpoint, int> numbered{{four, 4}, {six, 6}};
    CHECK(numbered.at(four) == 4);
    CHECK(numbered.at(six) == 6);
    CHECK_THROWS_AS(udp_endpoint{udp_address({"localhost", 1})},
                    std::system_error);
  }

  TEST_CASE("answers allocate only what cancels them, in Asio") {
    in_real_hub([] {
      udp_socket server{anywhere};
      udp_socket client{anywhere};
      const auto echo = spawn([&] {
        std::array<char, 100> text;
        for (;;) {
          const auto [bytes, from] = server.receive_from(text);
          server.send_to({text.data(), bytes}, from);
        }
      });
      const udp_address to = server.local();
      std::array<char, 100> text;
      const auto round = [&] {
        client.send_to("hello", to);
        CHECK(client.receive(text, 5s) == 5);
      };
      round();
      const std::size_t before = allocations_made();
      for (int i = 0; i < 100; ++i)
        round();
      CHECK(allocations_made() - before <= 100 * 2);
      echo.kill();
    });
  }

  // --- options --------------------------------------------------------------

  TEST_CASE("broadcasts need leave") {
    in_real_hub([] {
      udp_socket client{{"0.0.0.0", 0}};
      const udp_address everybody{"127.255.255.255", client.local().port};
      std::error_code failed;
      client.send_to("x", everybody, {}, failed);
      CHECK(failed == std::errc::permission_denied);
      client.set_broadcast(true);
      client.send_to("to all", everybody);
      CHECK(receive_text(client) == "to all");
    });
  }

  TEST_CASE("members of a group get what is sent to it") {
    in_real_hub([] {
      const std::string group = "239.7.7.7";
      udp_socket one{{group, 0}, {.reuse_address = true}};
      udp_socket other{one.local(), {.reuse_address = true}};
      one.join_group(group, "lo");
      other.join_group(group, "lo");
      udp_socket client{{"0.0.0.0", 0}};
      client.set_multicast_interface("lo");
      client.set_multicast_ttl(1);
      client.send_to("to members", one.local());
      CHECK(receive_text(one) == "to members");
      CHECK(receive_text(other) == "to members");
    });
  }

  TEST_CASE("the system is told how far groups reach") {
    in_real_hub([] {
      udp_socket client{{"0.0.0.0", 0}};
      const auto value = [&](int option) {
        int found = -1;
        socklen_t size = sizeof found;
        getsockopt(client.native_handle(), IPPROTO_IP, option, &found, &size);
        return found;
      };
      CHECK(value(IP_MULTICAST_LOOP) == 1);
      CHECK(value(IP_MULTICAST_TTL) == 1);
      client.set_multicast_loop(false);
      client.set_multicast_ttl(3);
      CHECK(value(IP_MULTICAST_LOOP) == 0);
      CHECK(value(IP_MULTICAST_TTL) == 3);
    });
  }

  TEST_CASE("groups are joined once, and left") {
    for (const char* group : {"239.7.7.7", "ff02::7777"}) {
      CAPTURE(group);
      in_real_hub([&] {
        const bool six = std::string(group).find(':') != std::string::npos;
        udp_socket member{{six ? "::" : "0.0.0.0", 0}};
        member.join_group(group, "lo");
        CHECK_THROWS_AS(member.join_group(group, "lo"), std::system_error);
        member.leave_group(group, "lo");
        CHECK_THROWS_AS(member.leave_group(group, "lo"), std::system_error);
        member.set_multicast_interface("lo");
        CHECK(mentions(error_of([&] { member.join_group(group, "nothing0"); }),
                       "interface nothing0"));
        CHECK_THROWS_AS(member.join_group("a name"), std::system_error);
        CHECK_THROWS_AS(member.set_multicast_ttl(256), std::system_error);
      });
    }
  }

  TEST_CASE("buffers can be set and asked for") {
    in_real_hub([] {
      udp_socket socket{anywhere};
      socket.set_receive_buffer_size(50'000);
      socket.set_send_buffer_size(60'000);
      CHECK(socket.receive_buffer_size() >= 50'000);
      CHECK(socket.send_buffer_size() >= 60'000);
      socket.close();
      CHECK(mentions(error_of([&] { socket.set_send_buffer_size(1); }),
                     "set_send_buffer_size: closed"));
    });
  }
}
