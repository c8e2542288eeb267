// Ends, and what cuts calls short.

#include "hub/support.hpp"
#include "tls/tls_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/tls/tls_socket.hpp>

#include <sys/socket.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

struct tls_call {
  const char* name;
  std::function<void(tls_pair&, deadline, std::error_code&)> wait;
};

const std::vector<tls_call>& tls_calls() {
  static const std::vector<tls_call> all{
      {"read_some",
       [](tls_pair& on, deadline until, std::error_code& failed) {
         std::array<char, 8> part;
         on.near.read_some(part, until, failed);
       }},
      {"read",
       [](tls_pair& on, deadline until, std::error_code& failed) {
         std::array<char, 8> part;
         on.near.read(part, until, failed);
       }},
      {"write",
       [](tls_pair& on, deadline until, std::error_code& failed) {
         on.near.write(more_than_fits(), until, failed);
       }},
      {"shutdown",
       [](tls_pair& on, deadline until, std::error_code& failed) {
         on.near.shutdown(until, failed);
       }},
  };
  return all;
}

std::string read_all(tls_socket& from) {
  std::string text;
  std::array<char, 4096> part;
  while (const std::size_t bytes = from.read_some(part, 10s))
    text.append(part.data(), bytes);
  return text;
}

std::error_code error_of_read(tls_socket& from) {
  std::array<char, 8> part;
  std::error_code failed;
  CHECK(from.read_some(part, 10s, failed) == 0);
  return failed;
}

/// Writes until there is room for no more, and how much that was.
std::size_t fill(tls_socket& to) {
  std::size_t all = 0;
  std::size_t bytes = 0;
  do {
    std::error_code failed;
    bytes = to.write(more_than_fits(), 10ms, failed);
    CHECK(failed == errc::timed_out);
    all += bytes;
  } while (bytes > 0);
  return all;
}

} // namespace

TEST_SUITE("tls") {
  // --- the peer's end -----------------------------------------------------

  TEST_CASE("after the peer's goodbye reading gives 0, each time") {
    in_real_hub([] {
      const std::vector<std::function<void(tls_pair&)>> goodbyes{
          [](tls_pair& c) { c.near.close(); },
          [](tls_pair& c) { c.near.shutdown_write(); },
          [](tls_pair& c) { c.near = tls_socket(); }};
      for (const auto& say : goodbyes) {
        tls_pair c;
        c.near.write("last");
        say(c);
        CHECK(read_all(c.far) == "last");
        CHECK_FALSE(error_of_read(c.far));
        CHECK_FALSE(error_of_read(c.far));
        std::array<char, 8> part;
        std::error_code failed;
        CHECK(c.far.read(part, {}, failed) == 0);
        CHECK(failed == errc::closed);
      }
    });
  }

  TEST_CASE("an end without goodbye is an error, each time") {
    in_real_hub([] {
      tls_pair c{usual_client(), usual_server({.resumption = false})};
      c.near.write("abc");
      c.near.lower().close();
      std::array<char, 8> part;
      std::error_code failed;
      CHECK(c.far.read(part, 10s, failed) == 3);
      CHECK(failed == tls_errc::truncated);
      CHECK(error_of_read(c.far) == tls_errc::truncated);
      CHECK(mentions(error_of([&] { c.far.read_some(part); }),
                     "unexpected eof while reading"));
      c.far.write("x", 10s, failed);
      CHECK(failed == tls_errc::truncated);
      CHECK(error_of_read(c.near) == errc::closed);
    });
  }

  TEST_CASE("an end without goodbye may be accepted") {
    in_real_hub([] {
      tls_pair c{usual_client(), usual_server({.accept_truncation = true,
                                               .resumption = false})};
      c.near.write("abc");
      c.near.lower().close();
      CHECK(read_all(c.far) == "abc");
      CHECK_FALSE(error_of_read(c.far));
    });
  }

  TEST_CASE("a reset by the peer is an error of reading and of writing") {
    in_real_hub([] {
      tls_pair c;
      c.far.reset();
      CHECK(error_of_read(c.near) == std::errc::connection_reset);
      CHECK(error_of_read(c.near) == std::errc::connection_reset);
      std::error_code failed;
      c.near.write("x", {}, failed);
      CHECK(failed == std::errc::broken_pipe);
      c.near.write("x", {}, failed);
      CHECK(failed == std::errc::broken_pipe);
    });
  }

  TEST_CASE("bytes that were changed on the way are an error") {
    in_real_hub([] {
      connection under;
      tls_pair c;
      const int raw = c.near.lower().native_handle();
      std::string record(37, 'x');
      record.replace(0, 5, std::string("\x17\x03\x03\x00\x20", 5));
      CHECK(::send(raw, record.data(), record.size(), MSG_NOSIGNAL) == 37);
      CHECK(mentions(error_of_read(c.far).message(),
                     "decryption failed or bad record mac"));
      CHECK(error_of_read(c.near).category() == tls_category()); // the alert
    });
  }

  // --- one's own ----------------------------------------------------------

  TEST_CASE("a half-closed connection still carries the other direction") {
    in_real_hub([] {
      tls_pair c;
      c.near.shutdown_write();
      c.near.shutdown_write();
      CHECK(read_all(c.far) == "");
      c.far.write("still here");
      CHECK(read_text(c.near, 10) == "still here");
      std::error_code failed;
      c.near.write("x", {}, failed);
      CHECK(failed == std::errc::broken_pipe);
      c.far.close();
      CHECK(read_all(c.near) == "");
    });
  }

  TEST_CASE("a goodbye that finds no room goes out when there is some") {
    in_real_hub([] {
      tls_pair c;
      const std::size_t written = fill(c.near);
      c.near.shutdown_write();
      CHECK(read_all(c.far).size() == written);
    });
  }

  TEST_CASE("a goodbye under a writer ends it after the record begun") {
    in_real_hub([] {
      tls_pair c;
      std::error_code failed;
      std::size_t written = 0;
      const auto writer =
          spawn([&] { written = c.near.write(more_than_fits(), {}, failed); });
      for (int i = 0; i < 1000; ++i)
        yield();
      c.near.shutdown_write();
      const std::size_t read = read_all(c.far).size();
      writer.join();
      CHECK(failed == std::errc::broken_pipe);
      CHECK(written == read);
    });
  }

  TEST_CASE("shutdown exchanges goodbyes and drops what comes before") {
    in_real_hub([] {
      tls_pair c;
      c.near.write("for nobody");
      const auto other = spawn([&] { c.near.shutdown(10s); });
      c.far.shutdown(10s);
      other.join();
      CHECK(other.successful());
      CHECK(c.near.is_open());
      CHECK_FALSE(error_of_read(c.near));
      c.near.shutdown(10s);
    });
  }

  TEST_CASE("shutdown waits for room, and for the peer's goodbye") {
    in_real_hub([] {
      tls_pair c;
      const std::size_t written = fill(c.near);
      std::error_code failed;
      c.near.shutdown(10ms, failed);
      CHECK(failed == errc::timed_out);
      std::size_t read = 0;
      const auto reader = spawn([&] {
        read = read_all(c.far).size();
        c.far.close();
      });
      c.near.shutdown(10s);
      reader.join();
      CHECK(read == written);
    });
  }

  TEST_CASE("a close drops nothing that was written, tickets or not") {
    in_real_hub([] {
      tls_pair c;
      const std::size_t written = fill(c.near);
      const auto closer = spawn([&] {
        c.near.write("the end", 10s);
        c.near.close();
      });
      CHECK(read_all(c.far).size() == written + 7);
      closer.join();
      CHECK(closer.successful());
      CHECK_FALSE(c.near.session().empty());
    });
  }

  TEST_CASE("what a close cuts off does not look whole") {
    in_real_hub([] {
      tls_pair c;
      const std::size_t written = fill(c.near);
      c.near.close();
      std::size_t read = 0;
      std::array<char, 4096> part;
      std::error_code failed;
      while (const std::size_t bytes = c.far.read_some(part, 10s, failed))
        read += bytes;
      // There may have been room for the rest all of a sudden.
      INFO(failed.message());
      CHECK((failed == tls_errc::truncated) == (read < written));
    });
  }

  // --- closing under a waiting call ---------------------------------------

  TEST_CASE("closing or destroying wakes whoever waits, with closed") {
    for (const tls_call& call : tls_calls()) {
      CAPTURE(call.name);
      for (const bool destroyed : {false, true}) {
        in_real_hub([&] {
          auto c = std::make_unique<tls_pair>();
          std::error_code failed;
          const auto waiter = spawn([&] { call.wait(*c, {}, failed); });
          for (int i = 0; i < 1000; ++i)
            yield();
          CHECK_FALSE(waiter.dead());
          if (destroyed)
            c.reset();
          else
            c->near.close();
          waiter.join();
          CHECK(failed == errc::closed);
          if (destroyed) return;
          call.wait(*c, {}, failed);
          CHECK(failed == errc::closed);
        });
      }
    }
  }

  // --- deadlines, timeouts, kills -----------------------------------------

  TEST_CASE("every TLS call gives up at its deadline and can go on after") {
    for (const tls_call& call : tls_calls()) {
      CAPTURE(call.name);
      in_hub([&] {
        tls_pair c;
        REQUIRE_FALSE(c.near_failed);
        std::error_code failed;
        CHECK(time_of([&] { call.wait(c, 2s, failed); }) == 2s);
        CHECK(failed == errc::timed_out);
        CHECK(time_of([&] { call.wait(c, 1s, failed); }) == 1s);
        CHECK(failed == errc::timed_out);
        CHECK_FALSE(timeout{1s}.run([&] { call.wait(c, {}, failed); }));
        CHECK(time_of([&] { call.wait(c, 1s, failed); }) == 1s);
        CHECK(failed == errc::timed_out);
        CHECK(c.near.is_open());
      });
    }
  }

  TEST_CASE("after a killed read nothing is missing") {
    in_real_hub([] {
      tls_pair c;
      std::array<char, 8> part;
      const auto victim = spawn([&] { c.near.read_some(part); });
      yield();
      victim.kill();
      CHECK(victim.killed());
      c.far.write("still here");
      CHECK(read_text(c.near, 10) == "still here");
    });
  }

  TEST_CASE("a write that was cut short goes on with the next one") {
    in_real_hub([] {
      tls_pair c;
      const auto victim = spawn([&] { c.near.write(more_than_fits()); });
      for (int i = 0; i < 1000; ++i)
        yield();
      victim.kill();
      CHECK(victim.killed());
      std::size_t written = 0;
      const auto writer = spawn([&] {
        c.near.write("the end");
        c.near.close();
      });
      const std::string text = read_all(c.far);
      writer.join();
      written = text.size() - 7;
      CHECK(written % 16384 == 0); // whole records
      CHECK(text == std::string(written, 'x') + "the end");
    });
  }

  TEST_CASE("what a write says it wrote, it wrote") {
    in_real_hub([] {
      tls_pair c;
      const std::string text(8 << 20, 'x');
      const auto writer = spawn([&] {
        for (std::size_t at = 0; at < text.size();) {
          std::error_code failed;
          at += c.near.write({text.data() + at, text.size() - at}, 1ms, failed);
          if (failed) CHECK(failed == errc::timed_out);
        }
        c.near.shutdown(10s);
      });
      std::size_t read = 0;
      std::string part(100'000, ' ');
      while (const std::size_t bytes = c.far.read_some(part, 10s)) {
        read += bytes;
        if (read % 7 == 0) sleep(1ms);
      }
      c.far.close();
      writer.join();
      CHECK(read == text.size());
      CHECK(writer.successful());
    });
  }

  TEST_CASE("a kill at any TLS call leaks nothing") {
    in_real_hub([] {
      const std::size_t before = open_descriptors();
      for (const tls_call& call : tls_calls()) {
        CAPTURE(call.name);
        tls_pair c;
        std::error_code failed;
        const auto victim = spawn([&] { call.wait(c, {}, failed); });
        yield();
        victim.kill();
        CHECK(victim.killed());
        c.far.write("x");
        CHECK(read_text(c.near, 1) == "x");
      }
      CHECK(open_descriptors() == before);
    });
  }
}
