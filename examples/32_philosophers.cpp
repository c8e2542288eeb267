// Teaches: a fork is an actor that keeps a request it cannot grant yet, and
//          answers it when it is put back. Each philosopher picks up the fork
//          with the lower number first, so they never wait in a circle.
// Run:     build/dev/bin/32_philosophers
// Prints:  expected/32_philosophers.txt

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/request.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

struct pick_up {
  using reply = void;
};
struct put_back {};

class dinner_fork : public actor<request<pick_up>, put_back> {
  void receive(request<pick_up> hand) override {
    waiting_.push_back(std::move(hand));
    if (!std::exchange(taken_, true)) grant();
  }
  void receive(put_back) override {
    taken_ = !waiting_.empty();
    if (taken_) grant();
  }
  void grant() {
    waiting_.front().reply();
    waiting_.pop_front();
  }

  bool taken_ = false;
  std::deque<request<pick_up>> waiting_;
};

void dine(const std::string& name, actor_ref<dinner_fork> first,
          actor_ref<dinner_fork> second) {
  for (int meal = 1; meal <= 2; ++meal) {
    sleep(1s); // thinks
    first.ask(pick_up{}).get();
    second.ask(pick_up{}).get();
    sleep(1s); // eats
    std::printf("%s has eaten meal %d\n", name.c_str(), meal);
    first.send(put_back{});
    second.send(put_back{});
  }
}

int main() {
  const std::vector<std::string> names{"Plato", "Kant", "Hume", "Marx", "Mill"};
  std::vector<actor_ref<dinner_fork>> forks(names.size());
  for (auto& each : forks)
    each = spawn<dinner_fork>();

  std::vector<any_greenlet> all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::size_t j = (i + 1) % names.size();
    all.push_back(
        spawn(dine, names[i], forks[std::min(i, j)], forks[std::max(i, j)]));
  }
  joinall(all);
  std::puts("all have eaten");
}
