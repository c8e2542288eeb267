// How a server stops.

#include <greenroom/net/stream_server.hpp>

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/queue.hpp>

#include "hub/support.hpp"
#include "net/server_support.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

TEST_SUITE("net") {
  TEST_CASE("stop before start, and again after stop, does nothing") {
    in_hub([] {
      stream_server server{anywhere, greet};
      CHECK(test::time_of([&] { server.stop(); }) == 0s);
      server.start();
      CHECK(test::time_of([&] { server.stop(); }) == 0s);
      CHECK(test::time_of([&] { server.stop(); }) == 0s);
    });
  }

  // GEVENT.md 3.2, 63
  TEST_CASE("stop refuses further connections") {
    in_hub([] {
      stream_server server{anywhere, greet};
      server.start();
      const tcp_address at = server.local();
      server.stop();
      std::error_code failed;
      tcp_socket::connect(at, {}, failed);
      CHECK(failed.value() == ECONNREFUSED);
    });
  }

  TEST_CASE("stop lets handlers finish within the grace") {
    in_hub([] {
      async_result<void> inside;
      stream_server server{anywhere, [&](stream& peer) {
                             inside.set();
                             sleep(3s);
                             peer.write("done");
                           }};
      server.start();
      tcp_socket visitor = tcp_socket::connect(server.local());
      inside.get();
      CHECK(test::time_of([&] { server.stop(5s); }) == 3s);
      CHECK(server.connections() == 0);
      CHECK(read_all(visitor) == "done");
    });
  }

  TEST_CASE("stop kills the handlers that are left after the grace") {
    in_hub([] {
      std::string trace;
      queue<bool> inside;
      stream_server server{anywhere, [&](stream& peer) {
                             test::at_exit unwound{trace, "unwound "};
                             inside.put(true);
                             listen_to(peer);
                           }};
      server.start();
      tcp_socket first = tcp_socket::connect(server.local());
      tcp_socket second = tcp_socket::connect(server.local());
      inside.get();
      inside.get();
      CHECK(test::time_of([&] { server.stop(2s); }) == 2s);
      CHECK(trace == "unwound unwound ");
      CHECK(server.connections() == 0);
      CHECK(read_all(first) == "");
      CHECK(read_all(second) == "");
    });
  }

  TEST_CASE("stop kills a handler whose peer does not read") {
    in_hub([] {
      async_result<void> inside;
      stream_server server{anywhere, [&](stream& peer) {
                             inside.set();
                             const std::string much(1 << 20, 'x');
                             for (;;)
                               peer.write(much);
                           }};
      server.start();
      const tcp_socket visitor = tcp_socket::connect(server.local());
      inside.get();
      server.stop(1s);
      CHECK(server.connections() == 0);
    });
  }

  TEST_CASE("a killed handler has a second to clean up") {
    in_hub([] {
      async_result<void> inside;
      stream_server server{anywhere, [&](stream& peer) {
                             inside.set();
                             try {
                               sleep(1h);
                             } catch (const greenlet_exit&) {
                               sleep(900ms);
                               peer.write("goodbye");
                               throw;
                             }
                           }};
      server.start();
      tcp_socket visitor = tcp_socket::connect(server.local());
      inside.get();
      CHECK(test::time_of([&] { server.stop(2s); }) == 2900ms);
      CHECK(read_all(visitor) == "goodbye");
    });
  }

  TEST_CASE("a handler that swallows its kill is ended all the same") {
    in_hub([] {
      async_result<void> inside;
      int swallowed = 0;
      stream_server server{anywhere, [&](stream&) {
                             inside.set();
                             while (swallowed < 10)
                               try {
                                 sleep(1h);
                               } catch (const greenlet_exit&) {
                                 ++swallowed;
                               }
                           }};
      server.start();
      const tcp_socket visitor = tcp_socket::connect(server.local());
      inside.get();
      CHECK(test::time_of([&] { server.stop(2s); }) == 3s);
      CHECK(swallowed == 10);
    });
  }

  TEST_CASE("two that stop the same server both wait until it has stopped") {
    in_hub([] {
      async_result<void> inside;
      stream_server server{anywhere, [&](stream&) {
                             inside.set();
                             sleep(3s);
                           }};
      server.start();
      const tcp_socket visitor = tcp_socket::connect(server.local());
      inside.get();
      const auto other = spawn([&] { server.stop(10s); });
      yield();
      CHECK(test::time_of([&] { server.stop(10s); }) == 3s);
      CHECK(server.connections() == 0);
      other.join();
    });
  }

  TEST_CASE("a handler may stop its own server, which waits for the others") {
    in_hub([] {
      async_result<std::size_t> left;
      served here{[&](stream& peer) {
        std::array<char, 1> order;
        if (peer.read_some(order) == 0) return;
        here.server.stop(1s);
        left.set(here.server.connections());
        peer.write("stopped");
      }};
      const tcp_socket silent = here.visit();
      tcp_socket commander = here.visit();
      commander.write("!");
      CHECK(left.get() == 1);
      CHECK(read_all(commander) == "stopped");
      CHECK(!here.server.started());
    });
  }

  TEST_CASE("a server that has stopped starts again on the same port") {
    in_hub([] {
      const tcp_address at = served{greet}.server.local();
      stream_server server{at, greet};
      for (int round = 0; round < 3; ++round) {
        server.start();
        CHECK(server.local() == at);
        tcp_socket visitor = tcp_socket::connect(at); // leaves a TIME_WAIT
        CHECK(read_all(visitor) == "hello");
        server.stop();
      }
    });
  }

  TEST_CASE("serve_forever starts, and returns when another stops it") {
    in_hub([] {
      stream_server server{anywhere, greet};
      spawn([&] {
        tcp_socket visitor = tcp_socket::connect(server.local());
        CHECK(read_all(visitor) == "hello");
        server.stop();
      });
      server.serve_forever();
      CHECK(!server.started());
    });
  }

  TEST_CASE("serve_forever stops the server and passes the kill on") {
    in_hub([] {
      stream_server server{anywhere, listen_to};
      const auto keeper = spawn([&] { server.serve_forever(); });
      yield();
      const tcp_socket visitor = tcp_socket::connect(server.local());
      keeper.kill();
      CHECK(keeper.killed());
      CHECK(!server.started());
      CHECK(server.connections() == 0);
    });
  }

  TEST_CASE("serve_forever stops the server and passes a timeout on") {
    in_hub([] {
      stream_server server{anywhere, greet};
      timeout limit{4s};
      CHECK(!limit.run([&] { server.serve_forever(); }));
      CHECK(!server.started());
    });
  }

  TEST_CASE("serve_forever returns when the handler that stops has ended") {
    in_hub([] {
      stream_server* running = nullptr;
      bool ended = false;
      {
        stream_server server{anywhere, [&](stream&) {
                               running->stop();
                               sleep(1s);
                               ended = true;
                             }};
        running = &server;
        server.start();
        const tcp_socket visitor = tcp_socket::connect(server.local());
        server.serve_forever();
        CHECK(ended);
      }
    });
  }

  TEST_CASE("two handlers that stop the server do not wait for each other") {
    in_hub([] {
      stream_server* running = nullptr;
      int ended = 0;
      stream_server server{anywhere, [&](stream& peer) {
                             listen_to(peer);
                             running->stop(1s);
                             ++ended;
                           }};
      running = &server;
      server.start();
      {
        const tcp_socket first = tcp_socket::connect(server.local());
        const tcp_socket second = tcp_socket::connect(server.local());
        while (server.connections() < 2)
          idle();
      }
      server.serve_forever();
      CHECK(ended == 2);
    });
  }
}
