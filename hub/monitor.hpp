#pragma once

// Private to the hub room: who notices a greenlet that does not give way.

namespace greenroom {

/// Starts the monitor when GREENROOM_MAX_BLOCKING_TIME (seconds, a decimal
/// number) is set in the environment: an OS thread that reports, through the
/// log, each greenlet that has run that long without giving way, with its
/// name and a symbolised stack. It disturbs nothing until then.
void start_monitor_if_asked();

} // namespace greenroom
