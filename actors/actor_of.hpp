#pragma once

#include <greenroom/actors/actor_base.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/actors/request.hpp>
#include <greenroom/mailbox/inbox.hpp>

#include <memory>
#include <utility>

namespace greenroom {

/// An actor of any style that takes these messages: it has the inbox.
template <class... Messages>
class actor_of : public actor_base {
  static_assert(sizeof...(Messages) > 0, "an actor takes some message");

public:
  using inbox_type = greenroom::inbox<Messages...>;

  /// Whether it can be sent such a message.
  template <class Message>
  static constexpr bool accepts =
      one_of<Message, Messages...> || one_of<request<Message>, Messages...>;
  /// Whether it answers such a message through a `request`.
  template <class Message>
  static constexpr bool takes_request = one_of<request<Message>, Messages...>;

protected:
  explicit actor_of(step_function first) : actor_base(first) {}

  /// The mail that waits: for taking some of it out of turn, or for putting it
  /// aside with `stash` until `unstash_all`.
  inbox_type& inbox() { return inbox_; }

  /// Gets a `down` when `target` ends; at once if it is dead, with reason
  /// `noproc`. Each call gets one, from an actor that its supervisor restarts
  /// one each time. One-way: nothing happens to `target` if this actor ends.
  /// An actor of another hub may be monitored, too; when that hub ends and
  /// leaves it, the reason is `noconnection`.
  template <class Actor>
  monitor_id monitor(const actor_ref<Actor>& target) {
    static_assert(accepts<down>, "monitor: this actor has no receive(down)");
    return actor_base::monitor(target.key());
  }
  monitor_id monitor(greenlet_base& target) {
    static_assert(accepts<down>, "monitor: this actor has no receive(down)");
    return actor_base::monitor(target, {});
  }
  /// No `down` comes from it after this, nor stays in the inbox. True when the
  /// target had not ended.
  bool demonitor(monitor_id id) {
    const bool live = actor_base::demonitor(id);
    if constexpr (accepts<down>)
      (void)inbox_.template try_get_if<down>(
          [id](const down& each) { return each.id == id; });
    return live;
  }

  /// From now on exit signals, but for the `kill` of `exit`, come as messages.
  void trap_exits(bool traps = true) {
    static_assert(accepts<exit_signal>,
                  "trap_exits: this actor has no receive(exit_signal)");
    set_traps_exits(traps);
  }

private:
  friend struct actor_access;
  template <class... Others>
  friend class actor;

  inbox_base& own_inbox() final { return inbox_; }
  std::unique_ptr<envelope> wrap_down(down&& message) final {
    return wrap(std::move(message));
  }
  std::unique_ptr<envelope> wrap_exit(exit_signal&& message) final {
    return wrap(std::move(message));
  }
  template <class Message>
  static std::unique_ptr<envelope> wrap(Message&& message) {
    if constexpr (accepts<Message>)
      return inbox_access::wrap_exempt<inbox_type>(std::move(message));
    else
      return nullptr;
  }

  template <class Message>
  static std::unique_ptr<envelope> wrap_new() {
    return wrap(Message{});
  }

  inbox_type inbox_;
};

} // namespace greenroom
