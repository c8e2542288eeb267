#include "http/support.hpp"

#include <greenroom/http/server.hpp>
#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/mailbox/event.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace test {
namespace {

using namespace std::chrono_literals;
using greenroom::spawn;
using greenroom::tcp_socket;
using greenroom::http::server;

std::string read_all(greenroom::stream& from) {
  std::string all;
  std::array<char, 4096> piece;
  while (const std::size_t bytes = from.read_some(piece))
    all.append(piece.data(), bytes);
  return all;
}

std::string read_answer(tcp_socket& from) {
  std::string all(hello_response.size() + 37, ' '); // with the date
  from.read(all);
  return without_dates(all);
}

void in_real_hub(const std::function<void()>& body) {
  in_hub_on(greenroom::clock_kind::real, body);
}

TEST_SUITE("http") {
  TEST_CASE("a server answers many connections, each over and over") {
    in_real_hub([] {
      server hellos{{"127.0.0.1", 0}, hello};
      hellos.start();
      std::vector<tcp_socket> clients;
      for (int i = 0; i < 20; ++i)
        clients.push_back(tcp_socket::connect(hellos.local()));
      for (int round = 0; round < 3; ++round)
        for (tcp_socket& each : clients) {
          each.write(get);
          CHECK(read_answer(each) == hello_response);
        }
      CHECK(hellos.connections() == 20);
      hellos.stop(1h);
    });
  }

  TEST_CASE("stopping ends idle connections at once") {
    in_real_hub([] {
      server hellos{{"127.0.0.1", 0}, hello};
      hellos.start();
      auto fresh = tcp_socket::connect(hellos.local());
      auto used = tcp_socket::connect(hellos.local());
      used.write(get);
      read_answer(used);
      const auto stopping = spawn([&] { hellos.stop(1h); });
      CHECK(read_all(used).empty());
      CHECK(read_all(fresh).empty());
      used.close();
      fresh.close();
      stopping.join();
      CHECK(hellos.connections() == 0);
    });
  }

  TEST_CASE("the answer in flight is the last, and says so") {
    in_real_hub([] {
      greenroom::event go_on;
      greenroom::event begun;
      server slow{{"127.0.0.1", 0}, [&](request&, response& to) {
                    begun.set();
                    go_on.wait();
                    to.send("done");
                  }};
      slow.start();
      auto client = tcp_socket::connect(slow.local());
      client.write(get + get);
      begun.wait();
      const auto stopping = spawn([&] { slow.stop(1h); });
      greenroom::yield();
      std::error_code refused;
      tcp_socket::connect(slow.local(), 1h, refused);
      CHECK(refused);
      go_on.set();
      const std::string answer = read_all(client);
      CHECK(has(answer, "Connection: close\r\n"));
      CHECK(body_of(answer) == "done");
      client.close();
      stopping.join();
    });
  }

  TEST_CASE("a handler that does not end is killed when the grace is over") {
    in_real_hub([] {
      greenroom::event begun;
      bool unwound = false;
      server endless{{"127.0.0.1", 0}, [&](request&, response&) {
                       begun.set();
                       try {
                         greenroom::sleep(1h);
                       } catch (const greenroom::greenlet_exit&) {
                         unwound = true;
                         throw;
                       }
                     }};
      endless.start();
      auto client = tcp_socket::connect(endless.local());
      client.write(get);
      begun.wait();
      endless.stop(0s);
      CHECK(unwound);
      CHECK(read_all(client).empty());
    });
  }

  TEST_CASE("the client's address is known") {
    in_real_hub([] {
      std::string peer;
      server asks{{"127.0.0.1", 0},
                  [&](request& asked, response&) { peer = asked.peer(); }};
      asks.start();
      auto client = tcp_socket::connect(asks.local());
      client.write("GET / HTTP/1.0\r\n\r\n");
      read_all(client);
      CHECK(peer == client.local().text());
      asks.stop();
    });
  }
}

} // namespace
} // namespace test
