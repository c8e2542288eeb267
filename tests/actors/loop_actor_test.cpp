#include "hub/support.hpp"

#include <greenroom/actors/loop_actor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <variant>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

struct note {
  std::string text;
};
struct quit {};
struct length {
  using reply = std::size_t;
};

/// Writes down the notes that it takes, until it is told to quit.
class writer : public loop_actor<note, quit, request<length>> {
public:
  explicit writer(std::string& trace) : trace_(trace) {}

private:
  void on_start() override { trace_ += "start "; }
  void on_stop(const exit_reason& why) override {
    trace_ += "stop(" + to_string(why) + ") ";
  }
  void run() override {
    for (;;) {
      auto next = inbox().get();
      if (std::holds_alternative<quit>(next)) return;
      if (auto* one = std::get_if<note>(&next)) trace_ += one->text + " ";
      if (auto* asked = std::get_if<request<length>>(&next))
        asked->reply(trace_.size());
    }
  }

  std::string& trace_;
};

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("an actor with its own loop takes its mail itself") {
    in_hub([] {
      std::string trace;
      const auto w = spawn<writer>(trace);
      w.send(note{"one"});
      w.send(note{"two"});
      CHECK(w.ask(length{}).get() == 14);
      w.send(quit{});
      w.join();
      CHECK(trace == "start one two stop(normal) ");
    });
  }

  TEST_CASE("stop lets a loop take what is there, and ends it normally") {
    in_hub([] {
      std::string trace;
      const auto w = spawn<writer>(trace);
      const any_greenlet self{*w.target()};
      w.send(note{"one"});
      w.stop({exit_kind::shutdown, "enough"});
      w.send(note{"late"});
      w.join();
      CHECK(trace == "start one stop(shutdown: enough) ");
      CHECK_FALSE(self.exception());
      CHECK_FALSE(self.killed());
    });
  }

  TEST_CASE("a loop that waits for mail may be killed") {
    in_hub([] {
      std::string trace;
      const auto w = spawn<writer>(trace);
      yield();
      const auto answer = w.ask(length{});
      w.kill();
      CHECK(trace == "start stop(killed) ");
      const std::string dead = "std::system_error: the actor is not alive";
      CHECK(error_of([&] { answer.get(); }) == dead);
      CHECK(error_of([&] { w.ask(length{}).get(); }) == dead);
    });
  }

  TEST_CASE("what a loop throws fails its actor, and those that ask it") {
    in_hub([] {
      const auto w = spawn_actor<quit, request<length>>(
          [](inbox<quit, request<length>>& in) {
            (void)in.get<request<length>>();
            throw std::runtime_error("no luck");
          });
      const any_greenlet self{*w.target()};
      const auto first = w.ask(length{});
      const auto second = w.ask(length{});
      w.join();
      CHECK(describe(self.exception()) == "std::runtime_error: no luck");
      CHECK_THROWS_AS(first.get(), std::system_error);
      CHECK_THROWS_AS(second.get(), std::system_error);
    });
  }

  TEST_CASE("an actor may be a function of its inbox") {
    in_hub([] {
      std::string trace;
      const auto log = spawn_actor<note, quit>([&trace](inbox<note, quit>& in) {
        for (auto next = in.get(); std::holds_alternative<note>(next);
             next = in.get())
          trace += std::get<note>(next).text + " ";
        trace += "end";
      });
      log.send(note{"a"});
      log.send(note{"b"});
      log.send(quit{});
      log.send(note{"c"});
      log.join();
      CHECK(trace == "a b end");
    });
  }

  TEST_CASE("a function that is an actor may want its reference") {
    in_hub([] {
      using me = actor_ref<loop_actor<note>>;
      std::string heard;
      const auto echo = spawn_actor<note>([&](inbox<note>& in, me self) {
        self.send(note{"to myself"});
        heard = in.get().index() == 0 ? "one" : "none";
      });
      echo.join();
      CHECK(heard == "one");
    });
  }

  TEST_CASE("what a function captured ends inside its actor") {
    in_hub([] {
      const auto token = std::make_shared<int>(1);
      const auto a =
          spawn_actor<note>([token](inbox<note>& in) { (void)in.get(); });
      a.send(note{});
      a.join();
      CHECK(token.use_count() == 1);
    });
  }

  TEST_CASE("a loop chooses among its mail, and gives up in time") {
    in_hub([] {
      std::string trace;
      const auto a = spawn_actor<note, quit>([&](inbox<note, quit>& in) {
        const note wanted = in.get_if<note>(
            [](const note& each) { return each.text.size() > 3; });
        trace += wanted.text + " ";
        (void)in.get<quit>();
        std::error_code failed;
        (void)in.get<quit>(1s, failed);
        trace += failed == errc::timed_out ? "none " : "? ";
        trace += in.get<note>().text;
      });
      a.send(note{"one"});
      a.send(note{"three"});
      a.send(quit{});
      a.join();
      CHECK(trace == "three none one");
    });
  }
}
