#pragma once

// Private to the hub room: signals on their way to a hub.

namespace greenroom {

class hub;

/// Calls what is registered for the signals that arrived for `home`.
void deliver_signals(hub& home);

/// SIGQUIT lists every greenlet, then quits; unless the program handles it.
void install_quit_listing();

/// The hub ends: its signals go back to what they did before.
void forget_signals(hub& ended);

} // namespace greenroom
