#pragma once

namespace greenroom {

/// What a kind of queue calls itself and its waiting calls, in errors and
/// listings.
struct queue_calls {
  const char* type;
  const char* put;
  const char* get;
  const char* peek;
  const char* join;
};

} // namespace greenroom
