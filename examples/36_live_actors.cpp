// Teaches: an actor that is a state machine, with a limit on how long a state
//          may last and on how long it may hear nothing; and what can be done
//          with an actor that runs: look at it, follow its messages, hold its
//          mail back, read and mend its state.
// Run:     GREENROOM_CLOCK=virtual build/dev/bin/36_live_actors
// Prints:  expected/36_live_actors.txt

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/inspect.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

const steady_time begin = now();

void say(const std::string& text) {
  std::printf("%3lld s  %s\n", static_cast<long long>((now() - begin) / 1s),
              text.c_str());
}

struct badge { // shown at the door
  std::string name;
};
struct push {};
struct relock {};

/// Locked until a badge is shown; then open for one push, or five seconds.
class turnstile : public actor<badge, push, relock, receive_timeout> {
public:
  turnstile() { set_receive_timeout(60s); }

  int passed() const { return passed_; }
  void set_passed(int count) { passed_ = count; }

private:
  void receive(badge shown) override {
    say(shown.name + " may pass");
    become([this](push) { pass(); });
    set_state_timeout(5s, relock{}); // not if somebody passes first
  }
  void receive(push) override { say("it is locked"); }
  void receive(relock) override {
    say("nobody has passed");
    lock();
  }
  void receive(receive_timeout) override {
    say("a minute without anybody, " + std::to_string(passed_) +
        " have passed");
  }

  void pass() {
    ++passed_;
    say("somebody passes");
    lock();
  }
  void lock() { become(nullptr); } // this actor itself again

  int passed_ = 0;
};

int main() {
  const auto gate = spawn<turnstile>();
  gate.target()->name("gate");
  gate.send(push{});
  gate.send(badge{"ann"});
  sleep(1s);
  gate.send(push{});
  sleep(1s);
  gate.send(badge{"ben"}); // and walks away
  sleep(80s);

  trace(gate,
        [](const traced_message& taken) { say("takes a " + taken.message); });
  suspend(gate);
  gate.send(badge{"cid"});
  gate.send(push{});
  sleep(1s);
  const auto info = inspect(gate);
  say(info->name + ": " + std::to_string(info->handled) + " handled, " +
      std::to_string(info->inbox) + " waiting" +
      (info->suspended ? ", suspended" : ""));
  with_state(gate, [](turnstile& self) { self.set_passed(100); });
  resume(gate);
  idle();
  const int passed =
      with_state(gate, [](turnstile& self) { return self.passed(); });
  say(std::to_string(passed) + " have passed");
  gate.stop();
  gate.join();
}
