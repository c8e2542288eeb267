// Many at once, and much.

#include "hub/support.hpp"
#include "tls/tls_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/tls/tls_socket.hpp>

#include <malloc.h>

#include <array>
#include <cstddef>
#include <deque>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

/// Accepts so many, each in a greenlet of its own, and says "hello".
void greet(tcp_listener& door, int visitors) {
  const auto server = usual_server();
  nursery([&](nursery_scope& all) {
    for (int i = 0; i < visitors; ++i)
      all.spawn([&server, accepted = door.accept()]() mutable {
        auto peer = tls_socket::server(server, std::move(accepted));
        peer.write("hello");
        peer.shutdown();
      });
  });
}

std::string greeting(const tls_context& with, const tcp_address& at) {
  auto peer = tls_socket::connect(with, at);
  std::string text = read_text(peer, 5);
  peer.shutdown();
  return text;
}

} // namespace

TEST_SUITE("tls") {
  TEST_CASE("keys change in both directions while both are full") {
    for (const int buffer : {4096, 100'000}) {
      CAPTURE(buffer);
      in_real_hub([buffer] {
        tls_pair c;
        c.near.lower().set_send_buffer_size(buffer);
        c.far.lower().set_send_buffer_size(buffer);
        constexpr int pieces = 400;
        const std::string piece(20'000, 'x');
        int changes = 0;
        const auto write = [&](tls_socket& to) {
          for (int i = 0; i < pieces; ++i) {
            changes += SSL_key_update(to.native(), SSL_KEY_UPDATE_REQUESTED);
            to.write(piece);
          }
        };
        const auto read = [&](tls_socket& from) {
          int good = 0;
          for (int i = 0; i < pieces; ++i)
            good += read_text(from, piece.size()) == piece;
          CHECK(good == pieces);
        };
        const auto near_writer = spawn([&] { write(c.near); });
        const auto far_writer = spawn([&] { write(c.far); });
        const auto near_reader = spawn([&] { read(c.near); });
        read(c.far);
        joinall(
            std::vector<any_greenlet>{near_writer, far_writer, near_reader});
        CHECK(near_writer.successful());
        CHECK(far_writer.successful());
        CHECK(near_reader.successful());
        CHECK(changes > pieces);
      });
    }
  }

  TEST_CASE("a peer that only changes keys neither hangs nor fills anything") {
    in_real_hub([] {
      tls_pair c;
      bool done = false;
      long turns = 0;
      const auto other = spawn([&] {
        while (!done) {
          ++turns;
          yield();
        }
      });
      const auto reader = spawn([&] { read_text(c.far, 1); });
      for (int i = 0; i < 2000; ++i) {
        SSL_key_update(c.near.native(), SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(c.near.native());
        if (i % 100 == 0) yield();
      }
      c.near.write("x");
      reader.join();
      done = true;
      other.join();
      CHECK(reader.successful());
      CHECK(turns > 20);
    });
  }

  TEST_CASE("200 handshakes at once all come to an end") {
    in_real_hub([] {
      constexpr int visitors = 200;
      const std::size_t before = open_descriptors();
      {
        tcp_listener door{{"127.0.0.1", 0}};
        const auto host = spawn([&] { greet(door, visitors); });
        const auto client = usual_client();
        int greeted = 0;
        nursery([&](nursery_scope& all) {
          for (int i = 0; i < visitors; ++i)
            all.spawn(
                [&] { greeted += greeting(client, door.local()) == "hello"; });
        });
        host.join();
        CHECK(host.successful());
        CHECK(greeted == visitors);
      }
      CHECK(open_descriptors() == before);
    });
  }

  TEST_CASE("a client that is slow to shake hands holds up nobody") {
    in_real_hub([] {
      tcp_listener door{{"127.0.0.1", 0}};
      std::error_code slow;
      const auto host = spawn([&] {
        const auto server = usual_server();
        const auto first =
            spawn([&server, &slow, accepted = door.accept()]() mutable {
              tls_socket::server(server, std::move(accepted), {}, slow);
            });
        auto peer = tls_socket::server(server, door.accept());
        peer.write("hello");
        peer.shutdown();
        CHECK_FALSE(first.dead());
        first.join();
      });
      auto sleeper = tcp_socket::connect(door.local());
      CHECK(greeting(usual_client(), door.local()) == "hello");
      sleeper.close();
      host.join();
      CHECK(host.successful());
      CHECK(slow == tls_errc::truncated);
    });
  }

  TEST_CASE("a connection that rests holds no buffers") {
    in_real_hub([] {
      constexpr std::size_t count = 100;
      const auto client = usual_client();
      const auto server = usual_server();
      tls_pair first{client, server};
      std::deque<tls_pair> rest;
      const std::size_t before = mallinfo2().uordblks;
      for (std::size_t i = 0; i < count; ++i) {
        auto& c = rest.emplace_back(client, server);
        const std::string text(100'000, 'x');
        const auto writer = spawn([&] { c.near.write({"head", text}); });
        CHECK(read_text(c.far, text.size() + 4).size() == text.size() + 4);
        c.far.write("x");
        CHECK(read_text(c.near, 1) == "x");
        writer.join();
      }
      const std::size_t each = (mallinfo2().uordblks - before) / count;
      CHECK(each < 100'000); // bytes, for both ends
      MESSAGE("bytes of two ends: " << each);
    });
  }
}
