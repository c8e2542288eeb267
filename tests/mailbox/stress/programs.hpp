#pragma once

#include "stress/dice.hpp"

// One function for each program; which objects it is about is in its name.
namespace stress {

void fifo_queues(dice& random);
void lifo_queues(dice& random);
void priority_queues(dice& random);
void channels(dice& random);
void inboxes(dice& random);
void events(dice& random);
void semaphores(dice& random);
void locks(dice& random);
void conditions(dice& random);
void latches(dice& random);
void barriers(dice& random);
void results(dice& random);
void waits(dice& random);
void mixed(dice& random);
void destroyed(dice& random);

} // namespace stress
