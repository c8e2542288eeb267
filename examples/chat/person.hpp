#pragma once

#include "outbox.hpp"
#include "text.hpp"

#include <greenroom/actors/actor.hpp>

#include <memory>
#include <string>

namespace chat {

struct show {
  line text;
};

struct whisper {
  std::string from;
  std::string text;
};

/// The server closes: a last word, then the end of the connection.
struct farewell {};

/// What others know of somebody who is connected. Never waits, so its inbox
/// stays short whatever the connection does.
class person : public greenroom::actor<show, whisper, farewell> {
public:
  explicit person(std::shared_ptr<outbox> out);

private:
  void receive(show message) override;
  void receive(whisper message) override;
  void receive(farewell) override;
  void on_stop(const greenroom::exit_reason&) override;

  const std::shared_ptr<outbox> out_;
};

using person_ref = greenroom::actor_ref<person>;

} // namespace chat
