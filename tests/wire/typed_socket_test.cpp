#include "wire/support.hpp"

#include <greenroom/inproc/pattern.hpp>
#include <greenroom/wire/typed_socket.hpp>

#include <string>
#include <system_error>
#include <utility>

using namespace greenroom;
using namespace test;

namespace {

struct question {
  std::string text;
};
struct answer {
  int number = 0;
};

using wired = wire::typed_socket<question, answer>;
static_assert(inproc::sends<wired, question>);
static_assert(inproc::receives<wired, answer>);

} // namespace

TEST_SUITE_BEGIN("wire");

TEST_CASE("typed messages go there and back") {
  in_real_hub([] {
    zmq_pair ends{socket_type::rep, socket_type::req};
    wire::typed_socket<answer, question> server{std::move(ends.bound)};
    wire::typed_socket<question, answer> client{std::move(ends.connected)};
    client.send(question{"six by nine"}, 1s);
    CHECK(server.receive(10s).text == "six by nine");
    server.send(answer{42});
    std::error_code failed;
    CHECK(client.receive(10s, failed).number == 42);
    CHECK(!failed);
  });
}

TEST_CASE("a typed socket outlives what is of another shape") {
  in_real_hub([] {
    zmq_pair ends{socket_type::pair, socket_type::pair};
    wire::typed_socket<answer> to{std::move(ends.bound)};
    ends.connected.send("nonsense");
    CHECK_THROWS_AS(to.receive(10s), wire::bad_message);
    ends.connected.send_multipart({"\x91\x01", "\x91\x01"});
    CHECK(mentions(error_of([&] { to.receive(10s); }), "2 frames"));
    std::error_code failed;
    ends.connected.send_multipart({"\x91\x01", "\x91\x01"});
    to.receive(10s, failed);
    CHECK(failed == std::errc::bad_message);
    ends.connected.send("\x91\xc0");
    to.receive(10s, failed);
    CHECK(failed == std::errc::bad_message);
    ends.connected.send("\x91\x07");
    CHECK(to.receive(10s).number == 7);
    to.receive(1ms, failed);
    CHECK(failed == errc::timed_out);
    CHECK(!to.try_receive());
    ends.connected.send("\x91\x08");
    while (!to.raw().readable().ready())
      sleep(1ms);
    CHECK(to.try_receive()->number == 8);
    to.close();
    CHECK(!to.is_open());
    CHECK_THROWS_AS(to.receive(), std::system_error);
  });
}

TEST_SUITE_END();
