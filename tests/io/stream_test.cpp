// What holds for every kind of stream.

#include "hub/support.hpp"
#include "io/stream_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

/// While it lives, signals interrupt the system calls of this thread.
class interruptions {
public:
  interruptions() {
    struct sigaction handled {};
    handled.sa_handler = [](int) {}; // without SA_RESTART
    ::sigaction(SIGUSR2, &handled, &before_);
    source_ = std::thread([this, target = ::pthread_self()] {
      while (!over_.load()) {
        ::pthread_kill(target, SIGUSR2);
        std::this_thread::yield();
      }
    });
  }
  interruptions(const interruptions&) = delete;
  interruptions& operator=(const interruptions&) = delete;
  ~interruptions() {
    over_.store(true);
    source_.join();
    ::sigaction(SIGUSR2, &before_, nullptr);
  }

private:
  struct sigaction before_ {};
  std::atomic<bool> over_{false};
  std::thread source_;
};

/// Bytes that tell where they belong.
std::string pattern(std::size_t size) {
  std::string bytes(size, ' ');
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  return bytes;
}

} // namespace

TEST_SUITE("io") {
  TEST_CASE("several parts arrive as one text") {
    with_each_kind([](stream& near, stream& far) {
      near.write({"hello ", "", "to ", std::string_view("you!", 3)});
      near.shutdown_write();
      CHECK(read_all(far) == "hello to you");
    });
  }

  TEST_CASE("nothing to write is written at once") {
    with_each_kind([](stream& near, stream&) {
      near.write("");
      near.write({"", ""});
      near.write(std::span<const std::string_view>());
      std::error_code failed = errc::busy;
      CHECK(near.write("", {}, failed) == 0);
      CHECK_FALSE(failed);
    });
  }

  TEST_CASE("more parts than one system call takes arrive in order") {
    with_each_kind([](stream& near, stream& far) {
      const std::string bytes = pattern(1 << 20);
      std::vector<std::string_view> parts;
      for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t size = std::min(at % 4097, bytes.size() - at);
        parts.push_back(std::string_view(bytes).substr(at, size));
        at += std::max<std::size_t>(size, 1);
        if (size == 0)
          parts.push_back(std::string_view(bytes).substr(at - 1, 1));
      }
      const auto writer = spawn([&] {
        near.write(parts);
        near.shutdown_write();
      });
      CHECK(read_all(far) == bytes);
      writer.join();
      CHECK(writer.successful());
    });
  }

  TEST_CASE("a write of several parts says how much was written") {
    with_each_kind([](stream& near, stream&) {
      std::error_code failed;
      const std::size_t written = near.write(
          std::array<std::string_view, 2>{"x", more_than_fits()}, 10ms, failed);
      CHECK(failed == errc::timed_out);
      CHECK(written > 1);
      CHECK(written < more_than_fits().size());
    });
  }

  TEST_CASE("both directions go on at once") {
    with_each_kind([](stream& near, stream& far) {
      const std::string there = pattern(4 << 20);
      const std::string back(3 << 20, 'b');
      const auto send = [](stream& to, const std::string& bytes) {
        to.write(bytes);
        to.shutdown_write();
      };
      const auto first = spawn([&] { send(near, there); });
      const auto second = spawn([&] { send(far, back); });
      std::string arrived;
      const auto reader = spawn([&] { arrived = read_all(near); });
      CHECK(read_all(far) == there);
      reader.join();
      CHECK(arrived == back);
      joinall(std::vector<any_greenlet>{first, second});
    });
  }

  TEST_CASE("read fills, and says how much came when it cannot") {
    with_each_kind([](stream& near, stream& far) {
      std::array<char, 4> part;
      near.write("12345");
      far.read(part);
      CHECK(std::string_view(part.data(), 4) == "1234");
      std::error_code failed;
      CHECK(far.read(part, 10ms, failed) == 1);
      CHECK(failed == errc::timed_out);
      near.write("6");
      near.shutdown_write();
      CHECK(far.read(part, {}, failed) == 1);
      CHECK(failed == errc::closed);
      CHECK(far.read(std::span(part).first(1), {}, failed) == 0);
      CHECK(failed == errc::closed);
      CHECK(far.read(std::span(part).first(0), {}, failed) == 0);
      CHECK_FALSE(failed);
      CHECK(far.read_some(part) == 0);
    });
  }

  TEST_CASE("copy carries everything, then the end is the caller's") {
    with_each_kind([](stream& near, stream& far) {
      const std::string bytes = pattern(300'000);
      auto ends = socketpair();
      const auto writer = spawn([&] {
        near.write(bytes);
        near.shutdown_write();
      });
      std::uint64_t copied = 0;
      const auto forwarder = spawn([&] {
        copied = copy(far, ends.first);
        ends.first.shutdown_write();
      });
      CHECK(read_all(ends.second) == bytes);
      forwarder.join();
      CHECK(copied == bytes.size());
    });
  }

  TEST_CASE("copy reports what fails on either side") {
    with_each_kind([](stream& near, stream& far) {
      std::error_code failed;
      CHECK(copy(far, near, 1ms, failed) == 0);
      CHECK(failed == errc::timed_out);
      CHECK(error_of([&] { copy(far, near, 1ms); }).find("read from ") !=
            std::string::npos);
      near.write("x");
      auto [next, ignored] = socketpair();
      next.close();
      CHECK(copy(far, next, {}, failed) == 0);
      CHECK(failed == errc::closed);
    });
  }

  TEST_CASE("a stream closed under its calls ends them, with closed") {
    with_each_kind([](stream& near, stream&) {
      std::error_code reading;
      std::error_code writing;
      std::array<char, 4> part;
      const auto reader = spawn([&] { near.read(part, {}, reading); });
      const auto writer =
          spawn([&] { near.write(more_than_fits(), {}, writing); });
      yield();
      near.close();
      joinall(std::vector<any_greenlet>{reader, writer});
      CHECK(reading == errc::closed);
      CHECK(writing == errc::closed);
      CHECK_FALSE(near.is_open());
      near.close();
      near.shutdown_write();
      CHECK(error_of([&] { near.write("x"); }).find(": closed") !=
            std::string::npos);
    });
  }

  TEST_CASE("a second user of a direction is refused") {
    with_each_kind([](stream& near, stream&) {
      std::array<char, 4> part;
      const auto reader = spawn([&] { near.read(part); });
      const auto writer = spawn([&] { near.write(more_than_fits()); });
      yield();
      std::error_code failed;
      near.read_some(part, {}, failed);
      CHECK(failed == errc::busy);
      near.write("x", {}, failed);
      CHECK(failed == errc::busy);
      near.close();
    });
  }

  TEST_CASE("a killed read loses nothing, and the stream lives on") {
    with_each_kind([](stream& near, stream& far) {
      std::array<char, 4> part;
      const auto victim = spawn([&] { far.read_some(part); });
      yield();
      victim.kill();
      CHECK(victim.killed());
      CHECK_FALSE(timeout{1ms}.run([&] { far.read_some(part); }));
      near.write("here");
      far.read(part);
      CHECK(std::string_view(part.data(), 4) == "here");
    });
  }

  TEST_CASE("a killed write leaves a stream whose other direction works") {
    with_each_kind([](stream& near, stream& far) {
      const auto victim = spawn([&] { near.write(more_than_fits()); });
      yield();
      victim.kill();
      CHECK(victim.killed());
      far.write("back");
      std::array<char, 4> part;
      near.read(part);
      CHECK(std::string_view(part.data(), 4) == "back");
    });
  }

  TEST_CASE("a writer whose peer keeps up gives others their turn") {
    with_each_kind([](stream& near, stream& far) {
      int turns = 0;
      bool over = false;
      const auto other = spawn([&] {
        while (!over) {
          ++turns;
          yield();
        }
      });
      std::array<char, 1> part;
      for (int i = 0; i < 256; ++i)
        near.write("x"); // fits, so it never waits
      CHECK(turns >= 3);
      over = true;
      for (int i = 0; i < 256; ++i)
        far.read(part);
      other.join();
    });
  }

  TEST_CASE("a reader for whom there is always something does so, too") {
    with_each_kind([](stream& near, stream& far) {
      near.write(std::string(256, 'x'));
      int turns = 0;
      const auto other = spawn([&] {
        for (;; ++turns)
          yield();
      });
      std::array<char, 1> part;
      for (int i = 0; i < 256; ++i)
        far.read(part);
      CHECK(turns >= 3);
      other.kill();
    });
  }

  TEST_CASE("interrupted system calls are begun again") {
    with_each_kind([](stream& near, stream& far) {
      const interruptions all_the_time;
      const std::string bytes = pattern(4 << 20);
      const auto writer = spawn([&] {
        near.write(bytes);
        near.shutdown_write();
      });
      CHECK(read_all(far) == bytes);
      writer.join();
      CHECK(writer.successful());
    });
  }

  TEST_CASE("a peer that is gone is an error of writing, not a signal") {
    with_each_kind([](stream& near, stream& far) {
      far.close();
      std::error_code failed;
      while (!failed)
        near.write("x", 1s, failed);
      CHECK((failed == std::errc::broken_pipe ||
             failed == std::errc::connection_reset));
    });
  }

  TEST_CASE("who reads is woken when no more is to be read, and can answer") {
    with_each_kind([](stream& near, stream& far) {
      std::string heard;
      const auto reader = spawn([&] { heard = read_all(near); });
      far.write("hello");
      while (heard.empty() && !reader.dead()) {
        idle();
        near.shutdown_read();
      }
      reader.get();
      CHECK(heard == "hello");
      std::array<char, 1> more;
      CHECK(near.read_some(more) == 0);
      near.write("bye");
      near.shutdown_write();
      CHECK(read_all(far) == "bye");
      near.close();
      near.shutdown_read(); // nothing happens
    });
  }

  TEST_CASE("a stream knows its peer's name, or says that it does not") {
    with_each_kind([](stream& near, stream& far) {
      CHECK(near.peer_name() != "");
      CHECK(near.peer_name() != "a connection");
      near.reset();
      CHECK(!near.is_open());
      CHECK(near.peer_name() == "a connection");
      CHECK(far.peer_name() != "");
    });
  }
}
