#include <greenroom/actors/process_group.hpp>

#include "per_hub.hpp"

#include <greenroom/hub/error.hpp>

#include <algorithm>
#include <map>

namespace greenroom {

using inside::group_place;

/// All groups of a hub.
class process_groups {
public:
  using places = std::vector<std::unique_ptr<group_place>>;

  struct group {
    const std::type_info* kind;
    places members;  // in the order of joining
    places watchers; // likewise
  };

  /// Null when there is none.
  group* find(const std::string& name, const std::type_info& kind) {
    const auto found = all_.find(name);
    if (found == all_.end()) return nullptr;
    if (*found->second.kind != kind)
      throw_error(errc::wrong_type, "the process_group \"" + name +
                                        "\" has members of type " +
                                        type_name(*found->second.kind) +
                                        ", not " + type_name(kind));
    return &found->second;
  }

  void enter(const std::string& name, const std::type_info& kind,
             std::unique_ptr<group_place> place) {
    find(name, kind);
    place->groups = this;
    place->group = name;
    if (!place->stand_at(place->actor))
      throw_error(errc::dead, "process_group \"" + name + "\"");
    group& entered = all_.try_emplace(name, group{&kind, {}, {}}).first->second;
    if (!place->watches) tell(entered, *place, membership::joined);
    list_of(entered, *place).push_back(std::move(place));
  }

  /// Ends `place`.
  void leave(const group_place& place) {
    const auto found = all_.find(place.group);
    group& left = found->second;
    places& list = list_of(left, place);
    const auto at =
        std::find_if(list.begin(), list.end(),
                     [&](const auto& each) { return each.get() == &place; });
    const std::unique_ptr<group_place> gone = std::move(*at);
    list.erase(at);
    if (!gone->watches) tell(left, *gone, membership::left);
    if (left.members.empty() && left.watchers.empty()) all_.erase(found);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& [name, each] : all_)
      if (!each.members.empty()) found.push_back(name);
    return found;
  }

private:
  static places& list_of(group& of, const group_place& place) {
    return place.watches ? of.watchers : of.members;
  }
  static void tell(const group& of, const group_place& member,
                   membership what) {
    for (const auto& each : of.watchers)
      if (each->actor.local()) each->tell(member.group, member, what);
  }

  std::map<std::string, group> all_;
};

std::vector<std::string> process_group_names() {
  return per_hub<process_groups>::here().names();
}

namespace inside {

void group_place::ended(reference_end_link& link) {
  const auto& self = static_cast<group_place&>(link);
  self.groups->leave(self);
}

void enter_group(const std::string& name, const std::type_info& kind,
                 std::unique_ptr<group_place> place, bool watches) {
  place->watches = watches;
  per_hub<process_groups>::here().enter(name, kind, std::move(place));
}

bool leave_group(const std::string& name, const std::type_info& kind,
                 const reference_key& actor, bool watches) {
  process_groups& groups = per_hub<process_groups>::here();
  process_groups::group* const found = groups.find(name, kind);
  if (!found) return false;
  for (const auto& each : watches ? found->watchers : found->members)
    if (each->actor == actor) {
      groups.leave(*each);
      return true;
    }
  return false;
}

group_places members_of_group(const std::string& name,
                              const std::type_info& kind) {
  group_places members;
  if (auto* const found = per_hub<process_groups>::here().find(name, kind))
    for (const auto& each : found->members)
      members.push_back(each.get());
  return members;
}

} // namespace inside
} // namespace greenroom
