#include <greenroom/actors/reference.hpp>

#include <greenroom/actors/actor_base.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>

namespace greenroom {

constinit thread_local reference_key::table* reference_key::local_ = nullptr;
constinit thread_local reference_key::claim* reference_key::claimed_ = nullptr;

namespace {

thread_local std::size_t letters = 0;

} // namespace

/// The tables of all seats that a hub with actors ever had.
struct reference_tables {
  using table = reference_key::table;

  static reference_tables& instance() {
    static auto* all = new reference_tables; // outlives every thread
    return *all;
  }

  table& of(hub_seat& seat) {
    const std::lock_guard held{lock};
    auto& found = all[&seat];
    if (!found) found = std::make_unique<table>();
    found->seat = &seat;
    return *found;
  }

  /// No key of the thread's actors is valid any more.
  static void clear(table& ended) {
    while (!ended.ends.empty())
      reference_key::tell_end(ended, ended.ends.begin()->first);
    for (std::uint32_t i = ended.size; i-- > 0;) {
      reference_key::place& each = ended.places[i];
      if (each.generation % 2) reference_key::free_place(ended, i);
    }
  }

  /// Clears the thread's table before its hub ends: made after the hub was.
  struct of_thread {
    explicit of_thread(table*& entry)
        : local(entry), taken(instance().of(*hub::current().address().seat())) {
      local = &taken;
    }
    ~of_thread() {
      local = nullptr;
      clear(taken);
    }
    table*& local;
    table& taken;
  };

  static inline const bool knows_debtors =
      (result_debtor::find = &reference_key::find_debtor, true);

  static void grow(table& full) {
    const std::uint32_t capacity = std::max(64u, full.capacity * 2);
    auto* places = new reference_key::place[capacity];
    std::copy_n(full.places, full.size, places);
    delete[] full.places;
    full.places = places;
    full.capacity = capacity;
  }

  std::mutex lock;
  std::map<hub_seat*, std::unique_ptr<table>> all; // guarded by lock
};

reference_key::table& reference_key::own_table() {
  if (!local_ && hub::current().address().is_here())
    static thread_local reference_tables::of_thread of_thread{local_};
  if (!local_)
    throw std::logic_error("an actor was made after its thread's end");
  return *local_;
}

reference_key::half reference_key::new_place() {
  table& here = own_table();
  std::uint32_t index = here.first_free;
  if (index != no_place) {
    here.first_free = here.places[index].next_free;
  } else {
    if (here.size == here.capacity) reference_tables::grow(here);
    index = here.size++;
  }
  here.places[index].next_free = no_place;
  return {index, ++here.places[index].generation};
}

std::vector<reference_key> reference_key::all_here() {
  std::vector<reference_key> all;
  for (std::uint32_t i = 0; local_ && i < local_->size; ++i)
    if (local_->places[i].actor)
      all.emplace_back(half{i, local_->places[i].generation});
  return all;
}

const greenlet_base* reference_key::find_debtor(result_debtor who) {
  if (!local_ || who.place >= local_->size) return nullptr;
  const place& here = local_->places[who.place];
  return here.generation == who.generation ? here.actor : nullptr;
}

reference_key::half reference_key::enter(actor_base& made) {
  const auto* const begin = reinterpret_cast<const std::byte*>(&made);
  if (claimed_ && !std::less<>{}(begin, claimed_->begin_) &&
      std::less<>{}(begin, claimed_->end_))
    return claimed_->place_;
  const half own = new_place();
  local_->places[own.place].actor = &made;
  return own;
}

void reference_key::leave(half ended, const actor_base& actor) {
  // Else it has left already, or its thread's table has gone, and this may be
  // another thread.
  if (!local_ || ended.place >= local_->size) return;
  if (reference_key{ended}.local() != &actor) return;
  place& left = local_->places[ended.place];
  if (left.reserved())
    left.actor = nullptr;
  else
    free_place(*local_, ended.place);
  if (!local_->ends.empty()) tell_end(*local_, ended.place);
}

bool reference_end_link::stand_at(const reference_key& actor) {
  if (!greenlet_of(actor)) return false;
  reference_end_link& ring = actor.table_->ends[actor.place_];
  previous = ring.previous;
  next = &ring;
  previous->next = next->previous = this;
  return true;
}

/// Another actor may have the place by now.
void reference_key::tell_end(table& of, std::uint32_t index) {
  auto told = of.ends.extract(index);
  if (!told) return;
  for (reference_end_link& ring = told.mapped(); ring.standing();) {
    reference_end_link& oldest = *ring.next;
    oldest.leave();
    oldest.at_end(oldest);
  }
}

reference_key reference_key::reserve() {
  const half made = new_place();
  local_->places[made.place].next_free = place::reserved_mark;
  return reference_key{made};
}

void reference_key::occupy(half reserved, actor_base& next) {
  local_->places[reserved.place].actor = &next;
}

void reference_key::release(const reference_key& reserved) noexcept {
  if (reserved.is_over()) return;
  place& left = local_->places[reserved.place_];
  left.next_free = no_place;
  if (!left.actor) free_place(*local_, reserved.place_);
}

reference_key::claim::claim(const void* memory, std::size_t size,
                            const reference_key& reserved)
    : begin_(static_cast<const std::byte*>(memory)),
      end_(begin_ + size), place_{reserved.place_, reserved.generation_},
      outer_(std::exchange(claimed_, this)) {
}

reference_key::claim::~claim() {
  claimed_ = outer_;
}

/// A place that has used up its generations is not taken again: the next key
/// would be one that was given out before.
void reference_key::free_place(table& of, std::uint32_t index) {
  place& freed = of.places[index];
  freed.actor = nullptr;
  if (++freed.generation != 0)
    freed.next_free = std::exchange(of.first_free, index);
}

void reference_key::send_there(const distant_kind& kind, envelope& mail) const {
  const std::uint64_t to = std::uint64_t{place_} << 32 | generation_;
  hub::current().send_away(*table_->seat, kind, {to, &mail});
}

std::string to_string(const reference_key& key) {
  if (key.is_elsewhere()) return "an actor of another hub";
  const greenlet_base* target = greenlet_of(key);
  return target ? target->name() : "a dead actor";
}

std::size_t dead_letters() {
  return letters;
}

void count_dead_letter() {
  ++letters;
}

greenlet_base* greenlet_of(const reference_key& key) {
  if (key.is_elsewhere())
    throw wrong_hub("an actor_ref to an actor of another thread's hub");
  return key.local();
}

bool join_actor(const reference_key& key, deadline until) {
  if (key.is_elsewhere())
    return actor_access::join_elsewhere(key, false, until);
  while (actor_base* const there = key.local()) {
    const any_greenlet kept{*there};
    if (!kept.join(until)) return false;
    if (key.local() == there && !actor_access::join_next(*there, until))
      return false;
  }
  return true;
}

bool kill_actor(const reference_key& key, deadline until) {
  if (key.is_elsewhere()) return actor_access::join_elsewhere(key, true, until);
  actor_base* const there = key.local();
  return !there || any_greenlet{*there}.kill(until);
}

void kill_actor_soon(const reference_key& key) {
  if (actor_base* const there = key.local())
    there->kill_soon();
  else
    key.visit_elsewhere(
        [&](hub& home) { home.post([key] { kill_actor_soon(key); }); });
}

void stop_actor(const reference_key& key, exit_reason why) {
  if (actor_base* target = key.local())
    target->stop(std::move(why));
  else
    key.visit_elsewhere([&](hub& home) {
      home.post([key, why = std::move(why)] { stop_actor(key, why); });
    });
}

namespace {

void exit_here(const reference_key& key, const reference_key& from,
               const exit_reason& why) {
  if (actor_base* const target = key.local())
    actor_access::exit(*target, from, why);
}

} // namespace

void exit_actor(const reference_key& key, exit_reason why) {
  const hub* const here = hub::current_if_any();
  const greenlet_base* const caller = here ? here->running() : nullptr;
  reference_key from;
  if (const auto* actor = dynamic_cast<const actor_base*>(caller))
    from = actor_access::key(*actor);
  if (!key.is_elsewhere()) return exit_here(key, from, why);
  key.visit_elsewhere([&](hub& home) {
    home.post([key, from, why = std::move(why)] { exit_here(key, from, why); });
  });
}

} // namespace greenroom
