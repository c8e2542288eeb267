#include "hub/beside.hpp"
#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/actors/topic.hpp>
#include <greenroom/mailbox/select.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

namespace {

struct price {
  int amount = 0;
};
struct other {};
using amounts = std::vector<int>;

class chart : public actor<price, other> {
public:
  explicit chart(amounts& seen, std::chrono::nanoseconds takes = 0s)
      : seen_(seen), takes_(takes) {}

protected:
  void receive(price now) override {
    if (now.amount < 0) throw std::runtime_error("a negative price");
    if (takes_ > 0s) sleep(takes_);
    seen_.push_back(now.amount);
  }
  void receive(other) override {}

private:
  amounts& seen_;
  std::chrono::nanoseconds takes_;
};

class small_chart : public chart {
public:
  small_chart(amounts& seen, when_full policy) : chart(seen, 1s) {
    bound_inbox(2, policy);
  }
};

amounts all_of(subscription<price>& from) {
  amounts all;
  while (const auto next = from.try_get())
    all.push_back(next->amount);
  return all;
}

void publish(topic<price>& to, int first, int last) {
  for (int i = first; i <= last; ++i)
    to.publish(price{i});
}

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("each subscriber gets each message in the order of publishing") {
    in_hub([] {
      amounts one;
      amounts two;
      const auto a = spawn<chart>(one);
      const auto b = spawn<chart>(two);
      topic<price> prices;
      prices.publish(price{0}); // to nobody
      prices.subscribe(a);
      prices.publish(price{1});
      prices.subscribe(b);
      prices.subscribe(b); // once is enough
      CHECK(prices.subscribers() == 2);
      publish(prices, 2, 4);
      idle();
      CHECK(one == amounts{1, 2, 3, 4});
      CHECK(two == amounts{2, 3, 4});
      CHECK(prices.unsubscribe(a));
      CHECK_FALSE(prices.unsubscribe(a));
      prices.publish(price{5});
      idle();
      CHECK(one.size() == 4);
      CHECK(two.size() == 4);
      CHECK(prices.dropped() == 0);
      a.kill();
      b.kill();
    });
  }

  TEST_CASE("a dead subscriber has left by itself") {
    in_hub([] {
      amounts seen;
      const auto a = spawn<chart>(seen);
      topic<price> prices;
      prices.subscribe(a);
      a.kill();
      CHECK(prices.subscribers() == 0);
      const auto before = dead_letters();
      prices.publish(price{});
      CHECK(dead_letters() == before);
      CHECK(error_of([&] { prices.subscribe(a); }).find("not alive") !=
            std::string::npos);
      CHECK_THROWS_AS(prices.subscribe({}), std::system_error);
      CHECK_FALSE(prices.unsubscribe({}));
    });
  }

  TEST_CASE("a subscription stays when its actor is restarted") {
    in_hub([] {
      const test::captured_log quiet;
      amounts seen;
      supervisor tree{one_for_one};
      const auto a = tree.add<chart>("chart", permanent, std::ref(seen));
      tree.start();
      topic<price> prices;
      prices.subscribe(a);
      publish(prices, -1, 2);
      sleep(1s);
      CHECK(seen == amounts{0, 1, 2});
      tree.stop();
      CHECK(prices.subscribers() == 0);
    });
  }

  TEST_CASE("a slow subscriber hurts nobody else") {
    in_hub([] {
      amounts seen;
      const auto quick = spawn<chart>(seen);
      topic<price> prices;
      std::vector<amounts> slow(4);
      std::vector<actor_ref<small_chart>> all;
      for (const auto policy :
           {when_full::wait, when_full::refuse, when_full::drop_newest,
            when_full::drop_oldest}) {
        all.push_back(spawn<small_chart>(slow[all.size()], policy));
        prices.subscribe(all.back());
      }
      prices.subscribe(quick);
      CHECK(time_of([&] { publish(prices, 1, 10); }) == 0s);
      idle();
      CHECK(seen == amounts{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
      sleep(10s);
      CHECK(slow[0] == amounts{1, 2});
      CHECK(slow[1] == amounts{1, 2});
      CHECK(slow[2] == amounts{1, 2});
      CHECK(slow[3] == amounts{9, 10});
      CHECK(prices.dropped(all[0]) == 8);
      CHECK(prices.dropped(all[1]) == 8);
      CHECK(prices.dropped(quick) == 0);
      CHECK(prices.dropped() == 16); // the others' inboxes count themselves
      quick.kill();
      for (const auto& each : all)
        each.kill();
    });
  }

  TEST_CASE("a greenlet gets a topic's messages from a subscription") {
    in_hub([] {
      topic<price> prices;
      prices.publish(price{1});
      auto reader = spawn([&] {
        subscription<price> seen{prices, 10};
        CHECK(seen.get().amount == 2);
        CHECK_FALSE(seen.try_get());
        CHECK(seen.get(5s).amount == 3);
        std::error_code failed;
        CHECK_FALSE(seen.get(1s, failed));
        CHECK(failed == errc::timed_out);
      });
      sleep(1s);
      prices.publish(price{2});
      sleep(1s);
      prices.publish(price{3});
      reader.join();
      CHECK(reader.successful());
      CHECK(prices.subscribers() == 0);
    });
  }

  TEST_CASE("a full subscription drops the oldest, or the newest") {
    in_hub([] {
      topic<price> prices;
      subscription<price> latest{prices, 3, when_full::drop_oldest};
      subscription<price> first{prices, 3, when_full::drop_newest};
      subscription<price> roomy{prices, 100};
      publish(prices, 1, 10);
      CHECK(latest.dropped() == 7);
      CHECK(first.dropped() == 7);
      CHECK(roomy.dropped() == 0);
      CHECK(prices.dropped() == 14);
      CHECK(latest.size() == 3);
      CHECK(latest.capacity() == 3);
      CHECK(all_of(latest) == amounts{8, 9, 10});
      CHECK(all_of(first) == amounts{1, 2, 3});
      CHECK(all_of(roomy).size() == 10);
      using limited = subscription<price>;
      CHECK_THROWS_AS(limited(prices, 3, when_full::wait),
                      std::invalid_argument);
      CHECK_THROWS_AS(limited(prices, 0), std::invalid_argument);
      CHECK(prices.subscribers() == 3);
    });
  }

  TEST_CASE("a loop over a subscription ends when the topic is destroyed") {
    in_hub([] {
      auto prices = std::make_unique<topic<price>>();
      amounts seen;
      auto reader = spawn([&] {
        subscription<price> all{*prices, 10};
        for (const price& each : all)
          seen.push_back(each.amount);
        CHECK(all.closed());
      });
      yield();
      publish(*prices, 1, 2);
      sleep(1s);
      publish(*prices, 3, 4);
      prices.reset();
      reader.join();
      CHECK(seen == amounts{1, 2, 3, 4});
    });
  }

  TEST_CASE("a subscription can be waited for with others") {
    in_hub([] {
      topic<price> prices;
      subscription<price> mine{prices, 10};
      queue<int> jobs;
      spawn_later(1s, [&] { prices.publish(price{7}); });
      int got = 0;
      CHECK(select(from(jobs, [&](int) { got = -1; }),
                   from(mine, [&](price one) { got = one.amount; })) == 1);
      CHECK(got == 7);
    });
  }

  TEST_CASE("a kill while waiting for a message leaves the topic") {
    in_hub([] {
      topic<price> prices;
      auto reader = spawn([&] {
        subscription<price> mine{prices, 1};
        mine.get();
      });
      sleep(1s);
      CHECK(prices.subscribers() == 1);
      reader.kill();
      CHECK(prices.subscribers() == 0);
      prices.publish(price{});
    });
  }

  TEST_CASE("one may subscribe and leave while a message is published") {
    in_hub([] {
      // Its copies change who is subscribed.
      struct meddler {
        explicit meddler(std::function<void()>* function) : act(function) {}
        meddler(meddler&& other) noexcept = default;
        meddler& operator=(meddler&&) = default;
        meddler(const meddler& copied) : act(copied.act) { (*act)(); }
        std::function<void()>* act;
      };
      topic<meddler> all;
      std::optional<subscription<meddler>> first;
      std::optional<subscription<meddler>> second;
      std::optional<subscription<meddler>> third;
      int copies = 0;
      std::function<void()> act = [&] {
        if (++copies != 2) return;
        first.reset();
        third.emplace(all, 5);
      };
      first.emplace(all, 5);
      second.emplace(all, 5);
      all.publish(meddler{&act});
      CHECK(copies == 2);
      CHECK(second->size() == 1);
      CHECK(third->empty());
      CHECK(all.subscribers() == 2);
    });
  }

  TEST_CASE("a topic is for actors of its hub") {
    in_hub([] {
      amounts seen;
      const auto a = spawn<chart>(seen);
      test::beside there([a] {
        topic<price> prices;
        CHECK(error_of([&] { prices.subscribe(a); }).find("wrong_hub") !=
              std::string::npos);
      });
      there.join();
      a.kill();
    });
  }
}
