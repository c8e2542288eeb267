#include "hub/support.hpp"
#include "io/stream_support.hpp"
#include "io/temporary_file.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

TEST_SUITE("io") {
  TEST_CASE("a part of a file is sent") {
    in_real_hub([] {
      const temporary_file file("0123456789");
      connection c;
      CHECK(c.near.send_file(file.descriptor(), 2, 5) == 5);
      CHECK(c.near.send_file(file.descriptor(), 8, 100) == 2);
      CHECK(c.near.send_file(file.descriptor(), 20, 1) == 0);
      c.near.close();
      CHECK(read_all(c.far) == "2345689");
    });
  }

  TEST_CASE("a file larger than the socket's room arrives whole") {
    in_real_hub([] {
      std::string bytes(20 << 20, ' ');
      for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>(i * 2654435761u >> 13);
      const temporary_file file(bytes);
      connection c;
      const auto writer = spawn([&] {
        CHECK(c.near.send_file(file.descriptor(), 0, bytes.size()) ==
              bytes.size());
        c.near.close();
      });
      CHECK(read_all(c.far) == bytes);
      writer.join();
    });
  }

  TEST_CASE("send_file ends at its deadline, by a kill, and when closed") {
    in_real_hub([] {
      const temporary_file file(more_than_fits());
      const auto send = [&](connection& c, deadline until,
                            std::error_code& failed) {
        return c.near.send_file(file.descriptor(), 0, more_than_fits().size(),
                                until, failed);
      };
      std::error_code failed;
      {
        connection c;
        const std::uint64_t sent = send(c, 5ms, failed);
        CHECK(failed == errc::timed_out);
        CHECK(sent > 0);
        CHECK(sent < more_than_fits().size());
        const auto victim = spawn([&] { send(c, {}, failed); });
        yield();
        std::error_code second;
        c.near.write("x", {}, second);
        CHECK(second == errc::busy);
        victim.kill();
        CHECK(victim.killed());
      }
      connection c;
      const auto writer = spawn([&] { send(c, {}, failed); });
      yield();
      c.near.close();
      writer.join();
      CHECK(failed == errc::closed);
    });
  }

  TEST_CASE("what cannot be sent is an error that names the peer") {
    in_real_hub([] {
      connection c;
      CHECK(error_of([&] { c.near.send_file(-1, 0, 1); }) ==
            "std::system_error: send a file to " + c.near.peer().text() +
                ": Bad file descriptor");
      const temporary_file file("x");
      std::error_code failed;
      c.near.send_file(file.descriptor(), UINT64_MAX, 1, {}, failed);
      CHECK(failed == std::errc::invalid_seek);
    });
  }
}
