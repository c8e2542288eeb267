// T01 to T09 are OTP.md 1.6.

#include "hub/beside.hpp"
#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/delayed_send.hpp>
#include <greenroom/actors/inspect.hpp>
#include <greenroom/actors/loop_actor.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

using entry = std::pair<std::chrono::nanoseconds, int>;

struct tick {
  int number = 0;
};
struct parcel {
  std::unique_ptr<int> content;
};
struct busy {
  std::chrono::nanoseconds time;
};
struct total {
  using reply = int;
};

/// Notes when it got what, from when it was made.
class listener : public actor<tick, parcel, busy, request<total>> {
public:
  explicit listener(std::vector<entry>& notes) : notes_(notes) {}

private:
  void receive(tick got) override { note(got.number); }
  void receive(parcel got) override { note(*got.content); }
  void receive(busy work) override { sleep(work.time); }
  void receive(request<total> asked) override { note(asked.answer ? 1 : 2); }
  void note(int number) { notes_.emplace_back(now() - made_, number); }
  const steady_time made_ = now();
  std::vector<entry>& notes_;
};

class small_inbox : public actor<tick, busy> {
public:
  explicit small_inbox(std::vector<int>& notes, when_full policy)
      : notes_(notes) {
    bound_inbox(1, policy);
  }

private:
  void receive(tick got) override { notes_.push_back(got.number); }
  void receive(busy work) override { sleep(work.time); }
  std::vector<int>& notes_;
};

/// Counts its copies; throws when there are too many.
struct fragile {
  fragile() = default;
  fragile(fragile&&) = default;
  fragile(const fragile& other) : left(other.left) {
    if (--*left < 0) throw std::runtime_error("no more copies");
  }
  std::shared_ptr<int> left = std::make_shared<int>(2);
};

class fragile_listener : public actor<fragile> {
public:
  int got = 0;

private:
  void receive(fragile) override { ++got; }
};

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("T01: a delayed message comes when its time has passed") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      a.send_after(2s, tick{1});
      a.send_after(1s, parcel{std::make_unique<int>(2)});
      sleep(3s);
      CHECK(notes == std::vector<entry>{{1s, 2}, {2s, 1}});
      a.kill();
    });
  }

  TEST_CASE("T02: a dropped handle cancels nothing") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      {
        const delayed_send first = a.send_after(1s, tick{1});
        CHECK(first.pending());
      }
      sleep(1s);
      yield();
      CHECK(notes.size() == 1);
      a.kill();
    });
  }

  TEST_CASE("T03: cancel returns the time left, once; nothing afterwards") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      const delayed_send first = a.send_after(10s, tick{1});
      const delayed_send copy = first;
      const delayed_send second = a.send_after(5s, tick{2});
      sleep(4s);
      CHECK(first.cancel() == 6s);
      CHECK(first.cancel() == std::nullopt);
      CHECK(copy.cancel() == std::nullopt);
      CHECK_FALSE(copy.pending());
      sleep(10s);
      CHECK(second.cancel() == std::nullopt); // it was received
      CHECK(delayed_send{}.cancel() == std::nullopt);
      CHECK(notes == std::vector<entry>{{5s, 2}});
      a.kill();
    });
  }

  TEST_CASE("T04: cancel takes a message that was sent out of the inbox") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      a.send(busy{5s});
      a.send(tick{1});
      const delayed_send late = a.send_after(1s, tick{2});
      yield();
      a.send(tick{3});
      sleep(3s);
      CHECK(a.target()->state() == greenlet_state::running);
      CHECK(late.pending());
      CHECK(late.cancel() == 0ns);
      CHECK_FALSE(late.pending());
      sleep(3s);
      CHECK(notes == std::vector<entry>{{5s, 1}, {5s, 3}});
      a.kill();
    });
  }

  TEST_CASE("cancel takes a message out of a suspended actor's inbox, too") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      const delayed_send late = a.send_after(1s, tick{1});
      suspend(a);
      sleep(2s);
      CHECK(late.pending());
      CHECK(late.cancel() == 0ns);
      CHECK_FALSE(late.pending());
      resume(a);
      idle();
      CHECK(notes.empty());
      a.kill();
    });
  }

  TEST_CASE("T05: no delay sends by way of the timers") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      a.send_after(0s, tick{2});
      a.send(tick{1});
      sleep(1ms);
      CHECK(notes == std::vector<entry>{{0s, 1}, {0s, 2}});
      a.kill();
    });
  }

  TEST_CASE("T06: messages of one moment come in the order of sending") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      for (int i = 0; i < 8; ++i) {
        a.send_after(std::chrono::seconds(8 - i), tick{i});
        sleep(1s);
      }
      sleep(1s);
      REQUIRE(notes.size() == 8);
      for (int i = 0; i < 8; ++i)
        CHECK(notes[static_cast<std::size_t>(i)] == entry{8s, i});
      a.kill();
    });
  }

  TEST_CASE("T07: a message never comes early") {
    test::in_hub_on(clock_kind::real, [] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      std::vector<std::chrono::nanoseconds> due;
      const auto begin = now();
      for (int i = 0; i < 1000; ++i) {
        due.push_back(now() - begin + 5us);
        a.send_after(5us, tick{i});
        if (i % 7 == 0) yield();
      }
      while (notes.size() < 1000)
        sleep(1us);
      for (const auto& [when, number] : notes)
        CHECK(when >= due[static_cast<std::size_t>(number)]);
      a.kill();
    });
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      std::minstd_rand random{7};
      std::vector<std::chrono::nanoseconds> due;
      const auto begin = now();
      for (int i = 0; i < 1000; ++i) {
        const std::chrono::nanoseconds delay(random() % 1'000'000);
        a.send_after(delay, tick{i});
        due.push_back(now() - begin + delay);
        sleep(std::chrono::nanoseconds(random() % 1000));
      }
      sleep(1s);
      REQUIRE(notes.size() == 1000);
      for (const auto& [when, number] : notes)
        CHECK(when == due[static_cast<std::size_t>(number)]);
      a.kill();
    });
  }

  TEST_CASE("T08: whether there is an actor is looked up when it fires") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      const delayed_send one = a.send_after(1s, tick{1});
      a.kill();
      const auto before = dead_letters();
      CHECK_FALSE(one.pending()); // the timer vanished with it
      CHECK(one.cancel() == std::nullopt);
      CHECK_FALSE(a.send_after(1s, tick{1}).pending());
      sleep(2s);
      CHECK(notes.empty());
      CHECK(dead_letters() == before);
    });
  }

  TEST_CASE("T09: a negative delay is refused") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      CHECK_THROWS_AS(a.send_after(-1ns, tick{}), std::invalid_argument);
      CHECK_THROWS_AS(a.send_after(std::chrono::nanoseconds::max(), tick{}),
                      std::invalid_argument);
      CHECK_THROWS_AS(a.send_every(0s, tick{}), std::invalid_argument);
      CHECK_THROWS_AS(a.send_every(-1s, tick{}), std::invalid_argument);
      a.kill();
    });
  }

  TEST_CASE("a message sent every second comes every second") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      const delayed_send ticks = a.send_every(1s, tick{7});
      sleep(3500ms);
      CHECK(notes == std::vector<entry>{{1s, 7}, {2s, 7}, {3s, 7}});
      CHECK(ticks.pending());
      CHECK(ticks.cancel() == 500ms);
      sleep(10s);
      CHECK(notes.size() == 3);
      a.kill();
    });
  }

  TEST_CASE("a period does not drift, and nothing is skipped") {
    test::in_hub_on(clock_kind::real, [] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      const auto begin = now();
      const delayed_send ticks = a.send_every(1ms, tick{});
      while (now() < begin + 10ms) { // keeps the hub
      }
      sleep(1us);
      yield();
      const auto due = static_cast<std::size_t>((now() - begin) / 1ms);
      CHECK(notes.size() >= 10);
      CHECK(notes.size() <= due);
      ticks.cancel();
      a.kill();
    });
  }

  TEST_CASE("cancel takes every tick that waits out of the inbox") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      a.send(busy{10s});
      const delayed_send ticks = a.send_every(1s, tick{1});
      const delayed_send others = a.send_every(4s, tick{2});
      sleep(8500ms);
      CHECK(ticks.cancel() == 0ns);
      sleep(2s);
      CHECK(others.cancel() == 1500ms);
      sleep(20s);
      CHECK(notes == std::vector<entry>{{10s, 2}, {10s, 2}});
      a.kill();
    });
  }

  TEST_CASE("a message that is being received can cancel its timer") {
    in_hub([] {
      std::vector<entry> notes;
      delayed_send ticks;
      auto a = spawn_actor<tick>([&](inbox<tick>& in) {
        in.get();
        CHECK(ticks.cancel() == 1s);
        std::error_code failed;
        CHECK_FALSE(in.get(5s, failed));
      });
      ticks = a.send_every(1s, tick{});
      CHECK(a.join(20s));
    });
  }

  TEST_CASE("a timer without an end lets the hub end with its actor") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      a.send_every(1h, tick{});
      a.send_after(2h, tick{});
      sleep(1s);
      a.kill();
      CHECK(test::time_of([] { hub::current().join(); }) == 0s);
    });
  }

  TEST_CASE("timers that the hub's end finds go with it") {
    in_hub(
        [] {
          std::vector<entry> notes;
          const auto a = spawn<listener>(notes);
          a.send_every(1h, tick{});
          yield();
        },
        test::leftovers::allowed);
  }

  TEST_CASE("a request that nobody asked by ask may come later") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      a.send_after(1s, total{});
      sleep(2s);
      CHECK(notes == std::vector<entry>{{1s, 2}});
      a.kill();
    });
  }

  TEST_CASE("a full inbox takes a delayed message by its policy") {
    in_hub([] {
      for (const auto policy : {when_full::wait, when_full::drop_oldest,
                                when_full::drop_newest, when_full::refuse}) {
        std::vector<int> notes;
        const auto a = spawn<small_inbox>(notes, policy);
        a.send(busy{2s});
        yield();
        a.send(tick{1});
        const auto before = dead_letters();
        const auto late = a.send_after(1s, tick{2});
        sleep(3s);
        using numbers = std::vector<int>;
        CHECK_FALSE(late.pending());
        if (policy == when_full::wait) CHECK(notes == numbers{1, 2});
        if (policy == when_full::drop_oldest) CHECK(notes == numbers{2});
        if (policy == when_full::drop_newest) CHECK(notes == numbers{1});
        if (policy == when_full::refuse) CHECK(notes == numbers{1});
        CHECK(dead_letters() - before == (policy == when_full::refuse));
        a.kill();
      }
    });
  }

  TEST_CASE("taking a delayed message back makes room in a full inbox") {
    in_hub([] {
      std::vector<int> notes;
      const auto a = spawn<small_inbox>(notes, when_full::wait);
      a.send(busy{10s});
      yield();
      const auto late = a.send_after(1s, tick{1});
      auto sender = spawn([&] {
        sleep(2s);
        CHECK(test::time_of([&] { a.send(tick{2}); }) == 1s);
      });
      sleep(3s);
      CHECK(late.cancel() == 0ns);
      sender.join();
      sleep(10s);
      CHECK(notes == std::vector<int>{2});
      a.kill();
    });
  }

  TEST_CASE("a message that throws when it is copied ends its timer") {
    test::captured_log log;
    in_hub([] {
      const auto a = spawn<fragile_listener>();
      const auto ticks = a.send_every(1s, fragile{});
      const auto& target = static_cast<fragile_listener&>(*a.target());
      sleep(10s);
      CHECK(target.got == 2);
      CHECK_FALSE(ticks.pending());
      a.kill();
    });
    CHECK(log.has("no more copies"));
  }

  TEST_CASE("delayed messages are for actors of this hub") {
    in_hub([] {
      std::vector<entry> notes;
      const auto a = spawn<listener>(notes);
      test::beside other([a] {
        CHECK(error_of([&] { a.send_after(1s, tick{}); }).find("wrong_hub") !=
              std::string::npos);
      });
      other.join();
      a.kill();
    });
  }
}
