#pragma once

// An actor that counts, on the sender's hub or on another.

#include <greenroom/actors/actor.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <stdexcept>

namespace bench {

struct add {
  long number;
};
struct total {
  using reply = long;
};

class counter : public greenroom::actor<add, total> {
  void receive(add one) override { total_ += one.number; }
  long receive(total) override { return total_; }
  long total_ = 0;
};

/// `most` messages, then an ask, until that is answered: so no more than
/// `most` are on their way.
inline void count_in_batches(const greenroom::actor_ref<counter>& sink,
                             long most, long messages) {
  long sent = 0;
  while (sent < messages) {
    for (long i = 0; i < most && sent < messages; ++i, ++sent)
      sink.send(add{1});
    if (sink.ask(total{}).get() != sent)
      throw std::logic_error("messages were lost");
  }
}

} // namespace bench
