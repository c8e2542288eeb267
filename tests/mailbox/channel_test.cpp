#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/channel.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

using trace = std::vector<std::string>;
using ints = std::vector<int>;

} // namespace

TEST_SUITE("mailbox") {
  // --- the meeting --------------------------------------------------------

  // GEVENT.md 3.2, 37
  TEST_CASE("gevent's test_send: a put returns after the getter has gone on") {
    in_hub([] {
      channel<std::string> meeting;
      trace order;
      const auto other = spawn([&] {
        order.push_back(meeting.get());
        order.push_back(meeting.get());
      });
      order.push_back("sending");
      meeting.put("hello");
      order.push_back("sent hello");
      meeting.put("world");
      order.push_back("sent world");
      CHECK(order ==
            trace{"sending", "hello", "sent hello", "world", "sent world"});
      other.join();
    });
  }

  // GEVENT.md 3.2, 37
  TEST_CASE("gevent's test_wait: a get returns before its putter goes on") {
    in_hub([] {
      channel<std::string> meeting;
      trace order;
      const auto other = spawn([&] {
        order.push_back("sending hello");
        meeting.put("hello");
        order.push_back("sending world");
        meeting.put("world");
        order.push_back("sent world");
      });
      order.push_back("waiting");
      order.push_back(meeting.get());
      order.push_back(meeting.get());
      const trace so_far{"waiting", "sending hello", "hello", "sending world",
                         "world"};
      CHECK(order == so_far);
      yield();
      CHECK(order.size() == so_far.size() + 1);
      CHECK(order.back() == "sent world");
      other.join();
    });
  }

  TEST_CASE("a channel is empty and full, whoever waits") {
    in_hub([] {
      channel<int> meeting;
      const auto check = [&](int balance) {
        CHECK(meeting.empty());
        CHECK(meeting.full());
        CHECK(meeting.size() == 0);
        CHECK(meeting.balance() == balance);
        CHECK(meeting.ready() == (balance > 0));
      };
      check(0);
      const auto first = spawn([&] { meeting.get(); });
      const auto second = spawn([&] { meeting.get(); });
      yield();
      check(-2);
      meeting.put(1);
      check(-1);
      meeting.put(2);
      check(0);
      const auto third = spawn([&] { meeting.put(3); });
      yield();
      check(1);
      third.kill();
      check(0);
    });
  }

  TEST_CASE("an item still on offer to a getter on its way balances it") {
    in_hub([] {
      channel<int> meeting;
      const auto getter = spawn([&] { meeting.get(); });
      yield();
      spawn(spawn_options{.order = start_order::next}, [&] { meeting.put(1); });
      spawn(spawn_options{.order = start_order::next}, [&] {
        yield(); // behind the putter, ahead of the getter
      });
      std::optional<std::ptrdiff_t> seen;
      hub::current().post([&] { seen = meeting.balance(); });
      getter.join();
      idle();
      CHECK(seen == 0);
    });
  }

  TEST_CASE("both sides of a channel are served oldest first") {
    in_hub([] {
      channel<char> meeting;
      std::string order;
      SUBCASE("when getters wait") {
        for (char name = '1'; name <= '3'; ++name)
          spawn([&, name] {
            order += name;
            order[order.find(name)] = meeting.get();
          });
        yield();
        for (char item = 'a'; item <= 'c'; ++item)
          meeting.put(item);
      }
      SUBCASE("when putters wait") {
        for (char item = 'a'; item <= 'c'; ++item)
          spawn([&, item] { meeting.put(item); });
        yield();
        for (int i = 0; i < 3; ++i)
          order += meeting.get();
      }
      CHECK(order == "abc");
    });
  }

  // GEVENT.md 3.2, 12
  TEST_CASE("links that wait in a channel's put all deliver") {
    in_hub([] {
      channel<int> meeting;
      std::vector<greenlet<int>> workers;
      for (int i = 1; i <= 3; ++i) {
        workers.push_back(spawn([i] { return i; }));
        workers.back().link([&, worker = workers.back()](greenlet_base&) {
          meeting.put(*worker.value());
        });
      }
      for (int i = 1; i <= 3; ++i)
        CHECK(meeting.get(1s) == i);
      workers[0].link([&](greenlet_base&) { meeting.put(4); });
      CHECK(meeting.get(1s) == 4); // of one that is dead already
    });
  }

  // GEVENT.md 3.2, 12
  TEST_CASE("three blocked puts are all delivered") {
    in_hub([] {
      channel<int> meeting;
      std::vector<any_greenlet> putters;
      for (int i = 0; i < 3; ++i)
        putters.push_back(spawn([&, i] { meeting.put(i); }));
      yield();
      for (int i = 0; i < 3; ++i)
        CHECK(meeting.get() == i);
      CHECK(joinall(putters, 1s).size() == 3);
    });
  }

  // GEVENT.md 3.2, 40
  TEST_CASE("several getters of a channel each get one item") {
    in_hub([] {
      channel<int> meeting;
      std::vector<greenlet<int>> getters;
      for (int i = 0; i < 4; ++i)
        getters.push_back(spawn([&] { return meeting.get(); }));
      yield();
      for (int i = 0; i < 4; ++i)
        meeting.put(i);
      for (int i = 0; i < 4; ++i)
        CHECK(getters[static_cast<std::size_t>(i)].get() == i);
    });
  }

  TEST_CASE("a get that finds an offer goes ahead of those that wait") {
    in_hub([] {
      channel<int> meeting;
      ints taken;
      const auto waiting = spawn([&] { taken.push_back(meeting.get()); });
      yield();
      const auto putter = spawn([&] { meeting.put(1); });
      const auto quick = spawn([&] { taken.push_back(10 * meeting.get()); });
      // The putter calls the one that waits, who then runs after the quick.
      yield();
      yield();
      CHECK(taken == ints{10});
      meeting.put(2);
      CHECK(taken == ints{10, 2});
      putter.join();
      waiting.join();
      quick.join();
    });
  }

  TEST_CASE("a getter overtaken by another keeps its place in a channel") {
    in_hub([] {
      channel<int> meeting;
      std::string order;
      for (const char name : {'a', 'b'})
        spawn([&, name] { order += name + std::to_string(meeting.get()); });
      yield();
      spawn([&] { meeting.put(0); });
      spawn([&] { meeting.get(); });
      yield();
      yield();
      CHECK(order.empty());
      meeting.put(1);
      meeting.put(2);
      CHECK(order == "a1b2");
    });
  }

  // --- the try_ forms -----------------------------------------------------

  TEST_CASE("try_put and try_get succeed only when the other side waits") {
    in_hub([] {
      channel<std::string> meeting;
      std::string item = "item";
      CHECK_FALSE(meeting.try_get());
      CHECK_FALSE(meeting.try_put(std::move(item)));
      CHECK(item == "item");
      std::string got;
      const auto getter = spawn([&] { got = meeting.get(); });
      yield();
      {
        const no_wait guard;
        CHECK(meeting.try_put(item));
        CHECK_FALSE(meeting.try_put(item));
      }
      CHECK(got.empty());
      getter.join();
      CHECK(got == "item");
      const auto putter = spawn([&] { meeting.put("other"); });
      yield();
      const no_wait guard;
      CHECK(meeting.try_get() == "other");
      CHECK_FALSE(meeting.try_get());
    });
  }

  // GEVENT.md 3.2, 34
  TEST_CASE("a hub callback may use a channel's try_ forms but not wait") {
    in_hub([] {
      channel<int> meeting;
      const auto getter = spawn([&] { return meeting.get(); });
      const auto putter = spawn([&] { meeting.put(2); });
      yield();
      getter.join();
      CHECK(getter.get() == 2);
      putter.join();
      std::optional<int> got;
      hub::current().post([&] {
        CHECK_THROWS_AS(meeting.put(1), wait_refused);
        CHECK_THROWS_AS(meeting.get(), wait_refused);
        CHECK_FALSE(meeting.try_put(1));
      });
      idle();
      const auto late = spawn([&] { meeting.put(3); });
      yield();
      hub::current().post([&] { got = meeting.try_get(); });
      late.join();
      CHECK(got == 3);
      CHECK(meeting.balance() == 0);
    });
  }

  TEST_CASE("a channel refuses no_wait scopes and the threads of others") {
    in_hub([] {
      channel<int> meeting;
      {
        const no_wait guard;
        CHECK_THROWS_AS(meeting.put(1), wait_refused);
        CHECK_THROWS_AS(meeting.get(), wait_refused);
      }
      std::thread([&] {
        CHECK_THROWS_AS(meeting.put(1), wrong_hub);
        CHECK_THROWS_AS(meeting.get(), wrong_hub);
      }).join();
      CHECK(meeting.balance() == 0);
    });
  }

  TEST_CASE("a deadlock report names the channel call") {
    in_hub([] {
      channel<int> meeting;
      CHECK(error_of([&] { meeting.get(); }).find("channel::get") !=
            std::string::npos);
      CHECK(error_of([&] { meeting.put(1); }).find("channel::put") !=
            std::string::npos);
      CHECK(meeting.balance() == 0);
    });
  }
}
