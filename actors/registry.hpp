#pragma once

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <vector>

namespace greenroom {

/// Names of actors. An actor has one name at most, and a name one actor; it is
/// free again when the actor is dead. One that its supervisor restarts keeps
/// its name. Each hub has a registry, which the functions below use: names are
/// of one hub, and mean nothing on another.
///
/// Ownership  None of the actors.
/// Thread     Its hub's thread, and actors of that hub (`wrong_hub`).
/// Waits      Never.
/// Errors     `errc::name_taken`, `errc::unknown_name`; `errc::dead` for naming
///            a dead actor; `errc::wrong_type` for looking one up as an actor
///            that takes other messages.
/// Source     erlang:register; one of your own is what OTP calls `via`.
///
///     register_name("bank", spawn<account>());
///     if (auto bank = whereis<account>("bank")) bank->send(deposit{5});
///     name_ref<account>{"bank"}.send(deposit{5});
class registry {
public:
  registry();
  registry(const registry&) = delete;
  registry& operator=(const registry&) = delete;
  ~registry();

  /// The current hub's.
  static registry& here();

  template <class Actor>
  void register_name(std::string name, const actor_ref<Actor>& actor) {
    enter(std::move(name), actor.key(),
          typeid(typename Actor::actor_interface));
  }
  void unregister_name(const std::string& name);

  /// Nothing when nobody has the name.
  template <class Actor>
  std::optional<actor_ref<Actor>> whereis(const std::string& name) const {
    const auto found = find(name, typeid(typename Actor::actor_interface));
    if (!found) return std::nullopt;
    return actor_ref<Actor>{*found};
  }

  /// In alphabetical order.
  std::vector<std::string> names() const;
  /// Empty when it has none.
  std::string name_of(const reference_key& actor) const;

private:
  struct entry;

  void enter(std::string name, const reference_key& actor,
             const std::type_info& interface);
  std::optional<reference_key> find(const std::string& name,
                                    const std::type_info& interface) const;

  std::map<std::string, std::unique_ptr<entry>> names_;
  std::unordered_map<reference_key, entry*> actors_;
};

template <class Actor>
void register_name(std::string name, const actor_ref<Actor>& actor) {
  registry::here().register_name(std::move(name), actor);
}
inline void unregister_name(const std::string& name) {
  registry::here().unregister_name(name);
}
template <class Actor>
std::optional<actor_ref<Actor>> whereis(const std::string& name) {
  return registry::here().whereis<Actor>(name);
}
inline std::vector<std::string> registered_names() {
  return registry::here().names();
}

[[noreturn]] void throw_unknown_name(const std::string& name);

/// Whoever has a name at the time of each call: `errc::unknown_name` when
/// nobody has. A value, for the hub that it is used on.
template <class Actor>
class name_ref {
public:
  explicit name_ref(std::string name) : name_(std::move(name)) {}

  /// The actor that has the name now.
  actor_ref<Actor> get() const {
    const auto found = whereis<Actor>(name_);
    if (!found) throw_unknown_name(name_);
    return *found;
  }
  const std::string& name() const { return name_; }

  // As those of `actor_ref`.
  template <class Message>
  void send(Message message) const {
    get().send(std::move(message));
  }
  template <class Message>
  void send(Message message, deadline until) const {
    get().send(std::move(message), until);
  }
  template <class Message>
  bool try_send(Message message) const {
    return get().try_send(std::move(message));
  }
  template <class Message>
  async_result<reply_t<Message>> ask(Message message,
                                     deadline until = {}) const {
    return get().ask(std::move(message), until);
  }

  friend bool operator==(const name_ref&, const name_ref&) = default;

private:
  std::string name_;
};

} // namespace greenroom
