#include <greenroom/actors/registry.hpp>

#include "per_hub.hpp"

#include <greenroom/hub/error.hpp>

namespace greenroom {

struct registry::entry : reference_end_link {
  entry(registry& names, const std::string& own_name,
        const reference_key& holder, const std::type_info& its_interface)
      : reference_end_link(&ended), of(names), name(own_name), actor(holder),
        interface(its_interface) {}

  static void ended(reference_end_link& link) {
    const auto& self = static_cast<entry&>(link);
    self.of.unregister_name(std::string(self.name)); // which ends it
  }

  registry& of;
  const std::string name;
  const reference_key actor;
  const std::type_info& interface;
};

registry::registry() = default;
registry::~registry() = default;

registry& registry::here() {
  return per_hub<registry>::here();
}

void registry::enter(std::string name, const reference_key& actor,
                     const std::type_info& interface) {
  const std::string what =
      "register_name: \"" + name + "\" for '" + to_string(actor) + "'";
  if (const auto taken = names_.find(name); taken != names_.end())
    throw_error(errc::name_taken,
                what + ", '" + to_string(taken->second->actor) + "' has it");
  if (const auto other = actors_.find(actor); other != actors_.end())
    throw_error(errc::name_taken,
                what + ", which has \"" + other->second->name + "\"");
  auto made = std::make_unique<entry>(*this, name, actor, interface);
  if (!made->stand_at(actor)) throw_error(errc::dead, what);
  entry& entered = *made;
  names_.emplace(std::move(name), std::move(made));
  actors_.emplace(actor, &entered);
}

void registry::unregister_name(const std::string& name) {
  const auto found = names_.find(name);
  if (found == names_.end()) throw_unknown_name(name);
  actors_.erase(found->second->actor);
  names_.erase(found);
}

std::optional<reference_key>
registry::find(const std::string& name, const std::type_info& interface) const {
  const auto found = names_.find(name);
  if (found == names_.end()) return std::nullopt;
  const entry& named = *found->second;
  if (named.interface != interface)
    throw_error(errc::wrong_type, "whereis: \"" + name + "\" is " +
                                      type_name(named.interface) + ", not " +
                                      type_name(interface));
  return named.actor;
}

std::vector<std::string> registry::names() const {
  std::vector<std::string> all;
  for (const auto& [name, named] : names_)
    all.push_back(name);
  return all;
}

std::string registry::name_of(const reference_key& actor) const {
  const auto found = actors_.find(actor);
  return found == actors_.end() ? "" : found->second->name;
}

void throw_unknown_name(const std::string& name) {
  throw_error(errc::unknown_name, "nobody is called \"" + name + "\"");
}

} // namespace greenroom
