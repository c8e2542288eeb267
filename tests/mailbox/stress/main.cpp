// Random programs over everything that greenlets of one hub wait on, against
// models: no item is lost or doubled, nobody who could go on is forgotten,
// counters return to where they began, and no greenlet is left over.
//
//   mailbox_stress [SEEDS [FIRST [PROGRAM]]]

#include "mailbox/stress/programs.hpp"
#include "stress/seeds.hpp"

int main(int count, char** arguments) {
  using namespace stress;
  static constexpr program_kind kinds[] = {
      {"fifo_queues", &fifo_queues},
      {"lifo_queues", &lifo_queues},
      {"priority_queues", &priority_queues},
      {"channels", &channels},
      {"inboxes", &inboxes},
      {"events", &events},
      {"semaphores", &semaphores},
      {"locks", &locks},
      {"conditions", &conditions},
      {"latches", &latches},
      {"barriers", &barriers},
      {"results", &results},
      {"waits", &waits},
      {"mixed", &mixed},
      {"destroyed", &destroyed},
  };
  return run_seeds(count, arguments, 10'000, kinds);
}
