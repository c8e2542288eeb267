#include "child_elsewhere.hpp"

#include "distant_ties.hpp"
#include "per_hub.hpp"

#include <greenroom/actors/loop_actor.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/spawn_on.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace greenroom {
namespace {

using namespace std::chrono_literals;

/// How long one that was killed brutally may take.
constexpr std::chrono::nanoseconds patience = 1s;

// --- where the child lives --------------------------------------------------

/// What is known of each place there.
struct tenancy {
  any_greenlet last;       // a dead one collects mail for the next
  std::uint64_t ended = 0; // the newest round that was told to end
};
using tenancies = std::unordered_map<reference_key, tenancy>;

tenancy& tenancy_of(const reference_key& place) {
  return per_hub<tenancies>::here()[place];
}

/// Calls `function` there in a greenlet: what does not wait is done in order,
/// and after what was begun before.
void do_there(const hub_address& where, std::function<void()> function) {
  post_to(where, [todo = std::move(function)] { spawn(todo); });
}

/// Why it could not be started, if so.
std::optional<exit_reason> start_there(const far_child& child,
                                       std::uint64_t round,
                                       const std::string& name,
                                       actor_access::watch_request& watch) {
  const any_greenlet before = tenancy_of(child.key).last;
  auto* const ended = before ? static_cast<actor_base*>(&*before) : nullptr;
  if (ended && !ended->dead()) { // it was not waited for
    ended->kill_brutally();
    if (!before.join(patience))
      return exit_reason{exit_kind::timeout, "the one before does not end"};
  }
  tenancy& here = tenancy_of(child.key);
  if (here.ended >= round) return exit_kind::shutdown;
  actor_base* const made = child.make(child.key);
  const any_greenlet body{*made};
  here.last = body;
  made->name(name);
  actor_access::keep_inbox(*made, inside::keeps_inbox(child.treated.restart));
  actor_access::take_over(*made, ended);
  watch();
  const auto started = actor_access::start(*made);
  try {
    started.get(child.treated.start_within);
  } catch (const std::system_error& error) {
    const bool late = error.code() == errc::timed_out;
    if (!late && error.code() != errc::dead) throw;
    if (late) actor_access::end_for(*made, exit_kind::timeout, true);
    return body.join(patience) ? exit_reason_of(*made) : exit_kind::timeout;
  }
  return {};
}

void end_there(const reference_key& place, std::uint64_t round,
               const exit_reason& why, inbox_keeping keep, bool brutally) {
  tenancy& here = tenancy_of(place);
  here.ended = round;
  if (!here.last || here.last.dead()) return;
  auto& actor = static_cast<actor_base&>(*here.last);
  actor_access::keep_inbox(actor, keep);
  actor_access::end_for(actor, why, brutally);
}

/// Nobody takes the place of the last.
void give_up_there(const reference_key& place, std::uint64_t round) {
  tenancy& here = tenancy_of(place);
  here.ended = round;
  if (!here.last) return;
  auto& actor = static_cast<actor_base&>(*here.last);
  if (actor.dead())
    actor_access::give_up(actor);
  else
    actor_access::keep_inbox(actor, inbox_keeping::no);
}

// --- where its supervisor lives ---------------------------------------------

/// Told when its supervisor gives the child up.
struct given_up : reference_end_link {
  explicit given_up(std::shared_ptr<const far_child> one)
      : reference_end_link(&told), child(std::move(one)) {}

  static void told(reference_end_link& link) {
    const auto& self = static_cast<given_up&>(link);
    do_there(self.child->where, [place = self.child->key, round = self.round] {
      give_up_there(place, round);
    });
  }

  const std::shared_ptr<const far_child> child;
  std::uint64_t round = 0; // its starts
};

class stand_in : public loop_actor<down> {
public:
  explicit stand_in(std::shared_ptr<given_up> end) : end_(std::move(end)) {}

private:
  void on_start() override {
    if (!end_->standing()) end_->stand_at(key());
    ++end_->round;
    runs_ = true;
    std::optional<exit_reason> failed;
    try {
      failed = spawn_on(child().where, [far = end_->child, round = end_->round,
                                        name = name(),
                                        watch = actor_access::watch_elsewhere(
                                            *this, child().key)]() mutable {
                 return start_there(*far, round, name, watch);
               }).get();
    } catch (const std::system_error& error) {
      if (error.code() != errc::dead) throw;
      failed = exit_kind::noconnection;
    }
    if (!failed) return;
    runs_ = false;
    exit(*failed);
  }

  void run() override {
    const exit_reason why = inbox().get<down>().why;
    runs_ = false;
    exit(why);
  }

  /// Told to end, it has the child end first.
  void on_stop(const exit_reason& why) override {
    if (!runs_) return;
    const inbox_keeping keep = actor_access::keeps_inbox(*this);
    try {
      tell_to_end(why, keep, false);
      inbox().get<down>();
    } catch (const greenlet_exit&) { // killed brutally
      tell_to_end(why, keep, true);
    }
  }

  void tell_to_end(const exit_reason& why, inbox_keeping keep, bool brutally) {
    do_there(child().where,
             [place = child().key, round = end_->round, why, keep, brutally] {
               end_there(place, round, why, keep, brutally);
             });
  }

  const far_child& child() const { return *end_->child; }

  const std::shared_ptr<given_up> end_;
  bool runs_ = false;
};

} // namespace

far_child::~far_child() {
  do_there(where, [place = key] {
    give_up_there(place, std::numeric_limits<std::uint64_t>::max());
    per_hub<tenancies>::here().erase(place);
    reference_key::release(place);
  });
}

std::shared_ptr<const far_child> far_child::reserve(const hub_address& where,
                                                    const child_options& how,
                                                    maker make) {
  const reference_key place =
      spawn_on(where, [] { return reference_key::reserve(); }).get();
  return std::make_shared<const far_child>(where, place, how, std::move(make));
}

far_child::maker stand_in_for(std::shared_ptr<const far_child> child) {
  return [end = std::make_shared<given_up>(std::move(child))](
             const reference_key& place) -> actor_base* {
    return inside::make_in_place<stand_in>(place, end);
  };
}

} // namespace greenroom
