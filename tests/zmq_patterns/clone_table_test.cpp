#include "../../net/zmq_patterns/clone_table.hpp"

#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <string>

using namespace greenroom;
using namespace test;
using namespace std::chrono_literals;
using zmq::clone_table;
using zmq::clone_update;

namespace {

clone_update to(const std::string& key, const char* value,
                std::chrono::nanoseconds ttl = {}) {
  return {.key = key, .properties = zmq::ttl_property(ttl), .value = value};
}

} // namespace

TEST_SUITE_BEGIN("zmq_patterns");

TEST_CASE("a clone's changes have consecutive numbers") {
  in_hub([] {
    clone_table table{100, 10};
    CHECK(table.apply(to("a", "1"), now())->sequence == 101);
    CHECK(table.apply(to("a", "2"), now())->sequence == 102);
    CHECK(table.apply(to("a", ""), now())->sequence == 103);
    CHECK(table.size() == 0);
    CHECK(table.sequence() == 103);
  });
}

TEST_CASE("a snapshot of a subtree stays as it was taken") {
  in_hub([] {
    clone_table table{0, 10};
    for (const char* key : {"/a/1", "/a/2", "/b/1"})
      table.apply(to(key, "old"), now());
    const auto taken = table.snapshot("/a/");
    table.apply(to("/a/1", "new"), now());
    table.apply(to("/a/2", ""), now());
    REQUIRE(taken.size() == 2);
    CHECK(taken[0]->value == "old");
    CHECK(taken[1]->key == "/a/2");
    CHECK(table.snapshot("/a/").size() == 1);
    CHECK(table.snapshot("").size() == 2);
  });
}

TEST_CASE("a key expires when its time to live is over, unless set again") {
  in_hub([] {
    clone_table table{0, 10};
    table.apply(to("short", "1", 1s), now());
    table.apply(to("renewed", "1", 1s), now());
    table.apply(to("kept", "1", 1s), now());
    CHECK(table.next_expiry() == deadline{1s});
    sleep(900ms);
    table.apply(to("renewed", "2", 1s), now());
    table.apply(to("kept", "2"), now());
    CHECK_FALSE(table.expire(now()));
    sleep(100ms);
    const auto gone = table.expire(now());
    REQUIRE(gone);
    CHECK(gone->key == "short");
    CHECK(gone->value.empty());
    CHECK_FALSE(table.expire(now()));
    sleep(900ms);
    CHECK(table.expire(now())->key == "renewed");
    CHECK(table.next_expiry().is_never());
    CHECK(table.size() == 1);
  });
}

TEST_CASE("a table that is full takes changes of the keys it has") {
  in_hub([] {
    clone_table table{0, 2};
    table.apply(to("a", "1"), now());
    table.apply(to("b", "1"), now());
    CHECK_FALSE(table.apply(to("c", "1"), now()));
    CHECK(table.sequence() == 2);
    CHECK(table.apply(to("b", "2"), now()));
    CHECK(table.apply(to("a", ""), now()));
    CHECK(table.apply(to("c", "1"), now()));
  });
}

TEST_CASE("a time to live is read from properties, whatever they are") {
  CHECK(zmq::ttl_property(3s) == "ttl=3\n");
  CHECK(zmq::ttl_of("ttl=3\n") == 3s);
  CHECK(zmq::ttl_of("color=red\nttl=2") == 2s);
  CHECK(zmq::ttl_of(zmq::ttl_property(250ms)) == 250ms);
  for (const char* nonsense : {"", "\n\n", "ttl=", "ttl=x\n", "ttl=-1\n",
                               "ttl=0\n", "ttl=nan\n", "tt", "xttl=1\n"})
    CHECK(zmq::ttl_of(nonsense) == 0s);
  CHECK(zmq::ttl_of("ttl=1e300\n") > 24h);
  CHECK(zmq::ttl_of("ttl=inf\n") > 24h);
}

TEST_CASE("an update is the same after encoding; others are refused") {
  auto frames = zmq::encode({.key = "k",
                             .sequence = 0x0102030405060708,
                             .uuid = "u",
                             .properties = "p=1\n",
                             .value = "v"});
  CHECK(frames[1] == "\1\2\3\4\5\6\7\10");
  const auto back = zmq::decode(zmq::message{frames});
  REQUIRE(back);
  CHECK(back->sequence == 0x0102030405060708);
  CHECK(back->key == "k");
  CHECK(back->properties == "p=1\n");
  CHECK_FALSE(zmq::decode({}));
  CHECK_FALSE(zmq::decode({"k", "short", "", "", ""}));
  frames.emplace_back("more");
  CHECK_FALSE(zmq::decode(std::move(frames)));
}

TEST_SUITE_END();
