// Connecting and listening.

#include "hub/support.hpp"
#include "io/hanging_resolver.hpp"
#include "io/tcp_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/tcp.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

std::uint16_t closed_port() {
  return tcp_listener{{"127.0.0.1", 0}}.local().port;
}

/// Lets the process open no further descriptor.
class no_descriptors {
public:
  no_descriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = dup(0);
    close(next);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(next);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  no_descriptors(const no_descriptors&) = delete;
  no_descriptors& operator=(const no_descriptors&) = delete;
  ~no_descriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

private:
  rlimit before_{};
};

} // namespace

TEST_SUITE("io") {
  // --- connecting and listening -------------------------------------------

  TEST_CASE("a refused connect names the address") {
    in_real_hub([] {
      const tcp_address nobody{"127.0.0.1", closed_port()};
      CHECK(error_of([&] { tcp_socket::connect(nobody); }) ==
            "std::system_error: connect to " + nobody.text() +
                ": Connection refused");
      std::error_code failed;
      CHECK_FALSE(tcp_socket::connect(nobody, 1s, failed).is_open());
      CHECK(failed == std::errc::connection_refused);
    });
  }

  TEST_CASE("a host that does not exist is an error that names it") {
    in_real_hub([] {
      CHECK(error_of([] {
              tcp_socket::connect({"nowhere.test", 80});
            }).find("connect to nowhere.test:80: Host not found") !=
            std::string::npos);
    });
  }

  TEST_CASE("connect tries all addresses of a name") {
    in_real_hub([] {
      // localhost may mean ::1 first; only 127.0.0.1 listens.
      tcp_listener door{{"127.0.0.1", 0}};
      auto near = tcp_socket::connect({"localhost", door.local().port}, 10s);
      auto far = door.accept();
      near.write("x");
      CHECK(read_text(far, 1) == "x");
    });
  }

  TEST_CASE("connect does not wait for an address that does not answer") {
    in_real_hub([] {
      const full_port slow; // on 127.0.0.1
      const tcp_listener door{{"127.0.0.2", slow.door.local().port}};
      several_addresses({"127.0.0.1", "127.0.0.2"});
      const tcp_socket made =
          tcp_socket::connect({"several.test", door.local().port}, 30s);
      CHECK(made.peer() == door.local());
    });
  }

  TEST_CASE("connect takes turns between the kinds of address") {
    in_hub([] {
      tcp_listener door{{"127.0.0.2", 0}};
      several_addresses({"::1", "::1", "::1", "127.0.0.2"});
      const tcp_address to{"several.test", door.local().port};
      CHECK(tcp_socket::connect(to).peer() == door.local());
    });
  }

  TEST_CASE("connect that fails everywhere has the first address's error") {
    in_real_hub([] {
      const std::size_t before = open_descriptors();
      const std::uint16_t port = closed_port();
      several_addresses({"127.0.0.1", "127.0.0.2", "127.0.0.3"});
      std::error_code failed;
      tcp_socket::connect({"several.test", port}, {}, failed);
      CHECK(failed == std::errc::connection_refused);
      CHECK(open_descriptors() == before);
    });
  }

  TEST_CASE("a connect to several that is killed or late leaves nothing") {
    in_real_hub([] {
      const full_port slow;
      const tcp_address to{"several.test", slow.door.local().port};
      several_addresses({"127.0.0.1", "127.0.0.1"});
      const std::size_t before = open_descriptors();
      const auto victim = spawn([&] { tcp_socket::connect(to); });
      while (open_descriptors() == before)
        yield(); // until the lookup, by another thread, is over
      victim.kill();
      CHECK(victim.killed());
      std::error_code failed;
      tcp_socket::connect(to, 20ms, failed);
      CHECK(failed == errc::timed_out);
      CHECK_FALSE(timeout{20ms}.run([&] { tcp_socket::connect(to); }));
      idle();
      CHECK(open_descriptors() == before);
    });
  }

  TEST_CASE("a listener without a host takes both kinds of connection") {
    in_real_hub([] {
      tcp_listener door{{"", 0}};
      const std::uint16_t port = door.local().port;
      const auto four = tcp_socket::connect({"127.0.0.1", port});
      CHECK(door.accept().is_open());
      if (door.local().host != "::") return; // a machine without IPv6
      const auto six = tcp_socket::connect({"::1", port});
      CHECK(door.accept().is_open());
    });
  }

  TEST_CASE("several listeners may share a port") {
    in_real_hub([] {
      tcp_listener first{{"127.0.0.1", 0}, {.reuse_port = true}};
      tcp_listener second{first.local(), {.reuse_port = true}};
      CHECK(first.local() == second.local());
    });
  }

  TEST_CASE("a listening socket of others is adopted") {
    in_real_hub([] {
      const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      CHECK(::listen(made, 10) == 0); // on any free port
      tcp_listener door = tcp_listener::adopt(made);
      const auto visitor =
          tcp_socket::connect({"127.0.0.1", door.local().port});
      CHECK(door.accept().is_open());
    });
  }

  TEST_CASE("what is no TCP socket is not adopted, and stays the caller's") {
    in_real_hub([] {
      const int datagrams = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      for (const int wrong : {-1, datagrams}) {
        CHECK_THROWS_AS(tcp_socket::adopt(wrong), std::system_error);
        CHECK_THROWS_AS(tcp_listener::adopt(wrong), std::system_error);
      }
      CHECK(::close(datagrams) == 0);
    });
  }

  TEST_CASE("a connection is released, and adopted again") {
    in_real_hub([] {
      connection c;
      std::error_code failed;
      std::array<char, 8> part;
      const auto reader = spawn([&] { c.near.read_some(part, {}, failed); });
      yield();
      const int descriptor = c.near.release();
      reader.join();
      CHECK(failed == errc::closed);
      CHECK_FALSE(c.near.is_open());
      tcp_socket again = tcp_socket::adopt(descriptor);
      c.far.write("still there");
      CHECK(read_text(again, 11) == "still there");
    });
  }

  TEST_CASE("options reach the socket") {
    in_real_hub([] {
      connection c;
      const auto option = [&](int level, int name) {
        int value = -1;
        socklen_t size = sizeof value;
        ::getsockopt(c.near.native_handle(), level, name, &value, &size);
        return value;
      };
      CHECK(option(IPPROTO_TCP, TCP_NODELAY) == 1);
      c.near.set_options(
          {.no_delay = false, .keep_alive = 60s, .user_timeout = 5s});
      CHECK(option(IPPROTO_TCP, TCP_NODELAY) == 0);
      CHECK(option(SOL_SOCKET, SO_KEEPALIVE) == 1);
      CHECK(option(IPPROTO_TCP, TCP_KEEPIDLE) == 60);
      CHECK(option(IPPROTO_TCP, TCP_KEEPINTVL) == 20);
      CHECK(option(IPPROTO_TCP, TCP_USER_TIMEOUT) == 5000);
      c.near.set_send_buffer_size(100'000);
      CHECK(option(SOL_SOCKET, SO_SNDBUF) >= 100'000);
      c.near.set_receive_buffer_size(100'000);
      CHECK(option(SOL_SOCKET, SO_RCVBUF) >= 100'000);
      c.near.close();
      CHECK_THROWS_AS(c.near.set_options({}), std::system_error);
    });
  }

  TEST_CASE("a listener may be given a name") {
    in_real_hub([] {
      tcp_listener door{{"localhost", 0}};
      CHECK(tcp_socket::connect(door.local()).is_open());
    });
  }

  TEST_CASE("connections run over IPv6") {
    in_real_hub([] {
      std::optional<tcp_listener> door;
      try {
        door.emplace(tcp_address{"::1", 0});
      } catch (const std::system_error&) {
        return; // a machine without it
      }
      CHECK(door->local().text() ==
            "[::1]:" + std::to_string(door->local().port));
      auto near = tcp_socket::connect(door->local());
      auto far = door->accept();
      near.write("six");
      CHECK(read_text(far, 3) == "six");
    });
  }

  TEST_CASE("port 0 asks for a free port") {
    in_real_hub([] {
      const tcp_listener first{{"127.0.0.1", 0}};
      const tcp_listener second{{"127.0.0.1", 0}};
      CHECK(first.local().port != 0);
      CHECK(first.local().port != second.local().port);
      CHECK(first.local().host == "127.0.0.1");
    });
  }

  TEST_CASE("a port in use is refused by name, a closed one is free") {
    in_real_hub([] {
      tcp_listener first{{"127.0.0.1", 0}};
      const tcp_address address = first.local();
      CHECK(error_of([&] { tcp_listener second{address}; }) ==
            "std::system_error: listen on " + address.text() +
                ": Address already in use");
      first.close();
      const tcp_listener third{address};
      CHECK(third.local() == address);
    });
  }

  TEST_CASE("connections that came before accept wait for it in order") {
    in_real_hub([] {
      tcp_listener door{{"127.0.0.1", 0}};
      std::vector<tcp_socket> visitors;
      for (int i = 0; i < 5; ++i)
        visitors.push_back(tcp_socket::connect(door.local()));
      for (const tcp_socket& each : visitors)
        CHECK(door.accept().peer() == each.local());
    });
  }

  TEST_CASE("a resolver that hangs holds up neither deadline nor kill") {
    hanging_resolver resolver;
    in_real_hub([&] {
      const tcp_address slow{"hangs.test", 80};
      std::error_code failed;
      tcp_socket::connect(slow, 5ms, failed);
      CHECK(failed == errc::timed_out);
      const auto victim = spawn([&] { tcp_socket::connect(slow); });
      yield();
      CHECK(victim.kill(10s));
      CHECK(victim.killed());
      CHECK_FALSE(timeout{5ms}.run([&] { tcp_socket::connect(slow); }));
      resolver.release();
      CHECK(error_of([&] {
              tcp_socket::connect(slow);
            }).find("connect to hangs.test:80: Host not found") !=
            std::string::npos);
    });
  }

  TEST_CASE("without descriptors accept and connect fail and then recover") {
    in_real_hub([] {
      tcp_listener door{{"127.0.0.1", 0}};
      auto visitor = tcp_socket::connect(door.local());
      std::error_code failed;
      {
        const no_descriptors limit;
        CHECK_FALSE(door.accept(1s, failed).is_open());
        CHECK(failed == std::errc::too_many_files_open);
        CHECK_FALSE(tcp_socket::connect(door.local(), 1s, failed).is_open());
        CHECK(failed == std::errc::too_many_files_open);
        CHECK_THROWS_AS(tcp_listener({"127.0.0.1", 0}), std::system_error);
      }
      // Valgrind closes what the kernel would keep for the next accept.
      const auto second = tcp_socket::connect(door.local());
      CHECK(door.accept(1s).is_open());
    });
  }

  TEST_CASE("the thrown and the stored error are the same") {
    in_hub([] {
      connection c;
      const std::string far = c.far.local().text();
      std::array<char, 8> part;
      CHECK(error_of([&] { c.near.read_some(part, 1s); }) ==
            "std::system_error: read from " + far + ": timed out");
      CHECK(error_of([&] { c.near.read(part, 1s); }) ==
            "std::system_error: read from " + far + ": timed out");
      CHECK(error_of([&] { c.near.write(more_than_fits(), 1s); }) ==
            "std::system_error: write to " + far + ": timed out");
      CHECK(error_of([&] { c.door.accept(1s); }) ==
            "std::system_error: accept on " + c.door.local().text() +
                ": timed out");
    });
  }
}
