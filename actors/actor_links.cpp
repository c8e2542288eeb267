// Links and monitors of actors.

#include "actor_extras.hpp"

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

void actor_base::monitor_entry::ended(greenlet_link& link,
                                      greenlet_base& target) {
  auto& self = static_cast<monitor_entry&>(link);
  actor_base& watcher = self.watcher;
  auto* const actor = dynamic_cast<actor_base*>(&target);
  const bool restarts = actor && actor->keeps_inbox_ != inbox_keeping::no;
  watcher.add_system(watcher.wrap_down(down{self.id, self.key, target.name(),
                                            exit_reason_of(target), restarts}));
  if (restarts) {
    self.target = nullptr;
    actor->own_extras().told.push_back(&self);
  } else {
    watcher.own_extras().monitors.erase(self.id);
  }
}

monitor_id actor_base::monitor(const reference_key& target) {
  if (greenlet_base* alive = greenlet_of(target))
    return monitor(*alive, target);
  const monitor_id id = next_monitor_id();
  add_system(wrap_down(down{id, target, to_string(target), exit_kind::noproc}));
  return id;
}

monitor_id actor_base::monitor(greenlet_base& target,
                               const reference_key& key) {
  const monitor_id id = next_monitor_id();
  auto& entry = own_extras().monitors[id];
  entry = std::make_unique<monitor_entry>(*this, id, target, key);
  auto* const actor = dynamic_cast<actor_base*>(&target);
  if (actor && actor->dead() && actor->keeps_inbox_ != inbox_keeping::no) {
    entry->target = nullptr;
    actor->own_extras().told.push_back(entry.get());
  } else {
    target.add_link(*entry);
  }
  return id;
}

bool actor_base::demonitor(monitor_id id) {
  actor_extras* const own = extras_if_any();
  if (!own) return false;
  const auto found = own->monitors.find(id);
  if (found == own->monitors.end()) return false;
  const std::unique_ptr<monitor_entry> entry = std::move(found->second);
  own->monitors.erase(found);
  forget_monitor(*entry);
  return true;
}

void actor_base::forget_monitor(monitor_entry& entry) {
  if (entry.next) {
    entry.target->remove_link(entry);
  } else if (actor_base* waits = entry.key.local(); waits && !entry.target) {
    std::erase(waits->own_extras().told, &entry);
  }
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
  for (monitor_entry* each : std::exchange(own->told, {})) {
    actor_base& watcher = each->watcher;
    watcher.add_system(watcher.wrap_down(
        down{each->id, each->key, name(), ended_for(), false}));
    watcher.own_extras().monitors.erase(each->id);
  }
}

void actor_base::drop_monitors() noexcept {
  actor_extras* const own = extras_if_any();
  if (!own) return;
  for (auto& [id, entry] : own->monitors)
    forget_monitor(*entry);
  own->monitors.clear();
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
  if (own) info.monitors = own->monitors.size();
  if (own) info.monitored_by = own->told.size();
  greenlet_link* const oldest = links();
  greenlet_link* each = oldest;
  while (each) {
    if (each->at_end == &monitor_entry::ended)
      ++info.monitored_by;
    else if (each->at_end == &exit_pair::ended)
      info.links.push_back(
          key_of(static_cast<exit_pair::half*>(each)->pair.other_of(*this)));
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

void actor_base::link_to(const reference_key& other) {
  greenlet_base* const peer = greenlet_of(other);
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
  if (greenlet_base* const peer = greenlet_of(other)) unlink_from(*peer);
}

} // namespace greenroom
