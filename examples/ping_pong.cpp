// Teaches: two actors that know each other only by reference. A message is a
//          type, and `receive` is chosen by it; whom an actor does not know, it
//          answers by the reference in the message.
// Run:     build/dev/bin/ping_pong
// Prints:  expected/ping_pong.txt

#include <greenroom/actors/actor.hpp>

#include <cstdio>

using namespace greenroom;

struct begin {};
struct pong {};
struct ping {
  actor_ref<actor<begin, pong>> from;
};

class ponger : public actor<ping> {
  void receive(ping message) override {
    std::puts("ping");
    message.from.send(pong{});
  }
};

class pinger : public actor<begin, pong> {
public:
  pinger(actor_ref<ponger> other, int times) : other_(other), left_(times) {}

private:
  void receive(begin) override {
    std::puts("start");
    play();
  }

  void receive(pong) override {
    std::puts("pong");
    play();
  }

  void play() {
    if (left_-- > 0) {
      other_.send(ping{self()});
    } else {
      other_.stop();
      stop();
    }
  }

  const actor_ref<ponger> other_;
  int left_; // pings
};

int main() {
  const auto second = spawn<ponger>();
  const auto first = spawn<pinger>(second, 5);
  first.send(begin{});
  first.join();
  second.join();
}
