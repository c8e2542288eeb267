// Teaches: a transfer between two actors in straight lines: ask the one, then
//          the other, and put things right when that fails. Accounts handle
//          one message at a time, so no lock is needed, and an asker is told
//          at once when an account is closed.
// Run:     build/dev/bin/31_bank
// Prints:  expected/31_bank.txt

#include <greenroom/actors/actor.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <cstdio>
#include <random>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;

struct deposit {
  using reply = void;
  long amount;
};
struct withdraw { // the answer: whether there was enough
  using reply = bool;
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
  bool receive(withdraw message) override {
    if (message.amount > total_) return false;
    total_ -= message.amount;
    return true;
  }
  long receive(balance) override { return total_; }

  long total_;
};

using account_ref = actor_ref<account>;

struct transfer { // the answer: what became of it
  using reply = std::string;
  account_ref from;
  account_ref to;
  long amount;
};

class teller : public actor<transfer> {
  std::string receive(transfer order) override {
    if (!order.from.ask(withdraw{order.amount}).get())
      return "refused: not enough money";
    try {
      order.to.ask(deposit{order.amount}).get();
      return "done";
    } catch (const std::system_error& error) {
      order.from.ask(deposit{order.amount}).get();
      return std::string("undone: ") + error.what();
    }
  }
};

int main() {
  const auto ann = spawn<account>(100L);
  const auto ben = spawn<account>(20L);
  const auto closed = spawn<account>(0L);
  closed.kill();

  const auto clerk = spawn<teller>();
  const auto order = [&](account_ref from, account_ref to, long amount) {
    std::puts(clerk.ask(transfer{from, to, amount}).get().c_str());
  };
  order(ann, ben, 30);
  order(ben, ann, 51);
  order(ann, closed, 70);
  std::printf("ann %ld, ben %ld\n", ann.ask(balance{}).get(),
              ben.ask(balance{}).get());

  // Many tellers, many transfers, and not a penny more or less.
  std::mt19937 random{1};
  const std::vector<account_ref> accounts{ann, ben, spawn<account>(500L),
                                          spawn<account>(300L)};
  std::vector<actor_ref<teller>> tellers(3);
  for (auto& each : tellers)
    each = spawn<teller>();
  std::vector<async_result<std::string>> results;
  for (int i = 0; i < 1000; ++i)
    results.push_back(tellers[i % tellers.size()].ask(
        transfer{accounts[random() % 4], accounts[random() % 4],
                 static_cast<long>(random() % 100)}));
  int done = 0;
  for (const auto& each : results)
    done += each.get() == "done";
  long total = 0;
  for (const auto& each : accounts)
    total += each.ask(balance{}).get();
  // How many, depends on whose turn came first.
  std::printf("%s of 1000 transfers are done, %ld in all\n",
              done > 500 ? "most" : "few", total);
}
