#include "hub/support.hpp"

#include <greenroom/hub/address.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace greenroom;
using test::in_hub;

namespace {

/// The address of a hub whose thread has ended.
hub_address address_of_ended() {
  hub_address address;
  std::thread([&] { address = hub::current().address(); }).join();
  return address;
}

} // namespace

TEST_SUITE("hub") {
  TEST_CASE("an address finds its hub from any thread while that lives") {
    static_assert(std::is_trivially_copyable_v<hub_address>);
    in_hub([] {
      hub* const here = &hub::current();
      const hub_address address = here->address();
      CHECK(address.is_here());
      CHECK(address == hub_address::here_if_any());
      const auto finds_it = [&] {
        bool same = false;
        return address.visit([&](hub& found) { same = &found == here; }) &&
               same;
      };
      CHECK(finds_it());
      std::thread([&] {
        CHECK_FALSE(address.is_here());
        CHECK(hub_address::here_if_any() == hub_address{});
        CHECK(finds_it());
        CHECK(hub::current().address() != address);
      }).join();
    });
  }

  TEST_CASE("no hub is found at the address of an ended one") {
    in_hub([] {
      const hub_address ended = address_of_ended();
      CHECK_FALSE(ended.is_here());
      CHECK_FALSE(ended.visit([](hub&) { FAIL("it has ended"); }));
      CHECK_FALSE(post_to(ended, [] { FAIL("it has ended"); }));
    });
  }

  TEST_CASE("a default address is that of no hub") {
    const hub_address nowhere;
    CHECK_FALSE(nowhere.is_here());
    CHECK_FALSE(nowhere.visit([](hub&) { FAIL("there is none"); }));
    CHECK_FALSE(post_to(nowhere, [] { FAIL("there is none"); }));
    std::thread([&] { CHECK_FALSE(nowhere.is_here()); }).join();
  }

  TEST_CASE("an old address never finds a later hub in the same seat") {
    in_hub([] {
      std::set<hub_address> old;
      std::set<hub_seat*> seats;
      for (int i = 0; i < 100; ++i) {
        const hub_address address = address_of_ended();
        CHECK(old.insert(address).second);
        seats.insert(address.seat());
      }
      CHECK(seats.size() < 10);
      std::thread([&] {
        hub::current();
        for (const hub_address& each : old) {
          CHECK_FALSE(each.is_here());
          CHECK_FALSE(each.visit([](hub&) { FAIL("another hub"); }));
        }
      }).join();
    });
  }

  TEST_CASE("what is posted to an address runs in order of posting") {
    in_hub([] {
      const work_guard outside;
      std::vector<int> ran;
      wait_list done;
      std::thread other([&, home = hub::current().address()] {
        for (int i = 0; i < 100; ++i)
          CHECK(post_to(home, [&, i] { ran.push_back(i); }));
        CHECK(post_to(home, [&] { done.wake_one(); }));
      });
      done.wait({}, "done", nullptr);
      other.join();
      CHECK(ran.size() == 100);
      CHECK(std::is_sorted(ran.begin(), ran.end()));
    });
  }

  TEST_CASE("a function posted to a hub that ends first is destroyed unrun") {
    const auto held = std::make_shared<int>();
    bool sent = false;
    std::promise<hub_address> made;
    std::promise<void> posted;
    std::thread other([&] {
      made.set_value(hub::current().address());
      posted.get_future().get(); // blocks the thread: nothing is run
    });
    sent =
        post_to(made.get_future().get(), [held] { FAIL("the hub never ran"); });
    posted.set_value();
    other.join();
    CHECK(sent);
    CHECK(held.use_count() == 1);
  }

  TEST_CASE("a hub may end while others post to its address") {
    for (int i = 0; i < 50; ++i) {
      std::atomic<int> sent{0};
      std::atomic<int> destroyed{0};
      struct counted {
        explicit counted(std::atomic<int>& all) : count(&all) {}
        counted(counted&& other) noexcept
            : count(std::exchange(other.count, nullptr)) {}
        ~counted() {
          if (count) ++*count;
        }
        std::atomic<int>* count;
      };
      std::promise<hub_address> made;
      std::atomic<int> ready{0};
      std::thread home([&] {
        made.set_value(hub::current().address());
        while (ready < 2)
          std::this_thread::yield();
      });
      const hub_address address = made.get_future().get();
      const auto post_until_ended = [&] {
        ++ready;
        while (post_to(address, [mark = counted{destroyed}] {}))
          ++sent;
      };
      std::thread first(post_until_ended);
      std::thread second(post_until_ended);
      home.join();
      first.join();
      second.join();
      CHECK(destroyed == sent + 2); // and one each that was not sent
    }
  }

  TEST_CASE("a work_guard may end after its hub, on another thread") {
    std::unique_ptr<work_guard> guard;
    std::thread([&] { guard = std::make_unique<work_guard>(); }).join();
    std::thread([&] {
      hub::current(); // may well sit where the other sat
      guard.reset();
      CHECK_THROWS_AS(wait_list{}.wait({}, "nothing", nullptr), loop_exit);
    }).join();
  }

  TEST_CASE("a hub's end is told to those who asked, once") {
    struct listener : hub_end_link {
      listener() : hub_end_link(&told) {}
      static void told(hub_end_link& link) noexcept {
        auto& self = static_cast<listener&>(link);
        ++self.times;
        self.found_hub = self.address.is_here();
        self.posted = post_to(self.address, [] { FAIL("the hub has ended"); });
      }
      int times = 0;
      bool found_hub = false;
      bool posted = false;
      hub_address address;
    };
    listener stays;
    listener leaves;
    listener last;
    std::thread([&] {
      hub& here = hub::current();
      for (listener* each : {&stays, &leaves, &last}) {
        each->address = here.address();
        here.add_end_link(*each);
      }
      here.remove_end_link(leaves);
      CHECK(stays.times == 0);
    }).join();
    CHECK(stays.times == 1);
    CHECK(leaves.times == 0);
    CHECK(last.times == 1);
    CHECK(stays.found_hub);
    CHECK(stays.posted);
  }
}
