#include "zmq/support.hpp"

#include <greenroom/zmq/poll.hpp>

#include <array>

#include <poll.h>
#include <unistd.h>

using namespace greenroom;
using namespace test;

namespace {

struct pipe_ends {
  pipe_ends() { REQUIRE(::pipe(both.data()) == 0); }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;
  ~pipe_ends() {
    ::close(both[0]);
    ::close(both[1]);
  }
  std::array<int, 2> both;
};

} // namespace

TEST_SUITE_BEGIN("zmq");

TEST_CASE("poll tells which sockets and descriptors are ready") {
  in_real_hub([] {
    zmq_pair ends{socket_type::push, socket_type::pull};
    const pipe_ends plain;
    std::array items{zmq::poll_item{ends.connected, POLLIN},
                     zmq::poll_item{plain.both[0], POLLIN}};
    CHECK(zmq::poll(items, 1ms) == 0);
    auto sender = spawn([&] { ends.bound.send("x", 10s); });
    CHECK(zmq::poll(items, 10s) == 1);
    CHECK(items[0].revents == POLLIN);
    CHECK(items[1].revents == 0);
    CHECK(receive_text(ends.connected) == "x");
    auto writer = spawn([&] { CHECK(::write(plain.both[1], "y", 1) == 1); });
    CHECK(zmq::poll(items, 10s) == 1);
    CHECK(items[0].revents == 0);
    CHECK(items[1].revents == POLLIN);
    sender.join();
    writer.join();
  });
}

TEST_CASE("poll tells that a socket can be written to, or is closed") {
  in_real_hub([] {
    zmq_pair ends{socket_type::push, socket_type::pull};
    std::array items{zmq::poll_item{ends.bound, POLLOUT},
                     zmq::poll_item{ends.connected, POLLIN}};
    CHECK(zmq::poll(items, 10s) == 1);
    CHECK(items[0].revents == POLLOUT);
    ends.bound.close();
    CHECK(zmq::poll(items) == 1);
    CHECK(items[0].revents == POLLNVAL);
  });
}

TEST_CASE("a kill or a timeout ends poll and all that it waited by") {
  in_real_hub([] {
    zmq_pair ends{socket_type::push, socket_type::pull};
    const pipe_ends plain;
    std::array items{zmq::poll_item{ends.connected, POLLIN},
                     zmq::poll_item{plain.both[0], POLLIN}};
    auto polling = spawn([&] { zmq::poll(items); });
    sleep(1ms);
    polling.kill();
    CHECK(polling.dead());
    CHECK(zmq::poll(items, 1ms) == 0);
  });
}

TEST_SUITE_END();
