#include "hub/beside.hpp"
#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/address.hpp>
#include <greenroom/actors/loop_actor.hpp>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

struct note {
  std::string text;
};
struct parcel {
  std::unique_ptr<int> content;
};
struct count {
  using reply = int;
};

class clerk : public actor<note, count, parcel> {
  void receive(note) override { ++notes_; }
  void receive(parcel got) override { notes_ += *got.content; }
  int receive(count) override { return notes_; }
  int notes_ = 0;
};

class slow_clerk : public actor<request<count>, note> {
  void receive(request<count> asked) override {
    spawn([kept = std::move(asked), n = notes_]() mutable {
      sleep(1s);
      kept.reply(n);
    });
  }
  void receive(note) override { ++notes_; }
  int notes_ = 100;
};

class echo : public actor<note> {
public:
  explicit echo(address<note> to) : to_(to) {}

private:
  void receive(note message) override { to_.send(std::move(message)); }
  address<note> to_;
};

using any_clerk = address<note, count>;
static_assert(std::is_trivially_copyable_v<any_clerk>);
static_assert(sizeof(address<note>) <= 24);
static_assert(std::is_convertible_v<actor_ref<clerk>, any_clerk>);

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("an address sends to any actor that accepts its messages") {
    in_hub([] {
      const auto a = spawn<clerk>();
      const auto b = spawn<slow_clerk>();
      for (const any_clerk each : {any_clerk{a}, any_clerk{b}}) {
        each.send(note{"one"});
        each.send(note{"two"}, 1s);
        CHECK(each.try_send(note{"three"}));
      }
      CHECK(any_clerk{a}.ask(count{}).get() == 3);
      CHECK(any_clerk{b}.ask(count{}).get() == 103);
      a.kill();
      b.kill();
    });
  }

  TEST_CASE("a message that cannot be copied is moved through an address") {
    in_hub([] {
      const auto a = spawn<clerk>();
      const address<parcel, count> to = a;
      to.send(parcel{std::make_unique<int>(7)});
      CHECK(to.ask(count{}).get() == 7);
      a.kill();
    });
  }

  TEST_CASE("a wider address converts to a narrower one") {
    in_hub([] {
      const auto a = spawn<clerk>();
      const address<count, parcel, note> wide = a;
      const any_clerk narrow = wide;
      const address<note> narrowest = narrow;
      narrowest.send(note{});
      CHECK(narrow.ask(count{}).get() == 1);
      CHECK(narrowest.key() == a.key());
      a.kill();
    });
  }

  TEST_CASE("a reference converts to an address in a call and a message") {
    in_hub([] {
      const auto a = spawn<clerk>();
      const auto e = spawn<echo>(a);
      const auto e2 = spawn<echo>(e);
      e2.send(note{"hello"});
      idle();
      CHECK(a.ask(count{}).get() == 1);
      a.kill();
      e.kill();
      e2.kill();
    });
  }

  TEST_CASE("addresses are equal when they mean the same actor") {
    in_hub([] {
      const auto a = spawn<clerk>();
      const auto b = spawn<slow_clerk>();
      const any_clerk one = a;
      const any_clerk same = a;
      const any_clerk other = b;
      CHECK(one == same);
      CHECK(one == a);
      CHECK(one != other);
      CHECK(((one < other) != (other < one)));
      CHECK(any_clerk{} == any_clerk{});
      CHECK(std::set<any_clerk>{one, same, other}.size() == 2);
      CHECK(std::unordered_set<any_clerk>{one, same, other}.size() == 2);
      b.kill();
      CHECK(one != other);
      a.kill();
    });
  }

  TEST_CASE("an address tells its actor's name while that lives") {
    in_hub([] {
      const auto a = spawn<clerk>();
      a.target()->name("the clerk");
      const any_clerk one = a;
      CHECK(one.name() == "the clerk");
      CHECK(one.alive());
      a.kill();
      CHECK(one.name() == "a dead actor");
      CHECK(one.dead());
    });
  }

  TEST_CASE("a default address means nobody") {
    in_hub([] {
      const any_clerk nobody;
      const auto before = dead_letters();
      nobody.send(note{});
      CHECK(dead_letters() == before + 1);
      CHECK(nobody.ask(count{}).exception());
      CHECK(error_of([&] {
              nobody.ask(count{}).get();
            }).find("the actor is not alive") != std::string::npos);
      CHECK(nobody.dead());
    });
  }

  TEST_CASE("an actor with its own loop answers an address or says no_reply") {
    in_hub([] {
      const auto teller = spawn_actor<request<count>, note>(
          [](inbox<request<count>, note>& mail) {
            mail.get<request<count>>().reply(5);
            mail.get<note>();
          });
      const any_clerk to = teller;
      CHECK(to.ask(count{}).get() == 5);
      const auto unanswered = to.ask(note{});
      CHECK(error_of([&] {
              unanswered.get();
            }).find("dropped without a reply") != std::string::npos);
      CHECK(teller.join(1s)); // it got the note
    });
  }

  TEST_CASE("an address reaches an actor of another thread's hub") {
    in_hub([] {
      const auto a = spawn<clerk>();
      test::beside other([to = any_clerk{a}] {
        to.send(note{});
        CHECK(to.ask(count{}).get() == 1);
      });
      other.join();
      a.kill();
    });
  }
}
