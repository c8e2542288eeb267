// Links and monitors of actors.

#include "actor_extras.hpp"
#include "distant_ties.hpp"

#include <greenroom/actors/inspect.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>

#include <algorithm>
#include <utility>

namespace greenroom {
namespace {

monitor_id next_monitor_id() {
  static thread_local std::uint64_t last = 0;
  return static_cast<monitor_id>(++last);
}

reference_key key_of(const greenlet_base& greenlet) {
  const auto* actor = dynamic_cast<const actor_base*>(&greenlet);
  return actor ? actor_access::key(*actor) : reference_key{};
}

} // namespace

// --- monitors ---------------------------------------------------------------

void actor_base::monitor_entry::stand_at(greenlet_base& on) {
  auto* const actor = dynamic_cast<actor_base*>(&on);
  if (actor && actor->dead() && actor->keeps_inbox_ != inbox_keeping::no) {
    actor->own_extras().told.push_back(this);
  } else {
    on.add_link(*this);
    target = &on;
  }
}

void actor_base::monitor_entry::leave() {
  if (next) {
    target->remove_link(*this);
  } else if (actor_base* waits = key.local(); waits && !target) {
    std::erase(waits->own_extras().told, this);
  }
}

void actor_base::monitor_entry::ended(greenlet_link& link,
                                      greenlet_base& target) {
  auto& self = static_cast<monitor_entry&>(link);
  auto* const actor = dynamic_cast<actor_base*>(&target);
  const bool restarts = actor && actor->keeps_inbox_ != inbox_keeping::no;
  if (restarts) {
    self.target = nullptr;
    actor->own_extras().told.push_back(&self);
  }
  self.tell(
      down{self.id, self.key, target.name(), exit_reason_of(target), restarts});
}

void actor_base::near_monitor::tell(down&& news) {
  const bool last = !news.restarts;
  watcher.add_system(watcher.wrap_down(std::move(news)));
  if (last) watcher.own_extras().monitors.erase(id);
}

monitor_id actor_base::monitor(const reference_key& target) {
  if (target.is_of_another_hub()) return monitor_elsewhere(target);
  if (greenlet_base* alive = target.local()) return monitor(*alive, target);
  const monitor_id id = next_monitor_id();
  add_system(wrap_down(down{id, target, to_string(target), exit_kind::noproc}));
  return id;
}

monitor_id actor_base::monitor(greenlet_base& target,
                               const reference_key& key) {
  const monitor_id id = next_monitor_id();
  auto made = std::make_unique<near_monitor>(*this, id, key);
  made->stand_at(target);
  own_extras().monitors.emplace(id, std::move(made));
  return id;
}

std::shared_ptr<actor_base::distant_monitor>
actor_base::begin_monitor_elsewhere(monitor_id id,
                                    const reference_key& target) {
  auto made = std::make_shared<distant_monitor>(
      id, target, this, [](void* of, down&& news) {
        auto& watcher = *static_cast<actor_base*>(of);
        if (!news.restarts) watcher.own_extras().elsewhere.erase(news.id);
        watcher.add_system(watcher.wrap_down(std::move(news)));
      });
  own_extras().elsewhere.emplace(id, made);
  return made;
}

monitor_id actor_base::monitor_elsewhere(const reference_key& target) {
  const monitor_id id = next_monitor_id();
  distant_monitor::send(begin_monitor_elsewhere(id, target));
  return id;
}

actor_access::watch_request
actor_access::watch_elsewhere(actor_base& watcher,
                              const reference_key& target) {
  return watch_request{
      watcher.begin_monitor_elsewhere(next_monitor_id(), target)};
}

bool actor_base::demonitor(monitor_id id) {
  actor_extras* const own = extras_if_any();
  if (!own) return false;
  if (const auto there = own->elsewhere.extract(id)) {
    there.mapped()->end();
    return true;
  }
  const auto here = own->monitors.extract(id);
  if (!here) return false;
  here.mapped()->leave();
  return true;
}

/// Those that were told of this end are told of the next.
void actor_base::move_monitors(actor_base& next) {
  actor_extras* const own = extras_if_any();
  if (!own) return;
  for (monitor_entry* each : std::exchange(own->told, {})) {
    each->target = &next;
    next.add_link(*each);
  }
}

/// There is no next.
void actor_base::drop_told() {
  actor_extras* const own = extras_if_any();
  if (!own) return;
  for (monitor_entry* each : std::exchange(own->told, {}))
    each->tell(down{each->id, each->key, name(), ended_for(), false});
}

void actor_base::drop_monitors() noexcept {
  actor_extras* const own = extras_if_any();
  if (!own) return;
  for (auto& [id, entry] : own->monitors)
    entry->leave();
  own->monitors.clear();
  for (auto& [id, entry] : own->elsewhere)
    entry->end();
  own->elsewhere.clear();
}

// --- links ------------------------------------------------------------------

/// Stands among the links of both; goes when the first of them ends.
struct actor_base::exit_pair {
  struct half : greenlet_link {
    half(exit_pair& all, greenlet_base& end)
        : greenlet_link(&ended), pair(all), of(end) {}
    exit_pair& pair;
    greenlet_base& of;
  };

  exit_pair(greenlet_base& a, greenlet_base& b)
      : first(*this, a), second(*this, b) {}

  void cut() {
    for (half* each : {&first, &second})
      if (each->next) each->of.remove_link(*each);
  }

  static void ended(greenlet_link& link, greenlet_base& target) {
    auto& own = static_cast<half&>(link);
    const std::unique_ptr<exit_pair> pair{&own.pair};
    greenlet_base& other = pair->other_of(target);
    pair->cut();
    const exit_reason why = exit_reason_of(target);
    if (auto* actor = dynamic_cast<actor_base*>(&other))
      actor->exit_signalled(key_of(target), why);
    else if (why.kind() != exit_kind::normal)
      other.kill_soon(why.exception());
  }

  greenlet_base& other_of(const greenlet_base& one) {
    return &first.of == &one ? second.of : first.of;
  }

  half first;
  half second;
};

actor_base::exit_pair* actor_base::pair_with(const greenlet_base& other) const {
  greenlet_link* const oldest = links();
  greenlet_link* each = oldest;
  while (each) {
    if (each->at_end == &exit_pair::ended) {
      exit_pair& pair = static_cast<exit_pair::half*>(each)->pair;
      if (&pair.other_of(*this) == &other) return &pair;
    }
    each = each->next == oldest ? nullptr : each->next;
  }
  return nullptr;
}

void actor_base::describe_ties(actor_info& info) const {
  const actor_extras* const own = extras_if_any();
  if (own) info.monitors = own->monitors.size() + own->elsewhere.size();
  if (own) info.monitored_by = own->told.size();
  greenlet_link* const oldest = links();
  greenlet_link* each = oldest;
  while (each) {
    if (each->at_end == &monitor_entry::ended)
      ++info.monitored_by;
    else if (each->at_end == &exit_pair::ended)
      info.links.push_back(
          key_of(static_cast<exit_pair::half*>(each)->pair.other_of(*this)));
    else if (each->at_end == &distant_half::ended)
      info.links.push_back(static_cast<distant_half*>(each)->peer().at);
    each = each->next == oldest ? nullptr : each->next;
  }
}

void actor_base::link_to(greenlet_base& other) {
  if (&other == this || pair_with(other)) return;
  auto pair = std::make_unique<exit_pair>(*this, other);
  other.add_link(pair->second); // if it is dead, this tells
  add_link(pair->first);
  (void)pair.release();
}

/// That of a link to an actor of another hub.
actor_base::distant_half*
actor_base::half_with(const reference_key& other) const {
  greenlet_link* const oldest = links();
  greenlet_link* each = oldest;
  while (each) {
    if (each->at_end == &distant_half::ended) {
      auto* const half = static_cast<distant_half*>(each);
      if (half->peer().at == other) return half;
    }
    each = each->next == oldest ? nullptr : each->next;
  }
  return nullptr;
}

void actor_base::link_to(const reference_key& other) {
  if (other.is_of_another_hub()) {
    if (!half_with(other)) distant_link::begin(*this, other);
    return;
  }
  greenlet_base* const peer = other.local();
  if (peer && !peer->dead()) return link_to(*peer);
  if (!traps_exits_) throw_error(errc::dead, "link_to");
  add_system(wrap_exit(exit_signal{other, exit_kind::noproc}));
}

void actor_base::unlink_from(greenlet_base& other) {
  if (exit_pair* pair = pair_with(other)) {
    pair->cut();
    delete pair;
  }
}

void actor_base::unlink_from(const reference_key& other) {
  if (greenlet_base* const peer = other.local()) return unlink_from(*peer);
  while (distant_half* const half = half_with(other))
    half->cut();
}

} // namespace greenroom
