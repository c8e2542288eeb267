#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/inspect.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>

#include <functional>
#include <stdexcept>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

struct knock {};
struct work {
  std::chrono::nanoseconds length{};
};
struct limit {
  std::chrono::nanoseconds length{};
};
struct change {};
struct expired {
  int number = 0;
};
struct expect {
  std::chrono::nanoseconds within{};
  int number = 0;
};

/// Notes when it was idle for too long, in seconds since its start.
class sleeper : public actor<knock, work, limit, receive_timeout> {
public:
  sleeper(std::string& seen, std::chrono::nanoseconds first)
      : seen_(seen), begin_(now()) {
    set_receive_timeout(first);
  }

private:
  void receive(knock) override {}
  void receive(work message) override { sleep(message.length); }
  void receive(limit message) override { set_receive_timeout(message.length); }
  void receive(receive_timeout) override {
    seen_ += std::to_string((now() - begin_) / 1s) + " ";
  }

  std::string& seen_;
  steady_time begin_;
};

class door : public actor<knock, change, expect, expired> {
public:
  explicit door(std::string& seen) : seen_(seen) {}

private:
  void receive(knock) override { seen_ += "knock "; }
  void receive(change) override {
    become([this](knock) { seen_ += "open "; });
  }
  void receive(expect message) override {
    set_state_timeout(message.within, expired{message.number});
  }
  void receive(expired message) override {
    seen_ += "expired" + std::to_string(message.number) + " ";
  }
  std::string& seen_;
};

} // namespace

TEST_SUITE("an actor's own time limits") {
  // --- receive timeouts -----------------------------------------------------

  TEST_CASE("G12: an idle actor gets receive_timeout, and any message puts it "
            "off") {
    std::string seen;
    in_hub([&] {
      const auto a = spawn<sleeper>(seen, 10s);
      sleep(9s);
      a.send(knock{});
      sleep(9s);
      CHECK(seen.empty());
      sleep(2s);
      CHECK(seen == "19 ");
      a.kill();
    });
  }

  TEST_CASE("it comes again each time the actor has been idle for so long") {
    std::string seen;
    in_hub([&] {
      const auto a = spawn<sleeper>(seen, 10s);
      sleep(35s);
      CHECK(seen == "10 20 30 ");
      a.kill();
    });
  }

  TEST_CASE("the time that a message takes does not count") {
    std::string seen;
    in_hub([&] {
      const auto a = spawn<sleeper>(seen, 10s);
      a.send(work{25s});
      sleep(34s);
      CHECK(seen.empty());
      sleep(2s);
      CHECK(seen == "35 ");
      a.kill();
    });
  }

  TEST_CASE("it can be set anew, shorter or longer, and ended") {
    std::string seen;
    in_hub([&] {
      const auto a = spawn<sleeper>(seen, 100s);
      sleep(10s);
      a.send(limit{5s});
      sleep(6s);
      CHECK(seen == "15 ");
      a.send(limit{50s});
      sleep(40s);
      CHECK(seen == "15 ");
      sleep(20s);
      CHECK(seen == "15 66 ");
      a.send(limit{0s});
      sleep(1h);
      CHECK(seen == "15 66 ");
      a.kill();
    });
  }

  TEST_CASE("a message of the same moment comes first") {
    std::string seen;
    in_hub([&] {
      const auto a = spawn<sleeper>(seen, 10s);
      a.send_after(10s, knock{});
      sleep(15s);
      CHECK(seen.empty());
      a.kill();
    });
  }

  TEST_CASE("the timer ends with the actor") {
    std::string seen;
    in_hub([&] {
      const auto a = spawn<sleeper>(seen, 10s);
      yield();
      a.stop();
      a.join();
      const auto b = spawn<sleeper>(seen, 10s);
      yield();
      b.kill();
      sleep(1h);
      CHECK(seen.empty());
    });
  }

  TEST_CASE("a suspended actor is told once, when it is resumed") {
    std::string seen;
    in_hub([&] {
      const auto a = spawn<sleeper>(seen, 10s);
      yield();
      suspend(a);
      sleep(55s);
      CHECK(inspect(a)->inbox == 1);
      resume(a);
      sleep(5s);
      CHECK(seen == "55 ");
      a.kill();
    });
  }

  TEST_CASE("a limit longer than the clock counts is none") {
    std::string seen;
    in_hub([&] {
      const auto a = spawn<sleeper>(seen, std::chrono::nanoseconds::max());
      sleep(1h);
      CHECK(seen.empty());
      a.kill();
    });
  }

  TEST_CASE("a negative limit is refused") {
    std::string seen;
    in_hub([&] {
      CHECK_THROWS_AS(spawn<sleeper>(seen, -1s), std::invalid_argument);
    });
  }

  // --- state timeouts -------------------------------------------------------

  TEST_CASE("a state that lasts too long gets its message") {
    std::string seen;
    in_hub([&] {
      const auto a = spawn<door>(seen);
      a.send(expect{5s, 1});
      sleep(4s);
      a.send(knock{}); // puts nothing off
      sleep(2s);
      CHECK(seen == "knock expired1 ");
      a.kill();
    });
  }

  TEST_CASE("one that has become something else does not get it") {
    std::string seen;
    in_hub([&] {
      const auto a = spawn<door>(seen);
      a.send(expect{5s, 1});
      sleep(4s);
      a.send(change{});
      sleep(10s);
      a.send(knock{});
      idle();
      CHECK(seen == "open ");
      a.kill();
    });
  }

  TEST_CASE("not even when it waits in the inbox already") {
    std::string seen;
    in_hub([&] {
      const auto a = spawn<door>(seen);
      a.send(expect{5s, 1});
      yield();
      suspend(a);
      a.send(change{});
      sleep(10s);
      CHECK(inspect(a)->inbox == 2);
      resume(a);
      idle();
      CHECK(seen.empty());
      a.kill();
    });
  }

  TEST_CASE("a state timeout is not for the one that is made anew") {
    std::string seen;
    in_hub([&] {
      supervisor tree{one_for_one};
      const auto a = tree.add<door>("a", permanent, std::ref(seen));
      tree.start();
      a.send(expect{5s, 1});
      SUBCASE("when it has not passed") {
        yield();
      }
      SUBCASE("when it waits in the inbox") {
        yield();
        suspend(a);
        sleep(6s);
        CHECK(inspect(a)->inbox == 1);
      }
      a.exit(exit_kind::shutdown);
      sleep(10s);
      CHECK(seen.empty());
      a.send(knock{});
      tree.stop();
    });
  }

  TEST_CASE("a second one takes the place of the first") {
    std::string seen;
    in_hub([&] {
      const auto a = spawn<door>(seen);
      a.send(expect{5s, 1});
      a.send(expect{20s, 2});
      sleep(10s);
      CHECK(seen.empty());
      sleep(15s);
      CHECK(seen == "expired2 ");
      a.kill();
    });
  }
}
