#include <greenroom/actors/router.hpp>

#include <greenroom/actors/actor_base.hpp>

#include <algorithm>

namespace greenroom {
namespace {

bool is_alive(const reference_key& actor) {
  return actor.local() != nullptr;
}

std::size_t load_of(const actor_base& actor) {
  return actor.inbox_size() + (actor.state() == greenlet_state::running);
}

/// So that neighbours differ: the end of MurmurHash3.
std::uint64_t mixed(std::uint64_t bits) {
  bits = (bits ^ bits >> 33) * 0xff51afd7ed558ccdu;
  bits = (bits ^ bits >> 33) * 0xc4ceb9fe1a85ec53u;
  return bits ^ bits >> 33;
}

} // namespace

std::size_t router_base::size() const {
  return static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(), &is_alive));
}

void router_base::enter(const reference_key& actor) {
  (void)greenlet_of(actor); // throws when it is elsewhere
  for (std::size_t i = all_.size(); i-- > 0;)
    if (all_[i].is_over()) leave(reference_key(all_[i]));
  if (!actor.is_over() &&
      std::find(all_.begin(), all_.end(), actor) == all_.end())
    all_.push_back(actor);
}

bool router_base::leave(const reference_key& actor) {
  const auto found = std::find(all_.begin(), all_.end(), actor);
  if (found == all_.end()) return false;
  if (static_cast<std::size_t>(found - all_.begin()) < turn_) --turn_;
  all_.erase(found);
  return true;
}

reference_key router_base::choose_in_turn() {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const reference_key& next = all_[turn_ % all_.size()];
    turn_ = (turn_ + 1) % all_.size();
    if (is_alive(next)) return next;
  }
  return {};
}

reference_key router_base::choose_least_loaded() {
  std::size_t chosen = all_.size();
  std::size_t least = 0;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const std::size_t at = (turn_ + i) % all_.size();
    const actor_base* const actor = all_[at].local();
    if (!actor) continue;
    const std::size_t load = load_of(*actor);
    if (chosen < all_.size() && load >= least) continue;
    chosen = at;
    least = load;
  }
  if (chosen == all_.size()) return {};
  turn_ = (chosen + 1) % all_.size();
  return all_[chosen];
}

reference_key router_base::choose_by_lot(std::uint64_t lot) const {
  const std::size_t living = size();
  std::uint64_t left = living ? lot % living : 0;
  for (const reference_key& each : all_)
    if (is_alive(each) && left-- == 0) return each;
  return {};
}

reference_key router_base::choose_by_hash(std::size_t hash) const {
  reference_key chosen;
  std::uint64_t highest = 0;
  for (const reference_key& each : all_) {
    const std::uint64_t own = std::hash<reference_key>{}(each);
    const std::uint64_t score = mixed(mixed(hash) ^ mixed(own));
    if (!is_alive(each) || (chosen.local() && score <= highest)) continue;
    chosen = each;
    highest = score;
  }
  return chosen;
}

} // namespace greenroom
