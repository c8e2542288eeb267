#include "inproc/support.hpp"

#include <greenroom/inproc/pattern.hpp>

using namespace test;

// What zmq::socket meets too: see examples/54_patterns.cpp, built over both.
static_assert(inproc::sends<push<box>, box>);
static_assert(inproc::receives<pull<box>, box>);
static_assert(inproc::sends<pub<std::string>, std::string>);
static_assert(inproc::subscribes<sub<std::string>, std::string>);
static_assert(inproc::sends<req<int, box>, int>);
static_assert(inproc::receives<req<int, box>, box>);
static_assert(inproc::sends<rep<int, box>, box>);
static_assert(inproc::receives<rep<int, box>, int>);
static_assert(inproc::sends<dealer<int, box>, int>);
static_assert(inproc::sends<router<int, box>, routed<int>>);
static_assert(!inproc::sends<pull<int>, int>);
static_assert(!inproc::receives<push<int>, int>);

namespace {

/// Knows a socket by what it can do.
template <inproc::receives<int> Server>
int doubled(Server& server) {
  static_assert(inproc::sends<Server, int>);
  const int asked = server.receive(1s);
  server.send(2 * asked, 1s);
  return asked;
}

} // namespace

TEST_SUITE("inproc") {
  TEST_CASE("code written against the concept works over any socket") {
    in_hub([] {
      rep<int, int> server;
      server.bind("inproc://server");
      dealer<int, int> client;
      client.connect("inproc://server");
      client.send(4);
      CHECK(doubled(server) == 4);
      CHECK(client.receive() == 8);

      dealer<int, int> other;
      other.connect("inproc://client");
      client.bind("inproc://client");
      client.disconnect("inproc://server");
      client.send(5);
      CHECK(doubled(other) == 5);
      CHECK(client.receive() == 10);
    });
  }
}
