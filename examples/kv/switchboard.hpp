#pragma once

#include "outbox.hpp"

#include <greenroom/actors/actor.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace kv {

using subscriber = std::shared_ptr<outbox>;

struct subscribe {
  subscriber who;
  std::string channel;
};

/// Answered when nothing more will come from there.
struct unsubscribe {
  using reply = void;
  subscriber who;
  std::string channel;
};

/// The answer is how many have got it.
struct publish {
  using reply = std::size_t;
  std::string channel;
  std::string text;
};

/// Knows who listens to which channel.
class switchboard : public greenroom::actor<subscribe, unsubscribe, publish> {
private:
  void receive(subscribe message) override;
  void receive(unsubscribe message) override;
  std::size_t receive(publish message) override;

  std::map<std::string, std::set<subscriber>> channels_; // none is empty
};

using switchboard_ref = greenroom::actor_ref<switchboard>;

} // namespace kv
