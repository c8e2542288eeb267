// Teaches: a greenlet of your own class: override run. Declared as a variable
//          it is yours, and must have ended before it goes out of scope.
// Run:     build/dev/bin/06_subclassing
// Prints:  expected/06_subclassing.txt, then waits 3 s

#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;

class my_greenlet : public greenlet_base {
public:
  my_greenlet(std::string message, std::chrono::seconds time)
      : message_(std::move(message)), time_(time) {}

private:
  void run() override {
    std::printf("%s\n", message_.c_str());
    sleep(time_);
  }

  const std::string message_;
  const std::chrono::seconds time_;
};

int main() {
  my_greenlet g{"Hi there!", 3s};
  g.start();
  g.join();
}
