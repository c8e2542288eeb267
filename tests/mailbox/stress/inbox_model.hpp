#pragma once

// What should be in an inbox, and in which order.

#include "stress/dice.hpp"

#include <algorithm>
#include <cstddef>
#include <list>
#include <optional>
#include <variant>
#include <vector>

namespace stress {

template <int Kind>
struct mail {
  static constexpr int kind = Kind;
  parcel item;
};
using letter = mail<0>;
using bill = mail<1>;

template <int Kind>
const parcel& content(const mail<Kind>& of) {
  return of.item;
}
inline const parcel& content(const std::variant<letter, bill>& of) {
  return std::visit(
      [](const auto& each) -> auto& { return each.item; }, of);
}
template <class Taken>
name called(const Taken& of) {
  return content(of).called();
}

/// What stands in the inbox.
struct entry {
  name called;
  int kind;
  bool exempt = false; // from the bound
};

/// What a getter wants.
struct filter {
  int kind = -1;      // any
  int remainder = -1; // of the number, by 3; any

  bool wants(name called) const {
    return remainder < 0 || called.second % 3 == remainder;
  }
  bool wants(const entry& each) const {
    return (kind < 0 || each.kind == kind) && wants(each.called);
  }
};

/// A call that takes is under way.
class looking {
public:
  looking(std::list<filter>& all, filter for_what)
      : all_(all), here_(all.insert(all.end(), for_what)) {}
  looking(const looking&) = delete;
  looking& operator=(const looking&) = delete;
  ~looking() { all_.erase(here_); }

private:
  std::list<filter>& all_;
  std::list<filter>::iterator here_;
};

struct inbox_model {
  explicit inbox_model(std::size_t bound) : capacity(bound) {}

  bool full() const {
    return static_cast<std::size_t>(std::count_if(
               in_turn.begin(), in_turn.end(), &counts)) >= capacity;
  }

  /// The oldest that the bound counts.
  entry take_oldest() {
    const auto oldest = std::find_if(in_turn.begin(), in_turn.end(), &counts);
    const entry gone = *oldest;
    in_turn.erase(oldest);
    return gone;
  }

  /// The first that is wanted.
  std::optional<entry> find(const filter& wanted) const {
    const entry* const found = place_of(wanted);
    return found ? std::optional(*found) : std::nullopt;
  }

  void take(const filter& wanted) {
    const entry* const found = place_of(wanted);
    auto& from = system.empty() || found < system.data() ||
                         found >= system.data() + system.size()
                     ? in_turn
                     : system;
    from.erase(from.begin() + (found - from.data()));
  }

  void unstash() {
    in_turn.insert(in_turn.begin(), stash.begin(), stash.end());
    stash.clear();
  }

  void clear() {
    system.clear();
    in_turn.clear();
    stash.clear();
  }

  std::size_t size() const { return system.size() + in_turn.size(); }

  const std::size_t capacity;
  std::vector<entry> system; // ahead of all mail; each oldest first
  std::vector<entry> in_turn;
  std::vector<entry> stash;

private:
  static bool counts(const entry& each) { return !each.exempt; }

  const entry* place_of(const filter& wanted) const {
    for (const auto* list : {&system, &in_turn})
      for (const entry& each : *list)
        if (wanted.wants(each)) return &each;
    return nullptr;
  }
};

} // namespace stress
