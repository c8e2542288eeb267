#pragma once

// Private to the hub room: every hub of the process, for those who look in
// from outside (debuggers, the monitor, SIGQUIT).

namespace greenroom {

class hub;

void enter_registry(hub& made);
void leave_registry(hub& ended);

/// Calls `visit` for each hub; none ends meanwhile.
void for_each_hub(void (*visit)(hub&, void* argument), void* argument);

/// As `for_each_hub` without the lock, for a signal handler of a process that
/// is about to end.
void for_each_hub_unlocked(void (*visit)(hub&));

/// Keeps what is left behind on purpose reachable, so that a leak checker
/// tells it from real leaks.
void keep_reachable(void* left);

} // namespace greenroom
