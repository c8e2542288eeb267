// Teaches: workers that die of a bad job are made anew by their supervisor, and
//          go on with the next: whoever sends them jobs notices nothing but
//          the jobs that failed. References stay valid, mail is kept, and the
//          job that killed a worker is not tried again.
// Run:     build/dev/bin/30_supervised_workers
// Prints:  expected/30_supervised_workers.txt; log lines tell of the failures
//          on standard error

#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

struct job { // the answer: its length
  using reply = std::size_t;
  std::string text;
};

class worker : public actor<job> {
  void on_start() override { std::printf("%s starts\n", name().c_str()); }

  std::size_t receive(job message) override {
    sleep(1s); // hard work
    if (message.text == "poison") throw std::runtime_error("cannot digest it");
    return message.text.size();
  }
};

int main() {
  supervisor tree{one_for_one, {.max_restarts = 5, .within = 10s}};
  std::vector<actor_ref<worker>> workers;
  for (const char* name : {"ann", "ben"})
    workers.push_back(tree.add<worker>(name, permanent));
  tree.start();

  std::vector<std::pair<std::string, async_result<std::size_t>>> answers;
  for (const char* text :
       {"apple", "fig", "poison", "pear", "poison", "plum", "kiwi"}) {
    const auto& next = workers[answers.size() % workers.size()];
    answers.emplace_back(text, next.ask(job{text}));
  }
  for (const auto& [text, answer] : answers)
    try {
      std::printf("%s: %zu\n", text.c_str(), answer.get());
    } catch (const std::runtime_error& error) {
      std::printf("%s: %s\n", text.c_str(), error.what());
    }

  std::fputs(to_string(tree).c_str(), stdout);
  tree.stop();
}
