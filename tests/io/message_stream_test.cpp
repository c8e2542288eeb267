#include "hub/support.hpp"
#include "io/tcp_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/message_stream.hpp>
#include <greenroom/io/pipe.hpp>
#include <greenroom/io/unix.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

/// Two ends of a connection that messages go over.
struct connected {
  connected() : connected(socketpair()) {}
  explicit connected(std::pair<unix_socket, unix_socket> ends)
      : near(std::make_unique<unix_socket>(std::move(ends.first))),
        far(std::make_unique<unix_socket>(std::move(ends.second))) {}
  message_stream near;
  message_stream far;
};

/// One end speaks in bytes.
struct half_raw {
  std::pair<unix_socket, unix_socket> ends = socketpair();
  unix_socket& raw = ends.first;
  message_stream messages{ends.second, 1000};
};

const std::string big(1 << 20, 'b');

} // namespace

TEST_SUITE("io") {
  TEST_CASE("messages arrive whole and in order") {
    in_real_hub([] {
      connected c;
      c.near.send("one");
      c.near.send("");
      c.near.send(std::string_view("a\0b\n", 4));
      CHECK(c.far.receive(5s) == "one");
      CHECK(c.far.receive(5s) == "");
      CHECK(c.far.receive(5s) == std::string("a\0b\n", 4));
      c.far.send("back");
      CHECK(c.near.receive(5s) == "back");
    });
  }

  TEST_CASE("messages go over a pipe as over a socket") {
    in_real_hub([] {
      auto ends = greenroom::pipe();
      message_stream from{ends.reader};
      message_stream to{ends.writer};
      auto sender = spawn([&] {
        to.send(big);
        to.send("end");
        to.shutdown_write();
      });
      CHECK(from.receive(5s) == big);
      CHECK(from.receive(5s) == "end");
      CHECK_FALSE(from.receive(5s));
      sender.join();
    });
  }

  TEST_CASE("a message is its length, lowest byte first, and itself") {
    in_real_hub([] {
      half_raw c;
      c.messages.send(std::string(258, 'x'));
      std::string bytes(262, ' ');
      c.raw.read(bytes, 5s);
      CHECK(bytes.substr(0, 5) == std::string("\2\1\0\0x", 5));
      c.raw.write(std::string_view("\3\0\0\0abc", 7));
      CHECK(c.messages.receive(5s) == "abc");
    });
  }

  TEST_CASE("the end of the stream is no message, each time") {
    in_real_hub([] {
      connected c;
      c.near.send("last");
      c.near.shutdown_write();
      CHECK(c.far.receive(5s) == "last");
      for (int i = 0; i < 2; ++i) {
        std::error_code failed = errc::busy;
        CHECK_FALSE(c.far.receive(5s, failed));
        CHECK_FALSE(failed);
      }
      c.far.send("the other way");
      CHECK(c.near.receive(5s) == "the other way");
    });
  }

  TEST_CASE("an end within a message is an error") {
    in_real_hub([] {
      half_raw c;
      SUBCASE("when its length is cut") {
        c.raw.write({"\3\0", 2});
      }
      SUBCASE("when it is cut itself") {
        c.raw.write(std::string_view("\3\0\0\0ab", 6));
      }
      c.raw.shutdown_write();
      CHECK(mentions(error_of([&] { c.messages.receive(5s); }),
                     "receive a message: closed"));
      std::error_code failed;
      CHECK_FALSE(c.messages.receive(5s, failed));
      CHECK(failed == errc::closed);
    });
  }

  TEST_CASE("a message beyond the limit is refused at its length") {
    in_real_hub([] {
      half_raw c;
      c.raw.write(std::string_view("\xff\xff\xff\xff", 4));
      std::error_code failed;
      for (int i = 0; i < 2; ++i) {
        CHECK_FALSE(c.messages.receive(5s, failed));
        CHECK(failed == std::errc::message_size);
      }
      c.messages.send(std::string(1001, 'x'), 5s, failed);
      CHECK(failed == std::errc::message_size);
      c.messages.send(std::string(1000, 'x'), 5s, failed);
      CHECK_FALSE(failed);
    });
  }

  // --- deadlines and kills --------------------------------------------------

  TEST_CASE("a receive that is broken off loses nothing") {
    in_real_hub([] {
      half_raw c;
      const std::string bytes("\5\0\0\0hello\2\0\0\0ok", 15);
      std::vector<std::string> messages;
      for (const char each : bytes) {
        c.raw.write({&each, 1});
        std::error_code failed;
        if (auto message = c.messages.receive(0s, failed))
          messages.push_back(*std::move(message));
        auto victim = spawn([&] { c.messages.receive(); });
        yield();
        if (!victim.dead()) CHECK(victim.kill(5s));
        CHECK_THROWS_AS(with_timeout(0s, [&] { c.messages.receive(); }),
                        timeout_expired);
      }
      CHECK(messages == std::vector<std::string>{"hello", "ok"});
    });
  }

  TEST_CASE("a whole message is under one deadline") {
    in_real_hub([] {
      half_raw c;
      bool done = false;
      auto trickle = spawn([&] {
        c.raw.write(std::string_view("\xe8\3\0\0", 4));
        while (!done) {
          c.raw.write("x");
          sleep(1ms);
        }
      });
      std::error_code failed;
      CHECK_FALSE(c.messages.receive(30ms, failed));
      CHECK(failed == errc::timed_out);
      done = true;
      trickle.join();
    });
  }

  TEST_CASE("a send that is broken off leaves no half of a message") {
    in_real_hub([] {
      connected c;
      std::error_code failed;
      SUBCASE("when its deadline passes") {
        c.near.send(big, 1ms, failed);
        CHECK(failed == errc::timed_out);
        CHECK(mentions(error_of([&] { c.near.send("later", 1ms); }),
                       "send a message: timed out"));
      }
      SUBCASE("when it is killed") {
        auto sender = spawn([&] { c.near.send(big); });
        yield();
        CHECK(sender.kill(5s));
        auto second = spawn([&] { c.near.send("later"); });
        yield();
        CHECK(second.kill(5s));
      }
      auto third = spawn([&] { c.near.send("third", 5s); });
      CHECK(c.far.receive(5s) == big);
      CHECK(c.far.receive(5s) == "third");
      third.join();
    });
  }

  TEST_CASE("several greenlets send, one after the other") {
    in_real_hub([] {
      connected c;
      std::vector<any_greenlet> senders;
      for (char each = 'a'; each < 'f'; ++each)
        senders.push_back(
            spawn([&c, each] { c.near.send(std::string(300'000, each), 5s); }));
      std::string order;
      for (int i = 0; i < 5; ++i) {
        const auto message = c.far.receive(5s);
        REQUIRE(message);
        CHECK(*message == std::string(300'000, message->front()));
        order += message->front();
      }
      CHECK(order == "abcde");
      joinall(senders);
    });
  }

  TEST_CASE("a second receiver is busy") {
    in_real_hub([] {
      connected c;
      auto first = spawn([&] { c.near.receive(); });
      yield();
      std::error_code failed;
      c.near.receive(5s, failed);
      CHECK(failed == errc::busy);
      first.kill();
    });
  }

  // --- ends -----------------------------------------------------------------

  TEST_CASE("closing or destroying it wakes who waits") {
    in_real_hub([] {
      std::optional<connected> c{std::in_place};
      std::array<std::error_code, 3> failed;
      auto reader = spawn([&] { c->near.receive(5s, failed[0]); });
      auto sender = spawn([&] { c->near.send(big, 5s, failed[1]); });
      auto next = spawn([&] { c->near.send("next", 5s, failed[2]); });
      yield();
      yield();
      SUBCASE("when it is closed") {
        c->near.close();
      }
      SUBCASE("when it is destroyed") {
        c.reset();
      }
      SUBCASE("when another is assigned") {
        c->near = std::move(c->far);
      }
      reader.join();
      sender.join();
      next.join();
      for (const std::error_code& each : failed)
        CHECK(each == errc::closed);
    });
  }

  TEST_CASE("one that is borrowed may go together with its messages") {
    in_real_hub([] {
      std::optional<half_raw> c{std::in_place};
      std::array<std::error_code, 2> failed;
      std::string much(1000, 'm');
      while (!failed[0])
        c->messages.send(much, 0s, failed[0]);
      CHECK(failed[0] == errc::timed_out);
      auto reader = spawn([&] { c->messages.receive(5s, failed[0]); });
      auto sender = spawn([&] { c->messages.send(much, 5s, failed[1]); });
      yield();
      c.reset();
      reader.join();
      sender.join();
      CHECK(failed[0] == errc::closed);
      CHECK(failed[1] == errc::closed);
    });
  }

  TEST_CASE("a peer that has gone fails what is sent") {
    in_real_hub([] {
      connected c;
      std::error_code failed;
      auto sender = spawn([&] { c.near.send(big, 5s, failed); });
      yield();
      c.far.close();
      sender.join();
      CHECK((failed == std::errc::broken_pipe ||
             failed == std::errc::connection_reset));
      c.near.send("more", 5s, failed);
      CHECK(failed);
    });
  }
}
