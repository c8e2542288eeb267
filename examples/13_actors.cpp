// Teaches: an actor keeps what it knows to itself and handles one message at a
//          time, so nothing needs a lock. `send` goes on at once; `ask` gives
//          a result to wait for. An exception fails the actor and the asker,
//          and mail for the dead is counted, not lost silently.
// Run:     build/dev/bin/13_actors
// Prints:  expected/13_actors.txt; a log line tells of the failure on
//          standard error

#include <greenroom/actors/actor.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;

struct deposit {
  long amount;
};

struct withdraw { // the answer: what is left
  using reply = long;
  long amount;
};

struct balance {
  using reply = long;
};

class account : public actor<deposit, withdraw, balance> {
public:
  explicit account(long opening) : total_(opening) {}

private:
  void receive(deposit message) override { total_ += message.amount; }

  /// Waits in the middle; no other message comes between.
  long receive(withdraw message) override {
    if (message.amount > total_) throw std::runtime_error("not enough money");
    sleep(1s);
    return total_ -= message.amount;
  }

  long receive(balance) override { return total_; }

  void on_stop(const exit_reason&) override {
    std::printf("closed with %ld\n", total_);
  }

  long total_;
};

int main() {
  const auto mine = spawn<account>(100L);

  mine.send(deposit{55});
  std::printf("balance %ld\n", mine.ask(balance{}).get());

  // Asked now, read later: in order, although the first takes a second.
  const auto left = mine.ask(withdraw{30});
  const auto after = mine.ask(balance{});
  std::printf("left %ld, balance %ld\n", left.get(2s), after.get(2s));

  try {
    mine.ask(withdraw{1000}).get();
  } catch (const std::runtime_error& error) {
    std::printf("refused: %s\n", error.what());
  }

  mine.send(deposit{1}); // to a dead actor
  std::printf("dead letters: %zu\n", dead_letters());
  try {
    mine.ask(balance{}).get();
  } catch (const std::system_error& error) {
    if (error.code() == errc::dead) std::puts("no answer: it is dead");
  }

  // Stopped, an actor first handles the mail it has.
  const auto other = spawn<account>(0L);
  other.send(deposit{7});
  other.stop();
  other.join();
}
