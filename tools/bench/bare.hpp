#pragma once

#include "harness.hpp"

// What the machine can do without us: the yardsticks that several rows share.

namespace bench {

/// Boost.Context: there and back, one pair.
figure bare_jump_pair(const setting& how);

/// Among 100 contexts in a FIFO, one jump.
figure bare_jump_among_100(const setting& how);

/// A context made on a stack that is at hand, jumped to and back.
figure bare_context(const setting& how);

// A message without a framework: a node from a free list, an intrusive inbox,
// an intrusive ready queue, one virtual call. One message.
figure bare_message_pair(const setting& how);
figure bare_message_ring_503(const setting& how);
figure bare_message_stream(const setting& how);
figure bare_message_flood(const setting& how);

/// An object from new, one such message, delete.
figure bare_object(const setting& how);

/// Two such messages and a jump pair: a context asks, an object answers.
figure bare_ask(const setting& how);

} // namespace bench
