#include "hub/support.hpp"
#include "io/stream_support.hpp"
#include "io/temporary_folder.hpp"
#include "io/unix_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/unix.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

unix_address operator/(const temporary_folder& folder,
                       const std::string& name) {
  return {folder.path() + "/" + name};
}

/// Leaves a path as a process does that is killed.
void leave_behind(const unix_address& at) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  at.path.copy(name.sun_path, sizeof name.sun_path - 1);
  const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(made, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
  ::close(made);
}

} // namespace

TEST_SUITE("unix") {
  TEST_CASE("a connection is made by path, and by abstract name") {
    in_real_hub([] {
      const temporary_folder folder;
      const auto name =
          unix_address::abstract("greenroom-" + std::to_string(::getpid()));
      for (const unix_address& at : {folder / "door", name}) {
        CAPTURE(at.text());
        unix_listener door{at};
        CHECK(door.local() == at);
        auto near = unix_socket::connect(at);
        auto far = door.accept();
        near.write("hello");
        std::array<char, 5> part;
        far.read(part);
        CHECK(std::string(part.data(), 5) == "hello");
        CHECK(near.peer() == at);
        CHECK(far.local() == at);
        CHECK(far.peer() == unix_address{});
      }
    });
  }

  TEST_CASE("the file of a listener goes with it") {
    in_real_hub([] {
      const temporary_folder folder;
      const unix_address at = folder / "door";
      {
        const unix_listener door{at};
        CHECK(std::filesystem::exists(at.path));
      }
      CHECK_FALSE(std::filesystem::exists(at.path));
      unix_listener old{at};
      std::filesystem::remove(at.path);
      const unix_listener young{at};
      old.close();
      CHECK(std::filesystem::exists(at.path)); // the young one's
    });
  }

  TEST_CASE("a path left behind by a crash is taken over") {
    in_real_hub([] {
      const temporary_folder folder;
      const unix_address at = folder / "door";
      leave_behind(at);
      unix_listener door{at};
      CHECK(unix_socket::connect(at).is_open());
    });
  }

  TEST_CASE("a path in use is refused by name, whatever is there") {
    in_real_hub([] {
      const temporary_folder folder;
      const unix_address at = folder / "door";
      const unix_listener door{at};
      CHECK(error_of([&] { unix_listener second{at}; }) ==
            "std::system_error: listen on " + at.text() +
                ": Address already in use");
      const unix_address file = folder / "file";
      std::ofstream{file.path} << "text";
      CHECK_THROWS_AS(unix_listener{file}, std::system_error);
      CHECK(std::filesystem::exists(file.path));
    });
  }

  TEST_CASE("an address that cannot be is an error that names it") {
    in_real_hub([] {
      const std::size_t before = open_descriptors();
      const unix_address nobody{"/nowhere/door"};
      const unix_address long_one{"/" + std::string(200, 'x')};
      CHECK(error_of([&] { unix_socket::connect(nobody); }) ==
            "std::system_error: connect to /nowhere/door: "
            "No such file or directory");
      std::error_code failed;
      for (const auto& wrong : {long_one, unix_address{}}) {
        CHECK_THROWS_AS(unix_listener{wrong}, std::system_error);
        unix_socket::connect(wrong, {}, failed);
        CHECK(failed);
      }
      unix_socket::connect(long_one, {}, failed);
      CHECK(failed == std::errc::filename_too_long);
      CHECK(open_descriptors() == before);
    });
  }

  TEST_CASE("a path that nobody listens on refuses") {
    in_real_hub([] {
      const temporary_folder folder;
      leave_behind(folder / "door");
      std::error_code failed;
      unix_socket::connect(folder / "door", {}, failed);
      CHECK(failed == std::errc::connection_refused);
    });
  }

  TEST_CASE("the peer's process and user are known") {
    in_real_hub([] {
      auto [near, far] = socketpair();
      const unix_credentials who = near.peer_credentials();
      CHECK(who.process == ::getpid());
      CHECK(who.user == ::geteuid());
      CHECK(who.group == ::getegid());
      near.close();
      CHECK_THROWS_AS(near.peer_credentials(), std::system_error);
    });
  }

  TEST_CASE("connect waits while the backlog is full") {
    in_hub([] {
      const temporary_folder folder;
      const unix_address at = folder / "door";
      full_door full{at};
      bool connected = false;
      const auto late = spawn([&] {
        const auto made = unix_socket::connect(at);
        connected = made.peer() == at;
      });
      sleep(1s);
      CHECK_FALSE(connected);
      full.door.accept();
      CHECK(late.join(1s));
      CHECK(connected);
    });
  }

  TEST_CASE("a connect that waits ends at its deadline, and by a kill") {
    in_hub([] {
      const temporary_folder folder;
      const unix_address at = folder / "door";
      const full_door full{at};
      const std::size_t before = open_descriptors();
      std::error_code failed;
      CHECK(time_of([&] { unix_socket::connect(at, 3s, failed); }) == 3s);
      CHECK(failed == errc::timed_out);
      const auto victim = spawn([&] { unix_socket::connect(at); });
      sleep(1s);
      victim.kill();
      CHECK(victim.killed());
      CHECK(open_descriptors() == before);
    });
  }

  TEST_CASE("accept waits, ends when closed, and takes one at a time") {
    in_real_hub([] {
      const temporary_folder folder;
      unix_listener door{folder / "door"};
      std::error_code failed;
      const auto waiter = spawn([&] { door.accept({}, failed); });
      yield();
      std::error_code second;
      door.accept({}, second);
      CHECK(second == errc::busy);
      door.close();
      waiter.join();
      CHECK(failed == errc::closed);
      CHECK(error_of([&] { door.accept(); }).find("/door: closed") !=
            std::string::npos);
    });
  }

  TEST_CASE("a listening socket of others is adopted, and its file stays") {
    in_real_hub([] {
      const temporary_folder folder;
      const unix_address at = folder / "door";
      unix_listener made{at};
      {
        unix_listener door = unix_listener::adopt(::dup(made.native_handle()));
        const auto visitor = unix_socket::connect(at);
        CHECK(door.accept().is_open());
        CHECK(door.local() == at);
      }
      CHECK(std::filesystem::exists(at.path));
    });
  }

  TEST_CASE("at a path, too, who has come is taken without waiting") {
    in_real_hub([] {
      const temporary_folder folder;
      unix_listener door{folder / "door"};
      std::error_code failed;
      CHECK(!door.try_accept(failed));
      const auto visitor = unix_socket::connect(door.local());
      const auto accepted = door.try_accept(failed);
      REQUIRE(accepted);
      CHECK(visitor.peer_name() == door.local().text());
      CHECK(accepted->peer_name() == "process " + std::to_string(::getpid()));
    });
  }
}
