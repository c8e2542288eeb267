#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

namespace {

struct note {
  std::string text;
};
struct add {
  int number;
};
struct total {
  using reply = int;
};
struct fail {
  using reply = int;
};
struct wait_for {
  using reply = void;
  std::chrono::nanoseconds time;
};
struct call {
  std::function<void()> function;
};
struct call_and_reply {
  using reply = int;
  std::function<int()> function;
};

/// Does what it is told, and writes down what happens to it.
class worker
    : public actor<note, add, total, fail, wait_for, call, call_and_reply> {
public:
  explicit worker(std::string& trace) : trace_(trace) { trace_ += "made "; }
  ~worker() override { trace_ += "gone "; }

protected:
  void on_start() override { trace_ += "start "; }
  void on_stop(const exit_reason&) override { trace_ += "stop "; }

  void receive(note message) override { trace_ += message.text + " "; }
  void receive(add message) override { sum_ += message.number; }
  int receive(total) override { return sum_; }
  int receive(fail) override { throw std::runtime_error("no luck"); }
  void receive(wait_for message) override {
    sleep(message.time);
    trace_ += "waited ";
  }
  void receive(call message) override { message.function(); }
  int receive(call_and_reply message) override { return message.function(); }

private:
  std::string& trace_;
  int sum_ = 0;
};

class counter : public actor<add, total> {
  void receive(add message) override { sum_ += message.number; }
  int receive(total) override { return sum_; }
  int sum_ = 0;
};

const std::string dead_text = "std::system_error: the actor is not alive";

bool is_dead_error(const std::string& error) {
  return error.find("the actor is not alive") != std::string::npos;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// Memory is what the program asked for: no sanitizer and no Valgrind.
bool memory_is_exact() {
  const char* preloaded = std::getenv("LD_PRELOAD");
  return !sanitized && (!preloaded || std::string(preloaded).find(
                                          "vgpreload") == std::string::npos);
}

std::size_t allocated_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::size_t resident_bytes() {
  std::size_t all = 0;
  std::size_t resident = 0;
  std::ifstream{"/proc/self/statm"} >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

} // namespace

TEST_SUITE("actors") {
  // --- mail ---------------------------------------------------------------

  TEST_CASE("messages are handled one at a time, in order of sending") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      a.send(note{"1"});
      a.send(wait_for{1s});
      a.send(note{"2"});
      trace += "sent ";
      sleep(2s);
      CHECK(trace == "made sent start 1 waited 2 ");
      a.stop();
      a.join();
    });
  }

  TEST_CASE("send never switches to the receiver") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      yield();
      {
        const no_wait guard;
        a.send(note{"mail"});
      }
      trace += "sent ";
      yield();
      CHECK(trace == "made start sent mail ");
      a.kill();
    });
  }

  TEST_CASE("the mail of each sender keeps its order") {
    struct numbered {
      int sender;
      int number;
    };
    class checker : public actor<numbered> {
    public:
      explicit checker(std::vector<int>& last) : last_(last) {}

    private:
      void receive(numbered message) override {
        if (message.number % 7 == 0) yield();
        int& last = last_[static_cast<std::size_t>(message.sender)];
        CHECK(message.number == last + 1);
        last = message.number;
      }
      std::vector<int>& last_;
    };
    in_hub([] {
      std::vector<int> last(5, 0);
      const auto a = spawn<checker>(last);
      std::vector<any_greenlet> senders;
      for (int sender = 0; sender < 5; ++sender)
        senders.push_back(spawn([=] {
          for (int number = 1; number <= 100; ++number) {
            a.send(numbered{sender, number});
            if (number % (sender + 1) == 0) yield();
          }
        }));
      joinall(senders);
      a.stop();
      a.join();
      CHECK(last == std::vector<int>(5, 100));
    });
  }

  TEST_CASE("an actor may send to itself") {
    in_hub([] {
      std::string trace;
      actor_ref<worker> a;
      a = spawn<worker>(trace);
      a.send(call{[&] {
        a.send(note{"second"});
        trace += "first ";
      }});
      yield();
      yield();
      CHECK(trace == "made start first second ");
      a.kill();
    });
  }

  TEST_CASE("two actors play ping and pong in strict turns") {
    struct ball {
      int left;
    };
    class player : public actor<ball> {
    public:
      player(std::string& trace, std::string shout)
          : trace_(trace), shout_(std::move(shout)) {}
      void opponent(actor_ref<player> other) { other_ = other; }

    private:
      void receive(ball received) override {
        trace_ += shout_;
        if (received.left == 0)
          stop();
        else
          other_.send(ball{received.left - 1});
      }
      std::string& trace_;
      std::string shout_;
      actor_ref<player> other_;
    };
    in_hub([] {
      std::string trace;
      const auto ping = spawn<player>(trace, "ping ");
      const auto pong = spawn<player>(trace, "pong ");
      static_cast<player&>(*ping.target()).opponent(pong);
      static_cast<player&>(*pong.target()).opponent(ping);
      ping.send(ball{5});
      pong.join();
      CHECK(trace == "ping pong ping pong ping pong ");
      ping.kill();
    });
  }

  TEST_CASE("messages may be named with the words nearest at hand") {
    struct enter {};
    struct leave {};
    struct end {};
    struct open {};
    struct close {};
    struct cancelled {};
    class door : public actor<enter, leave, end, open, close, cancelled> {
    public:
      explicit door(std::string& trace) : trace_(trace) {}

    private:
      void receive(enter) override { trace_ += "enter "; }
      void receive(leave) override { trace_ += "leave "; }
      void receive(end) override { trace_ += "end "; }
      void receive(open) override { trace_ += "open "; }
      void receive(close) override { trace_ += "close "; }
      void receive(cancelled) override { trace_ += "cancelled "; }
      std::string& trace_;
    };
    in_hub([] {
      std::string trace;
      const auto front = spawn<door>(trace);
      front.send(enter{});
      front.send(leave{});
      front.send(end{});
      front.stop();
      front.join();
      CHECK(trace == "enter leave end ");
    });
  }

  TEST_CASE("messages that can only be moved are handled and answered") {
    struct box {
      using reply = std::unique_ptr<int>;
      std::unique_ptr<int> content;
    };
    class doubler : public actor<box> {
      std::unique_ptr<int> receive(box message) override {
        *message.content *= 2;
        return std::move(message.content);
      }
    };
    in_hub([] {
      const auto a = spawn<doubler>();
      a.send(box{std::make_unique<int>(1)});
      CHECK(*a.ask(box{std::make_unique<int>(4)}).take() == 8);
      a.kill();
    });
  }

  TEST_CASE("a reply nobody asked for is dropped") {
    in_hub([] {
      const auto a = spawn<counter>();
      a.send(total{});
      a.send(add{2});
      CHECK(a.ask(total{}).get() == 2);
      a.kill();
    });
  }

  TEST_CASE("a long queue of mail lets others have their turn") {
    in_hub([] {
      const auto a = spawn<counter>();
      for (int i = 0; i < 10'000; ++i)
        a.send(add{1});
      int turns = 0;
      const auto other = spawn([&] {
        while (++turns < 3)
          yield();
      });
      other.join();
      CHECK(a.ask(total{}).get() == 10'000);
      a.kill();
    });
  }

  TEST_CASE("the inbox counts what waits in it") {
    in_hub([] {
      const auto a = spawn<counter>();
      yield();
      const auto& inbox = static_cast<actor_base&>(*a.target());
      a.send(add{1});
      a.send(add{1});
      CHECK(inbox.inbox_size() == 2);
      yield();
      CHECK(inbox.inbox_size() == 0);
      a.kill();
    });
  }

  // --- receive may wait ---------------------------------------------------

  TEST_CASE("receive may sleep, read a queue and ask while mail waits") {
    in_hub([] {
      std::string trace;
      queue<int> numbers;
      const auto helper = spawn<counter>();
      helper.send(add{3});
      const auto a = spawn<worker>(trace);
      a.send(call{[&] {
        sleep(1s);
        trace += std::to_string(numbers.get()) + " ";
        trace += std::to_string(helper.ask(total{}).get()) + " ";
      }});
      a.send(note{"next"});
      spawn_later(2s, [&] { numbers.put(7); });
      sleep(3s);
      CHECK(trace == "made start 7 3 next ");
      a.kill();
      helper.kill();
    });
  }

  TEST_CASE("many actors wait inside receive at the same time") {
    in_hub([] {
      std::string trace;
      std::vector<actor_ref<worker>> all;
      std::vector<async_result<void>> answers;
      for (int i = 0; i < 100; ++i) {
        all.push_back(spawn<worker>(trace));
        answers.push_back(all.back().ask(wait_for{1s}));
      }
      CHECK(time_of([&] {
              for (const auto& each : answers)
                each.get();
            }) == 1s);
      for (const auto& each : all)
        each.kill();
    });
  }

  TEST_CASE("an actor may spawn actors and greenlets") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      const auto answer = a.ask(call_and_reply{[] {
        const auto child = spawn<counter>();
        spawn([=] { child.send(add{5}); });
        yield();
        const int result = child.ask(total{}).get();
        child.kill();
        return result;
      }});
      CHECK(answer.get() == 5);
      a.kill();
    });
  }

  TEST_CASE("the current greenlet is the actor while it handles mail") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      a.target()->name("clerk");
      a.send(call{[&] {
        CHECK(&current() == a.target());
        sleep(1s);
        CHECK(current().name() == "clerk");
      }});
      sleep(2s);
      CHECK(a.name() == "clerk");
      a.kill();
    });
  }

  // --- ask ----------------------------------------------------------------

  TEST_CASE("ask gets the reply, or word that the message was handled") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      a.send(add{1});
      a.send(add{2});
      CHECK(a.ask(total{}).get() == 3);
      CHECK(time_of([&] { a.ask(wait_for{2s}).get(); }) == 2s);
      a.ask(note{"noted"}).get();
      CHECK(trace.ends_with("noted "));
      a.kill();
    });
  }

  TEST_CASE("what receive throws goes to the asker and ends the actor") {
    test::captured_log log;
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      const any_greenlet self{*a.target()};
      const auto answer = a.ask(fail{});
      const auto second = a.ask(total{});
      CHECK(error_of([&] { answer.get(); }) == "std::runtime_error: no luck");
      yield();
      CHECK(a.dead());
      CHECK_FALSE(self.successful());
      CHECK(describe(self.exception()) == "std::runtime_error: no luck");
      CHECK(is_dead_error(error_of([&] { second.get(); })));
      CHECK(trace == "made start stop ");
    });
    CHECK(log.count("no luck") == 1);
  }

  TEST_CASE("a failed send ends the actor too") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      a.send(fail{});
      a.send(note{"never"});
      a.join();
      CHECK(trace == "made start stop gone ");
      CHECK(a.dead());
    });
  }

  TEST_CASE("asking a dead actor or nobody fails at once") {
    in_hub([] {
      const auto a = spawn<counter>();
      a.kill();
      for (const auto& nobody : {a, actor_ref<counter>{}}) {
        const no_wait guard;
        const auto answer = nobody.ask(total{});
        CHECK(answer.ready());
        CHECK(error_of([&] { answer.get(); }) == dead_text);
      }
    });
  }

  TEST_CASE("an asker hears that the actor was killed") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      std::optional<any_greenlet> handle;
      async_result<void> answer;
      SUBCASE("when its message was being handled") {
        answer = a.ask(wait_for{1h});
        yield();
        a.kill();
      }
      SUBCASE("when its message was still waiting") {
        a.send(wait_for{1h});
        answer = a.ask(note{"never"});
        yield();
        a.kill();
      }
      SUBCASE("when the actor had not begun") {
        answer = a.ask(note{"never"});
        a.kill();
      }
      SUBCASE("when the actor had not begun and somebody keeps a handle") {
        answer = a.ask(note{"never"});
        handle.emplace(*a.target());
        a.kill();
      }
      CHECK(answer.ready());
      CHECK(is_dead_error(error_of([&] { answer.get(); })));
      CHECK(a.dead());
      CHECK(trace.find("never") == std::string::npos);
    });
  }

  TEST_CASE("an asker hears that the actor stopped before its message") {
    in_hub([] {
      const auto a = spawn<counter>();
      a.stop();
      const auto answer = a.ask(total{});
      CHECK(is_dead_error(error_of([&] { answer.get(); })));
    });
  }

  TEST_CASE("a reply after the asker's deadline harms nobody") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      CHECK(time_of([&] {
              CHECK(error_of([&] {
                      a.ask(wait_for{5s}).get(1s);
                    }).find("timed out") != std::string::npos);
            }) == 1s);
      sleep(10s);
      CHECK(trace == "made start waited ");
      CHECK(a.ask(total{}).get(1s) == 0);
      a.kill();
    });
  }

  TEST_CASE("an asker killed or out of time leaves the actor alone") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      const auto asker = spawn([&] { a.ask(wait_for{2s}).get(); });
      yield();
      asker.kill();
      CHECK(asker.killed());
      CHECK_FALSE(timeout{1s}.run([&] { a.ask(wait_for{2s}).get(); }));
      sleep(5s);
      CHECK(trace == "made start waited waited ");
      a.kill();
    });
  }

  TEST_CASE("several asks are answered in order") {
    in_hub([] {
      const auto a = spawn<counter>();
      std::vector<async_result<int>> answers;
      for (int i = 0; i < 5; ++i) {
        answers.push_back(a.ask(total{}));
        a.send(add{1});
      }
      for (int i = 0; i < 5; ++i)
        CHECK(answers[static_cast<std::size_t>(i)].get() == i);
      a.kill();
    });
  }

  TEST_CASE("an actor may catch a kill in receive and go on") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      a.send(call{[&] {
        try {
          sleep(1h);
        } catch (const greenlet_exit&) {
          trace += "caught ";
        }
      }});
      yield();
      CHECK_FALSE(a.kill(1s));
      CHECK(a.alive());
      CHECK(a.ask(total{}).get() == 0);
      CHECK(trace == "made start caught ");
      a.kill();
      CHECK(trace == "made start caught stop gone ");
    });
  }

  TEST_CASE("a timeout inside receive fails the actor like any exception") {
    test::captured_log log;
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      const auto answer = a.ask(call_and_reply{[] {
        timeout_scope limit{1s};
        sleep(1h);
        return 1;
      }});
      CHECK_THROWS_AS(answer.get(), timeout_expired);
      CHECK(a.join(1s));
    });
  }

  // --- life ---------------------------------------------------------------

  TEST_CASE("on_start comes first and may wait while mail collects") {
    class slow_starter : public actor<note> {
    public:
      explicit slow_starter(std::string& trace) : trace_(trace) {}

    private:
      void on_start() override {
        sleep(1s);
        trace_ += "started ";
      }
      void receive(note message) override { trace_ += message.text; }
      std::string& trace_;
    };
    in_hub([] {
      std::string trace;
      const auto a = spawn<slow_starter>(trace);
      a.send(note{"a"});
      yield();
      a.send(note{"b"});
      a.stop();
      a.join();
      CHECK(trace == "started ab");
    });
  }

  TEST_CASE("stop lets the mail sent before it be handled") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      const any_greenlet self{*a.target()};
      a.send(note{"1"});
      a.stop();
      a.send(note{"2"});
      a.stop();
      a.join();
      CHECK(trace == "made start 1 stop ");
      CHECK(self.successful());
      CHECK_FALSE(self.killed());
      a.stop();
    });
  }

  TEST_CASE("on_stop is called once, however the actor ends") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      yield();
      SUBCASE("when it is stopped") {
        a.stop();
      }
      SUBCASE("when it is killed while idle") {
        a.kill_soon();
      }
      SUBCASE("when it is killed with mail waiting") {
        a.send(note{"never"});
        a.kill_soon();
      }
      SUBCASE("when it is killed inside receive") {
        a.send(wait_for{1h});
        yield();
        a.kill_soon();
        a.kill_soon();
      }
      SUBCASE("when it kills itself") {
        a.send(call{[&] { a.kill(); }});
      }
      SUBCASE("when receive throws") {
        a.send(fail{});
      }
      SUBCASE("when it is killed with a reason") {
        a.target()->kill(std::runtime_error("enough"));
      }
      a.join();
      CHECK(trace == "made start stop gone ");
      CHECK(a.dead());
    });
  }

  TEST_CASE("a killed actor may still wait in on_stop") {
    class careful : public actor<note> {
    public:
      explicit careful(std::string& trace) : trace_(trace) {}

    private:
      void receive(note) override { sleep(1h); }
      void on_stop(const exit_reason&) override {
        sleep(1s);
        trace_ += "stopped ";
      }
      std::string& trace_;
    };
    in_hub([] {
      std::string trace;
      const auto a = spawn<careful>(trace);
      a.send(note{});
      yield();
      CHECK(time_of([&] { a.kill(); }) == 1s);
      CHECK(trace == "stopped ");
    });
  }

  TEST_CASE("mail that comes during on_stop is dead, and its asker is told") {
    class late : public actor<total> {
      int receive(total) override { return 1; }
      void on_stop(const exit_reason&) override { sleep(1s); }
    };
    in_hub([] {
      const std::size_t before = dead_letters();
      const auto a = spawn<late>();
      a.stop();
      yield();
      const auto answer = a.ask(total{});
      CHECK(is_dead_error(error_of([&] { answer.get(); })));
      CHECK(dead_letters() == before + 1);
      a.join();
    });
  }

  TEST_CASE("an exception out of on_stop is logged and hides no earlier one") {
    class clumsy : public actor<note> {
      void receive(note) override { throw std::runtime_error("first"); }
      void on_stop(const exit_reason&) override {
        throw std::runtime_error("second");
      }
    };
    test::captured_log log;
    in_hub([] {
      const auto a = spawn<clumsy>();
      const any_greenlet self{*a.target()};
      SUBCASE("after a failure") {
        a.send(note{});
        a.join();
        CHECK(describe(self.exception()) == "std::runtime_error: first");
      }
      SUBCASE("after stop") {
        a.stop();
        a.join();
        CHECK(describe(self.exception()) == "std::runtime_error: second");
      }
    });
    CHECK(log.count("second") == 1);
  }

  TEST_CASE("an actor killed before it began never runs") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      const std::size_t before = dead_letters();
      a.send(note{"never"});
      a.kill();
      CHECK(a.dead());
      CHECK(dead_letters() == before + 1);
      a.send(note{"never"});
      CHECK(dead_letters() == before + 2);
      yield();
      CHECK(trace == "made gone ");
    });
  }

  TEST_CASE("an exception out of on_start ends the actor before any mail") {
    class stillborn : public actor<total> {
    public:
      explicit stillborn(std::string& trace) : trace_(trace) {}

    private:
      void on_start() override { throw std::runtime_error("no start"); }
      void on_stop(const exit_reason&) override { trace_ += "stop "; }
      int receive(total) override { return 1; }
      std::string& trace_;
    };
    in_hub([] {
      std::string trace;
      const auto a = spawn<stillborn>(trace);
      const any_greenlet self{*a.target()};
      const auto answer = a.ask(total{});
      CHECK(is_dead_error(error_of([&] { answer.get(); })));
      CHECK(describe(self.exception()) == "std::runtime_error: no start");
      CHECK(trace == "stop ");
    });
  }

  TEST_CASE("a constructor that throws makes no actor") {
    struct made_of {
      std::shared_ptr<int> part;
    };
    class unborn : public actor<made_of, note> {
    public:
      explicit unborn(const std::shared_ptr<int>& part) {
        self().send(made_of{part});
        throw std::runtime_error("unborn");
      }

    private:
      void receive(made_of) override {}
      void receive(note) override {}
    };
    in_hub([] {
      const auto part = std::make_shared<int>();
      const auto alive = hub::current().greenlets();
      CHECK_THROWS_WITH_AS(spawn<unborn>(part), "unborn", std::runtime_error);
      CHECK(part.use_count() == 1);
      CHECK(hub::current().greenlets() == alive);
    });
  }

  TEST_CASE("an actor's object is destroyed at its end, not with references") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      yield();
      a.kill();
      idle();
      CHECK(trace == "made start stop gone ");
      CHECK(a.dead());
      CHECK(a.name() == "a dead actor");
      CHECK(a.kill());
      CHECK(a.join());
      a.stop();
    });
  }

  TEST_CASE("kill overtakes the mail that waits") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      yield();
      for (int i = 0; i < 3; ++i)
        a.send(note{"never"});
      a.kill();
      CHECK(trace == "made start stop gone ");
    });
  }

  TEST_CASE("join and kill of an actor that does not end give up in time") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      CHECK(time_of([&] { CHECK_FALSE(a.join(1s)); }) == 1s);
      a.send(call{[] {
        const shield guard;
        sleep(3s);
      }});
      yield();
      CHECK(time_of([&] { CHECK_FALSE(a.kill(1s)); }) == 1s);
      CHECK(time_of([&] { CHECK(a.join()); }) == 2s);
    });
  }

  TEST_CASE("links of an actor are called when it has ended") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<worker>(trace);
      a.target()->link([&](greenlet_base& ended) {
        CHECK(ended.dead());
        CHECK(a.dead());
        trace += "linked ";
      });
      a.stop();
      a.join();
      idle();
      CHECK(trace == "made start stop linked gone ");
    });
  }

  TEST_CASE("shutdown ends busy and idle actors") {
    in_hub([] {
      std::string trace;
      const auto idle_one = spawn<worker>(trace);
      const auto busy_one = spawn<worker>(trace);
      busy_one.send(wait_for{1h});
      yield();
      const auto fresh_one = spawn<worker>(trace);
      CHECK(greenroom::shutdown());
      CHECK(idle_one.dead());
      CHECK(busy_one.dead());
      CHECK(fresh_one.dead());
      CHECK(hub::current().greenlets() == 1);
    });
  }

  TEST_CASE("idle actors keep nobody from seeing a deadlock") {
    in_hub([] {
      const auto a = spawn<counter>();
      yield();
      CHECK_THROWS_AS(a.join(), loop_exit);
      a.kill();
    });
  }

  // --- cost ---------------------------------------------------------------

  // As a hibernated process in Erlang; OTP.md 1.4, G21.
  TEST_CASE("an idle actor costs at most 200 bytes and no stack") {
    constexpr std::size_t count = 100'000;
    in_hub([] {
      std::vector<actor_ref<counter>> all;
      all.reserve(count);
      const auto warm = spawn<counter>();
      CHECK(warm.ask(total{}).get() == 0);
      const std::size_t allocated = allocated_bytes();
      const std::size_t resident = resident_bytes();
      for (std::size_t i = 0; i < count; ++i)
        all.push_back(spawn<counter>());
      idle();
      if (memory_is_exact())
        CHECK((allocated_bytes() - allocated) / count <= 200);
      for (const auto& each : all)
        each.send(add{1});
      idle();
      CHECK(all.back().ask(total{}).get() == 1);
      // With the envelopes, whose memory is kept.
      if (memory_is_exact())
        CHECK((resident_bytes() - resident) / count <= 400);
      for (const auto& each : all)
        each.kill_soon();
      warm.kill();
      idle();
    });
  }

  TEST_CASE("mail whose destruction waits is dropped in peace") {
    struct guest {
      guest() = default;
      guest(guest&&) = default;
      ~guest() {
        if (worker) worker.kill();
      }
      greenlet<void> worker = spawn([] { sleep(1h); });
    };
    struct host : actor<guest> {
      explicit host(std::string& to) : trace(to) {}
      void on_start() override { trace += "began "; }
      void on_stop(const exit_reason&) override { trace += "stopped "; }
      void receive(guest) override { sleep(1h); }
      std::string& trace;
    };
    in_hub([] {
      std::string trace;
      const auto early = spawn<host>(trace);
      early.send(guest{});
      CHECK(early.kill());
      yield();
      CHECK(trace == "");
      const auto late = spawn<host>(trace);
      late.send(guest{});
      late.send(guest{});
      sleep(1s);
      const any_greenlet held{*late.target()};
      held->kill_brutally();
      // The one that is being handled is gone by the stack's own unwinding.
      CHECK(held.join(1s));
      CHECK(trace == "began stopped ");
    });
  }

  TEST_CASE("an actor that its constructor killed is destroyed") {
    struct stillborn : actor<note> {
      explicit stillborn(std::shared_ptr<int> kept) : held(std::move(kept)) {
        kill_soon();
      }
      void receive(note) override {}
      std::shared_ptr<int> held;
    };
    in_hub([] {
      const auto counted = std::make_shared<int>();
      CHECK(spawn<stillborn>(counted).dead());
      idle();
      CHECK(counted.use_count() == 1);
    });
  }
}
