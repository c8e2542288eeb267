// Teaches: what a greenlet tells about itself, and that an exception stays
//          inside the greenlet it left: it is logged and kept.
// Run:     build/dev/bin/07_state
// Prints:  expected/07_state.txt; the log line goes to standard error

#include <greenroom/hub/greenlet.hpp>

#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>

using namespace greenroom;

std::string win() {
  return "You win!";
}

std::string fail() {
  throw std::runtime_error("You fail at failing.");
}

void print(bool truth) {
  std::puts(truth ? "True" : "False");
}

void print(const std::optional<std::string>& value) {
  std::puts(value ? value->c_str() : "None");
}

int main() {
  const auto winner = spawn(win);
  const auto loser = spawn(fail);

  print(winner.started()); // True
  print(loser.started());  // True

  try {
    const any_greenlet both[] = {winner, loser};
    joinall(both);
  } catch (const std::exception&) {
    std::puts("This will never be reached");
  }

  print(winner.value()); // You win!
  print(loser.value());  // None

  print(winner.ready()); // True
  print(loser.ready());  // True

  print(winner.successful()); // True
  print(loser.successful());  // False

  // loser.exception() keeps it as an exception_ptr; get throws it here.
  try {
    loser.get();
  } catch (const std::runtime_error& error) {
    std::puts(error.what()); // You fail at failing.
  }
}
