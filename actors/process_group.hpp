#pragma once

#include <greenroom/actors/address.hpp>
#include <greenroom/actors/reference.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

namespace greenroom {

class process_groups;

/// What has become of a group.
enum class membership : std::uint8_t { joined, left };

/// To those who watch a `process_group` of the same messages: an actor has
/// joined, or left, be it by its death.
template <class... Messages>
struct membership_change {
  std::string group;
  address<Messages...> member;
  membership what;
};

/// A group of actors that is found by its name, as long as it has members: who
/// to send work to, or news. Its members accept `Messages`. An actor that has
/// joined twice is in it twice, and leaves twice; one that dies leaves at once.
/// One that its supervisor restarts stays.
///
/// Ownership  A value, which names the hub's group and owns nothing.
/// Thread     A hub's thread, and actors of that hub (`wrong_hub`): each hub
///            has groups of its own.
/// Waits      Never. Changes are sent to full inboxes as from another hub.
/// Errors     `errc::dead`; `errc::wrong_type` when the name is that of a group
///            with other messages.
/// Source     Erlang's pg.
///
///     const process_group<job> workers{"workers"};
///     workers.join(spawn<worker>());
///     for (const auto& each : workers.members()) each.send(job{...});
template <class... Messages>
class process_group {
public:
  using member = address<Messages...>;
  using change = membership_change<Messages...>;

  explicit process_group(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }

  void join(const member& actor) const;
  /// Once; false when it is not in it.
  bool leave(const member& actor) const;

  /// In the order of joining; one that has joined twice is there twice. None,
  /// when there is no such group.
  std::vector<member> members() const;
  std::size_t size() const;

  /// Sends `watcher` every change from now on, until `unwatch` or its death.
  /// Returns the members that the changes start from.
  std::vector<member> watch(const address<change>& watcher) const;
  /// False when it did not watch.
  bool unwatch(const address<change>& watcher) const;

private:
  std::string name_;
};

/// Those of this hub that have members, in alphabetical order.
std::vector<std::string> process_group_names();

// --- what is inside ---------------------------------------------------------

namespace inside {

/// An actor's place in a group, as a member or one who watches it.
struct group_place : reference_end_link {
  explicit group_place(const reference_key& whose)
      : reference_end_link(&ended), actor(whose) {}
  virtual ~group_place() = default;
  /// Of one who watches: tells it of a member.
  virtual void tell(const std::string& name, const group_place& member,
                    membership what) const {
    (void)name, (void)member, (void)what;
  }
  static void ended(reference_end_link& link);

  const reference_key actor;
  process_groups* groups = nullptr;
  std::string group;
  bool watches = false;
};

using group_places = std::vector<const group_place*>;

// On the current hub. `kind` is the type of the members.
void enter_group(const std::string& name, const std::type_info& kind,
                 std::unique_ptr<group_place> place, bool watches);
bool leave_group(const std::string& name, const std::type_info& kind,
                 const reference_key& actor, bool watches);
group_places members_of_group(const std::string& name,
                              const std::type_info& kind);

template <class Address>
struct group_member final : group_place {
  explicit group_member(const Address& whose)
      : group_place(whose.key()), address(whose) {}
  const Address address;
};

template <class... Messages>
struct group_watcher final : group_place {
  using change = membership_change<Messages...>;
  using member = group_member<greenroom::address<Messages...>>;

  explicit group_watcher(const greenroom::address<change>& whose)
      : group_place(whose.key()), to(whose) {}

  void tell(const std::string& name, const group_place& of,
            membership what) const override {
    to.send_anyhow(change{name, static_cast<const member&>(of).address, what});
  }

  const greenroom::address<change> to;
};

} // namespace inside

template <class... Messages>
void process_group<Messages...>::join(const member& actor) const {
  inside::enter_group(name_, typeid(member),
                      std::make_unique<inside::group_member<member>>(actor),
                      false);
}

template <class... Messages>
bool process_group<Messages...>::leave(const member& actor) const {
  return inside::leave_group(name_, typeid(member), actor.key(), false);
}

template <class... Messages>
auto process_group<Messages...>::members() const -> std::vector<member> {
  std::vector<member> all;
  for (const auto* each : inside::members_of_group(name_, typeid(member)))
    all.push_back(
        static_cast<const inside::group_member<member>*>(each)->address);
  return all;
}

template <class... Messages>
std::size_t process_group<Messages...>::size() const {
  return inside::members_of_group(name_, typeid(member)).size();
}

template <class... Messages>
auto process_group<Messages...>::watch(const address<change>& watcher) const
    -> std::vector<member> {
  inside::enter_group(
      name_, typeid(member),
      std::make_unique<inside::group_watcher<Messages...>>(watcher), true);
  return members();
}

template <class... Messages>
bool process_group<Messages...>::unwatch(const address<change>& watcher) const {
  return inside::leave_group(name_, typeid(member), watcher.key(), true);
}

} // namespace greenroom
