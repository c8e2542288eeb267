// Teaches: what a greenlet hands down to all that it spawns, and how to hear
//          of every greenlet that is started.
// Run:     build/dev/bin/24_spawn_trees
// Prints:  expected/24_spawn_trees.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/tree_local.hpp>

#include <cstdio>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

tree_local<std::string> request;

void log(const char* text) {
  std::printf("[%s] %s\n", request->c_str(), text);
}

void look_up(const char* what) {
  sleep(100ms);
  log(what);
}

void serve(const char* name) {
  request.emplace(name);
  log("accepted");
  const any_greenlet both[] = {spawn(look_up, "found the user"),
                               spawn(look_up, "found the orders")};
  joinall(both);
  log("answered");
}

int main() {
  int started = 0;
  const auto counter =
      hub::current().add_spawn_callback([&](greenlet_base&) { ++started; });
  const any_greenlet both[] = {spawn(serve, "request 1"),
                               spawn(serve, "request 2")};
  joinall(both);
  hub::current().remove_spawn_callback(counter);
  std::printf("%d greenlets were started\n", started);
}
