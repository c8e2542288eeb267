#include "hub/support.hpp"
#include "io/tcp_support.hpp"
#include "io/temporary_folder.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/unix_datagram.hpp>

#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

std::string receive_text(unix_datagram_socket& from) {
  std::array<char, 100> part;
  return {part.data(), from.receive(part)};
}

/// Until the receiver has no more room; returns how many it took.
int fill(unix_datagram_socket& to) {
  std::error_code failed;
  int sent = 0;
  for (; !failed; ++sent)
    to.send("x", 1ms, failed);
  CHECK(failed == errc::timed_out);
  return sent - 1;
}

} // namespace

TEST_SUITE("unix") {
  TEST_CASE("datagrams arrive whole, in order, and tell where they are from") {
    in_real_hub([] {
      const temporary_folder folder;
      unix_datagram_socket door{{folder.path() + "/door"}};
      unix_datagram_socket caller{{folder.path() + "/caller"}};
      caller.send_to("one", door.local());
      caller.send_to("", door.local());
      caller.send_to("three", door.local());
      std::array<char, 100> part;
      const auto first = door.receive_from(part);
      CHECK(std::string_view(part.data(), first.bytes) == "one");
      CHECK(first.from == caller.local());
      CHECK(door.receive(part) == 0);
      CHECK(receive_text(door) == "three");
      door.send_to("answer", first.from);
      CHECK(receive_text(caller) == "answer");
    });
  }

  TEST_CASE("a pair is connected both ways") {
    in_real_hub([] {
      auto [near, far] = datagram_socketpair();
      near.send("there");
      far.send("back");
      CHECK(receive_text(far) == "there");
      CHECK(receive_text(near) == "back");
    });
  }

  TEST_CASE("one without a name cannot be answered") {
    in_real_hub([] {
      const temporary_folder folder;
      unix_datagram_socket door{{folder.path() + "/door"}};
      unix_datagram_socket caller;
      caller.connect(door.local());
      caller.send("x");
      std::array<char, 8> part;
      CHECK(door.receive_from(part).from == unix_address{});
    });
  }

  TEST_CASE("a datagram that does not fit is an error that tells its size") {
    in_real_hub([] {
      auto [near, far] = datagram_socketpair();
      near.send("123456");
      std::array<char, 4> part;
      std::error_code failed;
      CHECK(far.receive(part, {}, failed) == 6);
      CHECK(failed == std::errc::message_size);
      near.send("x");
      CHECK(far.receive(part) == 1);
      near.send(std::string(8 << 20, 'x'), {}, failed);
      CHECK(failed == std::errc::message_size);
    });
  }

  TEST_CASE(
      "the path goes with its socket, and one left behind is taken over") {
    in_real_hub([] {
      const temporary_folder folder;
      const unix_address at{folder.path() + "/door"};
      {
        const unix_datagram_socket door{at};
        CHECK(error_of([&] { unix_datagram_socket second{at}; }) ==
              "std::system_error: bind " + at.text() +
                  ": Address already in use");
        std::filesystem::rename(at.path, at.path + "2");
      }
      std::filesystem::rename(at.path + "2", at.path); // nobody's now
      { const unix_datagram_socket door{at}; }
      CHECK_FALSE(std::filesystem::exists(at.path));
    });
  }

  TEST_CASE("who sends to a full socket waits until there is room") {
    in_real_hub([] {
      auto ends = datagram_socketpair();
      const int sent = fill(ends.first);
      const auto sender = spawn([&] { ends.first.send("last"); });
      yield();
      std::error_code failed;
      ends.first.send("x", {}, failed);
      CHECK(failed == errc::busy);
      for (int i = 0; i < sent; ++i)
        CHECK(receive_text(ends.second) == "x");
      CHECK(receive_text(ends.second) == "last");
      sender.join();
    });
  }

  TEST_CASE("calls end at their deadline, by a kill, and when closed") {
    in_real_hub([] {
      auto ends = datagram_socketpair();
      unix_datagram_socket& near = ends.first;
      std::array<char, 8> part;
      std::error_code failed;
      near.receive(part, 1ms, failed);
      CHECK(failed == errc::timed_out);
      CHECK_FALSE(timeout{1ms}.run([&] { near.receive(part); }));
      const auto victim = spawn([&] { near.receive(part); });
      yield();
      victim.kill();
      CHECK(victim.killed());
      fill(near);
      std::error_code writing;
      const auto reader = spawn([&] { near.receive(part, {}, failed); });
      const auto writer = spawn([&] { near.send("x", {}, writing); });
      yield();
      near.close();
      reader.join();
      writer.join();
      CHECK(failed == errc::closed);
      CHECK(writing == errc::closed);
      near.send("x", {}, failed);
      CHECK(failed == errc::closed);
    });
  }

  TEST_CASE("nobody there is an error that names the address") {
    in_real_hub([] {
      unix_datagram_socket caller;
      const unix_address nobody{"/nowhere/door"};
      const std::string why = "/nowhere/door: No such file or directory";
      CHECK(error_of([&] { caller.connect(nobody); }) ==
            "std::system_error: connect to " + why);
      CHECK(error_of([&] { caller.send_to("x", nobody); }) ==
            "std::system_error: send to " + why);
      auto [near, far] = datagram_socketpair();
      far.close();
      std::error_code failed;
      near.send("x", {}, failed);
      CHECK(failed == std::errc::connection_refused);
    });
  }
}
