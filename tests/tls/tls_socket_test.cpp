#include "hub/support.hpp"
#include "tls/tls_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/tls/tls_socket.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

std::string noise(std::size_t bytes) {
  std::string text(bytes, ' ');
  for (std::size_t i = 0; i < bytes; ++i)
    text[i] = static_cast<char>(i * 2654435761u >> 13);
  return text;
}

/// Writes `text` from each end and reads it at the other, all at once.
bool crosses_both_ways(tls_pair& c, const std::string& text) {
  bool same = true;
  const auto near_writer = spawn([&] { c.near.write(text); });
  const auto far_writer = spawn([&] { c.far.write(text); });
  const auto near_reader =
      spawn([&] { same = read_text(c.near, text.size()) == text && same; });
  same = read_text(c.far, text.size()) == text && same;
  near_reader.join();
  near_writer.join();
  far_writer.join();
  return same && near_writer.successful() && far_writer.successful();
}

} // namespace

TEST_SUITE("tls") {
  TEST_CASE("what one end writes the other reads") {
    in_real_hub([] {
      tls_pair c;
      REQUIRE_FALSE(c.near_failed);
      REQUIRE_FALSE(c.far_failed);
      c.near.write("hello");
      CHECK(read_text(c.far, 5) == "hello");
      c.far.write("hi ");
      c.far.write("there");
      CHECK(read_text(c.near, 8) == "hi there");
      CHECK(c.near.peer() == c.far.local());
      CHECK(c.far.peer() == c.near.local());
      CHECK(c.near.version() == "TLSv1.3");
      CHECK(c.near.cipher() == c.far.cipher());
      CHECK(c.far.server_name() == "server.test");
      CHECK(c.near.lower().native_handle() >= 0);
    });
  }

  TEST_CASE("any number of bytes crosses in both directions at once") {
    for (const tls_version version : {tls_version::v1_2, tls_version::v1_3}) {
      CAPTURE(static_cast<int>(version));
      in_real_hub([version] {
        const auto server = usual_server();
        SSL_CTX_set_max_proto_version(
            server.native(),
            version == tls_version::v1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
        tls_pair c{usual_client(), server};
        REQUIRE_FALSE(c.near_failed);
        for (const std::size_t bytes :
             {1, 2, 1000, 16383, 16384, 16385, 100'000, 1 << 20})
          CHECK(crosses_both_ways(c, noise(bytes)));
      });
    }
  }

  TEST_CASE("64 MiB cross in both directions at once") {
    in_real_hub([] {
      tls_pair c;
      CHECK(crosses_both_ways(c, noise(std::size_t{64} << 20)));
    });
  }

  TEST_CASE("small parts go out in one record") {
    in_real_hub([] {
      tls_pair c;
      c.near.write({"hello ", "", "you ", "there"});
      std::array<char, 100> part;
      CHECK(c.far.read_some(part) == 15);
      const std::string large = noise(40'000);
      c.near.write({"head", large, "", "tail", ""});
      CHECK(read_text(c.far, 40'008) == "head" + large + "tail");
      const std::vector<std::string_view> many(5000, "abcdefg");
      c.near.write(many);
      CHECK(read_text(c.far, 7) == "abcdefg");
      CHECK(c.far.read_some(std::span(part).first(93)) == 93);
      std::string rest(35'000 - 100, ' ');
      c.far.read(rest);
      c.near.write({});
      c.near.write("");
    });
  }

  TEST_CASE("a small record of the peer's choice is no hindrance") {
    in_real_hub([] {
      const auto client = usual_client();
      SSL_CTX_set_tlsext_max_fragment_length(client.native(),
                                             TLSEXT_max_fragment_length_512);
      tls_pair c{client, usual_server()};
      REQUIRE_FALSE(c.near_failed);
      CHECK(crosses_both_ways(c, noise(1 << 20)));
    });
  }

  TEST_CASE("read_some returns what has come, read waits for all") {
    in_real_hub([] {
      tls_pair c;
      std::array<char, 100> part;
      c.near.write("abc");
      CHECK(c.far.read_some(part) == 3);
      std::string text;
      const auto reader = spawn([&] { text = read_text(c.far, 6); });
      c.near.write("abc");
      yield();
      CHECK(reader.started());
      c.near.write("def");
      reader.join();
      CHECK(text == "abcdef");
      CHECK(c.far.read_some(std::span(part).first(0)) == 0);
    });
  }

  TEST_CASE("it is a stream like any other") {
    in_real_hub([] {
      tls_pair c;
      c.near.write("one\ntwo\n");
      c.near.close();
      buffered_reader lines{c.far};
      CHECK(lines.read_line() == "one");
      CHECK(lines.read_line() == "two");
      CHECK_FALSE(lines.read_line());
    });
  }

  TEST_CASE("one greenlet reads while another writes, not two the same") {
    in_real_hub([] {
      tls_pair c;
      std::array<char, 8> part;
      const auto reader = spawn([&] { c.near.read(part); });
      const auto writer = spawn([&] { c.near.write(more_than_fits()); });
      yield();
      std::error_code failed;
      c.near.read_some(part, {}, failed);
      CHECK(failed == errc::busy);
      c.near.write("x", {}, failed);
      CHECK(failed == errc::busy);
      c.near.shutdown({}, failed);
      CHECK(failed == errc::busy);
      CHECK_THROWS_AS(c.near.read_some(part), std::system_error);
      c.far.write("12345678");
      reader.join();
      CHECK(reader.successful());
      writer.kill();
      c.near.read_some(part, 1ms, failed);
      CHECK(failed == errc::timed_out);
    });
  }

  TEST_CASE("a socket that is not connected reports closed") {
    in_real_hub([] {
      tls_socket socket;
      std::array<char, 8> part;
      CHECK_FALSE(socket.is_open());
      std::error_code failed;
      socket.read_some(part, {}, failed);
      CHECK(failed == errc::closed);
      socket.write("x", {}, failed);
      CHECK(failed == errc::closed);
      socket.shutdown({}, failed);
      CHECK(failed == errc::closed);
      socket.shutdown_write();
      socket.close();
      socket.reset();
      CHECK(socket.local() == tcp_address{});
      CHECK(socket.alpn() == "");
      CHECK(socket.version() == "");
      CHECK(socket.cipher() == "");
      CHECK(socket.server_name() == "");
      CHECK_FALSE(socket.peer_certificate());
      CHECK_FALSE(socket.resumed());
      CHECK(socket.session().empty());
      CHECK(socket.native() == nullptr);
    });
  }

  TEST_CASE("a connection may be moved while a greenlet waits on it") {
    in_real_hub([] {
      tls_pair c;
      std::string text;
      const auto reader = spawn([&] { text = read_text(c.near, 4); });
      yield();
      const tls_socket moved = std::move(c.near);
      c.far.write("text");
      reader.join();
      CHECK(text == "text");
      CHECK(moved.is_open());
      CHECK_FALSE(c.near.is_open());
    });
  }

  TEST_CASE("a failed call names the peer") {
    in_real_hub([] {
      tls_pair c;
      const std::string peer = c.near.peer().text();
      std::array<char, 8> part;
      const auto closer = spawn([&] { c.near.close(); });
      CHECK(error_of([&] { c.near.read(part); }) ==
            "std::system_error: read from " + peer + ": closed");
      CHECK(mentions(error_of([&] { c.near.write("x"); }), "write to " + peer));
      CHECK(mentions(error_of([&] { c.near.shutdown(); }),
                     "shutdown of " + peer));
    });
  }

  TEST_CASE("data that is always there lets others have their turn") {
    in_real_hub([] {
      tls_pair c;
      c.near.write(noise(100'000));
      yield();
      bool done = false;
      int turns = 0;
      const auto other = spawn([&] {
        while (!done) {
          ++turns;
          yield();
        }
      });
      std::array<char, 100> part;
      for (std::size_t left = 100'000; left > 0;)
        left -= c.far.read_some(part);
      done = true;
      other.join();
      CHECK(turns >= 1000 / 32);
    });
  }
}
