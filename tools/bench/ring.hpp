#pragma once

// Actors that pass a token around, on one hub or on several.

#include <greenroom/actors/actor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace bench {

struct token {
  long left;
};

class passer;

struct introduction {
  greenroom::actor_ref<passer> to;
};

class passer : public greenroom::actor<token, introduction> {
public:
  explicit passer(greenroom::async_result<void> done)
      : done_(std::move(done)) {}

private:
  void receive(introduction neighbour) override { to_ = neighbour.to; }
  void receive(token passed) override {
    if (passed.left > 0)
      to_.send(token{passed.left - 1});
    else
      done_.set();
  }

  greenroom::async_result<void> done_;
  greenroom::actor_ref<passer> to_;
};

/// `hops` messages around a ring of the calling hub's, one on its way.
inline void run_ring(std::size_t size, long hops) {
  greenroom::async_result<void> done;
  std::vector<greenroom::actor_ref<passer>> ring(size);
  for (auto& each : ring)
    each = greenroom::spawn<passer>(done);
  for (std::size_t i = 0; i < size; ++i)
    ring[i].send(introduction{ring[(i + 1) % size]});
  greenroom::yield();
  ring[0].send(token{hops});
  done.wait();
  for (const auto& each : ring)
    each.stop();
}

} // namespace bench
