#include "hub/support.hpp"
#include "io/tcp_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/pipe.hpp>

#include <array>
#include <system_error>

using namespace greenroom;
using namespace test;

namespace {

/// Whether `call` goes on when a timeout breaks it off and is withdrawn before
/// its greenlet runs, and ends well after `help`.
template <class Call, class Help>
bool goes_on(Call call, Help help) {
  timeout limit{1s};
  const auto other = spawn([&] { // runs between the timeout and the waiter
    sleep(1s);
    limit.cancel();
  });
  std::error_code failed;
  const auto waiter = spawn([&] {
    limit.start();
    call(failed);
  });
  sleep(2s);
  const bool waits = !waiter.ready();
  help();
  const bool ended = waiter.join(10s);
  waiter.kill();
  other.join();
  return waits && ended && !failed;
}

} // namespace

TEST_CASE("a timeout withdrawn before its greenlet runs ends no call") {
  std::array<char, 1> part;
  SUBCASE("read_some") {
    in_hub([&] {
      connection c;
      CHECK(goes_on([&](auto& failed) { c.near.read_some(part, {}, failed); },
                    [&] { c.far.write("x"); }));
    });
  }
  SUBCASE("write") {
    in_hub([&] {
      connection c;
      CHECK(goes_on(
          [&](auto& failed) { c.near.write(more_than_fits(), {}, failed); },
          [&] {
            std::string all(more_than_fits().size(), ' ');
            c.far.read(all);
          }));
    });
  }
  SUBCASE("accept") {
    in_hub([&] {
      tcp_listener door{{"127.0.0.1", 0}};
      CHECK(goes_on([&](auto& failed) { door.accept({}, failed); },
                    [&] { tcp_socket::connect(door.local()); }));
    });
  }
  SUBCASE("wait_readable") {
    in_hub([&] {
      connection c;
      CHECK(goes_on([&](auto& failed) { c.near.wait_readable({}, failed); },
                    [&] { c.far.write("x"); }));
    });
  }
  SUBCASE("a read of a pipe") {
    in_hub([&] {
      auto ends = greenroom::pipe();
      CHECK(goes_on(
          [&](auto& failed) { ends.reader.read_some(part, {}, failed); },
          [&] { ends.writer.write("x"); }));
    });
  }
  SUBCASE("a write to a pipe") {
    in_hub([&] {
      auto ends = greenroom::pipe();
      CHECK(goes_on(
          [&](auto& failed) {
            ends.writer.write(more_than_fits(), {}, failed);
          },
          [&] {
            std::string all(more_than_fits().size(), ' ');
            ends.reader.read(all);
          }));
    });
  }
}
