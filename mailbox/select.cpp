#include <greenroom/mailbox/select.hpp>

#include <greenroom/hub/error.hpp>

namespace greenroom {
namespace {

struct leave_all {
  ~leave_all() {
    for (select_case* each : cases)
      each->place.leave();
  }
  std::span<select_case* const> cases;
};

std::optional<std::size_t> first_happened(std::span<select_case* const> cases) {
  for (std::size_t i = 0; i < cases.size(); ++i)
    if (cases[i]->happened()) return i;
  return std::nullopt;
}

} // namespace

std::optional<std::size_t> choose(std::span<select_case* const> cases,
                                  deadline until) {
  if (const auto chosen = first_happened(cases)) return chosen;
  watch_set all{"select"};
  const leave_all at_end{cases};
  for (select_case* each : cases)
    each->join(all);
  while (all.wait(until)) {
    for (const select_case* each : cases)
      if (each->place.object_gone()) throw_error(errc::destroyed, "select");
    if (const auto chosen = first_happened(cases)) return chosen;
    for (select_case* each : cases) // somebody was quicker
      if (!each->place.standing()) each->join(all);
  }
  return std::nullopt;
}

} // namespace greenroom
