// Teaches: a pool of actors is sent to as one actor. Whoever is free takes the
//          oldest message; one that waits holds up nobody. The pool grows while
//          mail waits, shrinks when there is little to do, holds back who sends
//          more than may wait, and makes anew whoever fails.
// Run:     build/dev/bin/35_actor_pool
// Prints:  expected/35_actor_pool.txt; log lines tell of the failure on
//          standard error

#include <greenroom/actors/actor_pool.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

struct order { // the answer: who has brewed it
  using reply = std::string;
  std::string drink;
};

class barista : public actor<order> {
  void on_start() override { std::printf("%s comes\n", name().c_str()); }
  void on_stop(const exit_reason& why) override {
    std::printf("%s leaves: %s\n", name().c_str(), to_string(why).c_str());
  }

  std::string receive(order message) override {
    sleep(message.drink == "filter coffee" ? 10s : 1s);
    if (message.drink == "decaf") throw std::runtime_error("never heard of it");
    return name();
  }
};

/// Knows nothing of pools.
void serve(actor_ref<barista> bar, const std::vector<std::string>& drinks) {
  std::vector<std::pair<std::string, async_result<std::string>>> ordered;
  for (const std::string& each : drinks)
    ordered.emplace_back(each, bar.ask(order{each})); // waits while it is full
  for (const auto& [drink, answer] : ordered)
    try {
      std::printf("%s by %s\n", drink.c_str(), answer.get().c_str());
    } catch (const std::runtime_error& error) {
      std::printf("%s: %s\n", drink.c_str(), error.what());
    }
}

int main() {
  actor_pool<barista> bar{
      {.least = 1, .most = 3, .idle_for = 1min, .capacity = 4, .name = "bar"}};

  serve(bar.reference(), {"filter coffee", "espresso", "decaf", "mocha",
                          "latte", "cappuccino", "ristretto"});
  std::fputs(to_string(bar).c_str(), stdout);

  sleep(2min);
  std::printf("later there is %zu\n", bar.size());
  bar.resize(2);
  bar.stop();
}
