// Teaches: a group sets greenlets to work on the items of a range: map waits
//          for all results, imap gives them one by one in the order of the
//          range, imap_unordered in the order in which they are done.
// Run:     build/dev/bin/19_group_map, best with GREENROOM_CLOCK=virtual
// Prints:  expected/19_group_map.txt

#include <greenroom/actors/group.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

const std::vector<int> three{0, 1, 2};
group everybody;
std::vector<const greenlet_base*> seen;

void hello_from(int) {
  const greenlet_base* me = &current();
  if (std::ranges::find(seen, me) == seen.end()) seen.push_back(me);
  const auto number = std::ranges::find(seen, me) - seen.begin();
  std::printf("Size of group %zu\n", everybody.size());
  std::printf("Hello from Greenlet %d\n", static_cast<int>(number));
}

struct result {
  const char* what;
  int number;
};

result intensive(int n) {
  sleep((3 - n) * 1s);
  return {"task", n};
}

void print(const result& each) {
  std::printf("('%s', %d)\n", each.what, each.number);
}

int main() {
  everybody.map(three, hello_from);

  std::puts("Ordered");
  group ordered;
  for (const result& each : ordered.imap(three, intensive))
    print(each);

  std::puts("Unordered");
  group unordered;
  for (const result& each : unordered.imap_unordered(three, intensive))
    print(each);
}
