// One hub a CPU: a service that uses the whole machine. Accounts live on the
// hub that their name says; tellers on all hubs move money between them.

#include <greenroom/actors/actor_on.hpp>
#include <greenroom/hub/hub_group.hpp>

#include <cstdio>
#include <string>
#include <vector>

using namespace greenroom;

struct deposit {
  long amount;
};
struct withdraw {
  using reply = bool; // whether there was enough
  long amount;
};
struct balance {
  using reply = long;
};

class account : public actor<deposit, withdraw, balance> {
public:
  explicit account(long first) : total_(first) {}

private:
  void receive(deposit in) override { total_ += in.amount; }
  bool receive(withdraw out) override {
    if (out.amount > total_) return false;
    total_ -= out.amount;
    return true;
  }
  long receive(balance) override { return total_; }
  long total_;
};

int main() {
  hub_group hubs{3};

  std::vector<actor_ref<account>> accounts;
  for (const char* name : {"ann", "ben", "cat", "dan"})
    accounts.push_back(spawn<account>(on(hubs.by_key(name)), 100L));

  // A function of each hub, in a greenlet of its own there.
  std::vector<async_result<int>> tellers;
  for (const hub_address& each : hubs)
    tellers.push_back(spawn_on(each, [accounts] {
      int moved = 0;
      for (std::size_t i = 0; i < 1000; ++i) {
        const auto& from = accounts[i % accounts.size()];
        const auto& to = accounts[(i * 7 + 1) % accounts.size()];
        if (!from.ask(withdraw{10}).get()) continue;
        to.send(deposit{10});
        ++moved;
      }
      return moved;
    }));

  bool all_worked = true;
  for (const auto& each : tellers)
    all_worked = each.get() > 0 && all_worked;
  std::printf("tellers: %s\n", all_worked ? "all have worked" : "some idled");

  long sum = 0;
  for (const auto& each : accounts)
    sum += each.ask(balance{}).get();
  std::printf("in all accounts: %ld\n", sum);

  std::printf("stopped: %s\n", hubs.stop() ? "in order" : "no");
}
