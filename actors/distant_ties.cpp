#include "distant_ties.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/wait.hpp>

#include <exception>
#include <utility>

namespace greenroom {
namespace {

/// For those who must not throw: without memory, nobody is told.
template <class Function>
void or_log(Function&& function) noexcept {
  try {
    std::forward<Function>(function)();
  } catch (...) {
    log_error("another hub could not be told of an end: " +
              describe(std::current_exception()));
  }
}

/// Runs `function` on the hub of `actor`; destroys it when there is none.
template <class Function>
void run_at(const reference_key& actor, Function function) {
  actor.visit_elsewhere([&](hub& there) { there.post(std::move(function)); });
}

} // namespace

// --- monitors ---------------------------------------------------------------

/// Where the target is: that hub's end, too, ends it.
struct actor_base::distant_monitor::entry final : monitor_entry, hub_end_link {
  explicit entry(distant_monitor& monitor)
      : monitor_entry(monitor.id_, monitor.target_), hub_end_link(&hub_ends),
        of(monitor.shared_from_this()) {
    hub::current().add_end_link(*this);
  }
  ~entry() override {
    if (listed) hub::current().remove_end_link(*this);
  }

  void tell(down&& news) override {
    const bool last = !news.restarts;
    of->tell(std::move(news));
    if (last) const auto self = std::move(of->there_);
  }

  static void hub_ends(hub_end_link& link) noexcept {
    auto& self = static_cast<entry&>(link);
    self.listed = false;
    self.leave();
    self.of->tell_no_connection();
    const auto ended = std::move(self.of->there_);
  }

  const std::shared_ptr<distant_monitor> of;
  bool listed = true;
};

actor_base::distant_monitor::distant_monitor(monitor_id name,
                                             const reference_key& on,
                                             void* listener, hear_function how)
    : home_(hub::current().address()), id_(name), target_(on), whom_(listener),
      hear_(how) {
}

actor_base::distant_monitor::~distant_monitor() = default;

void actor_base::distant_monitor::send(std::shared_ptr<distant_monitor> made) {
  const reference_key to = made->target_;
  run_at(to, request{std::move(made)});
}

void actor_base::distant_monitor::end() {
  whom_ = nullptr;
  run_at(target_, [self = shared_from_this()] {
    if (!self->there_) return;
    self->there_->leave();
    self->there_.reset();
  });
}

void actor_base::distant_monitor::heard(down&& news) {
  void* const whom = news.restarts ? whom_ : std::exchange(whom_, nullptr);
  if (whom) hear_(whom, std::move(news));
}

void actor_base::distant_monitor::arrive() {
  actor_base* const actor = target_.local();
  if (!actor)
    return tell(down{id_, target_, to_string(target_), exit_kind::noproc});
  auto made = std::make_unique<entry>(*this);
  made->stand_at(*actor);
  there_ = std::move(made);
}

void actor_base::distant_monitor::tell(down&& news) noexcept {
  or_log([&] {
    post_to(home_,
            [self = shared_from_this(), kept = std::move(news)]() mutable {
              self->heard(std::move(kept));
            });
  });
}

void actor_base::distant_monitor::tell_no_connection() noexcept {
  or_log([&] {
    tell(down{id_, target_, "an actor of an ended hub",
              exit_kind::noconnection});
  });
}

bool actor_access::join_elsewhere(const reference_key& target, bool kill,
                                  deadline until) {
  struct waiter {
    wait_list told;
    bool of_any_end;
    bool over = false;
  };
  hub& here = hub::current();
  const char* const what = kill ? "kill" : "join";
  here.check_wait(what);
  waiter self{{}, kill};
  struct ended_later {
    ~ended_later() { monitor->end(); }
    std::shared_ptr<actor_base::distant_monitor> monitor;
  };
  const ended_later scope{std::make_shared<actor_base::distant_monitor>(
      monitor_id{}, target, &self, [](void* whom, down&& news) {
        auto& waiting = *static_cast<waiter*>(whom);
        if (news.restarts && !waiting.of_any_end) return;
        waiting.over = true;
        waiting.told.wake_all();
      })};
  actor_base::distant_monitor::send(scope.monitor);
  if (kill) kill_actor_soon(target);
  const work_guard outside{here};
  while (!self.over)
    if (!self.told.wait_turn(until, what, &self)) return false;
  return true;
}

// --- links ------------------------------------------------------------------

/// On its way to the hub of the other.
struct actor_base::distant_link::request {
  explicit request(std::shared_ptr<distant_link> link) : of(std::move(link)) {}
  request(request&&) = default;
  request& operator=(request&&) = delete;
  ~request() {
    if (of) of->far.tell_peer(exit_kind::noconnection);
  }

  void operator()() {
    actor_base* const actor = of->far.at.local();
    if (actor && !actor->dead())
      of->far.stand_at(*actor);
    else
      of->far.tell_peer(exit_kind::noproc);
    of.reset();
  }

  std::shared_ptr<distant_link> of;
};

void actor_base::distant_link::begin(actor_base& here,
                                     const reference_key& there) {
  auto made = std::make_shared<distant_link>(here.key(), there);
  made->near.stand_at(here);
  run_at(there, request{made});
}

actor_base::distant_half::distant_half(distant_link& link,
                                       const reference_key& actor)
    : greenlet_link(&ended), hub_end_link(&hub_ends), of(link), at(actor) {
}

actor_base::distant_half& actor_base::distant_half::peer() const {
  return this == &of.near ? of.far : of.near;
}

void actor_base::distant_half::stand_at(actor_base& actor) {
  actor.add_link(*this);
  hub::current().add_end_link(*this);
  here = &actor;
  kept = of.shared_from_this();
}

/// May destroy both.
void actor_base::distant_half::leave() noexcept {
  if (!here) return;
  if (greenlet_link::next) here->remove_link(*this);
  hub::current().remove_end_link(*this);
  here = nullptr;
  const auto left = std::move(kept);
}

void actor_base::distant_half::cut() {
  at_peer([](distant_half& other) { other.leave(); });
  leave();
}

template <class Function>
void actor_base::distant_half::at_peer(Function function) noexcept {
  or_log([&] {
    auto call = [all = of.shared_from_this(), &other = peer(), function] {
      function(other);
    };
    if (this == &of.far)
      post_to(of.home, std::move(call));
    else
      run_at(of.far.at, std::move(call));
  });
}

void actor_base::distant_half::tell_peer(const exit_reason& why) noexcept {
  at_peer([why](distant_half& other) { other.signalled(why); });
}

/// Two that linked to each other at the same time have two links.
void actor_base::distant_half::signalled(const exit_reason& why) {
  if (!here) return;
  actor_base& told = *here;
  const reference_key from = peer().at;
  while (distant_half* const each = told.half_with(from))
    each->leave();
  told.exit_signalled(from, why);
}

void actor_base::distant_half::ended(greenlet_link& link,
                                     greenlet_base& actor) {
  auto& self = static_cast<distant_half&>(link);
  self.tell_peer(exit_reason_of(actor));
  self.leave();
}

void actor_base::distant_half::hub_ends(hub_end_link& link) noexcept {
  auto& self = static_cast<distant_half&>(link);
  self.tell_peer(exit_kind::noconnection);
  if (self.greenlet_link::next) self.here->remove_link(self);
  self.here = nullptr;
  const auto left = std::move(self.kept);
}

} // namespace greenroom
