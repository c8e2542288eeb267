#pragma once

#include <greenroom/actors/exit_reason.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/envelope.hpp>
#include <greenroom/mailbox/inbox_base.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

namespace greenroom {

template <class... Messages>
class actor_of;
class delayed_send;
template <class... Messages>
class inbox;
struct actor_info;
struct pool_seat;

/// Names one call of `monitor`.
enum class monitor_id : std::uint64_t {};

/// To an actor that monitors another: that one has ended. Comes after all mail
/// that it sent before.
struct down {
  monitor_id id{};
  reference_key who; ///< of an actor; else nobody
  std::string name;
  exit_reason why;
  /// Its supervisor restarts it: the monitor stays, and tells again when it
  /// ends again, or is given up.
  bool restarts = false;
};

/// To an actor that traps exits: one that it is linked to has ended, or
/// somebody called `exit` on it.
struct exit_signal {
  reference_key from; ///< the actor that ended, or called; else nobody
  exit_reason why;
};

/// To an actor that has had no mail for as long as `set_receive_timeout` says.
struct receive_timeout {};

/// Whether an actor that ends leaves its mail to the next in its place.
enum class inbox_keeping : std::uint8_t { no, unless_orderly, yes };

/// Other receivers of an actor's mail, for a time: see `actor::become`.
struct behaviour_base {
  virtual ~behaviour_base() = default;
};

/// The part of an actor that does not know its messages.
class actor_base : public greenlet_base {
public:
  /// Ends the actor when it has handled the mail that is in its inbox now;
  /// what comes later is a dead letter.
  void stop(exit_reason why = exit_kind::normal);

  /// Messages waiting.
  std::size_t inbox_size() const { return own_inbox().size(); }

protected:
  ~actor_base() override;

  /// Called before the first message, in the actor's own context.
  virtual void on_start() {}
  /// Called after the last message, however that ended it; must not throw.
  /// A killed actor may still wait here.
  virtual void on_stop(const exit_reason& why) { (void)why; }

  /// Ends this actor, from within, for that reason; mail left is dead.
  [[noreturn]] void exit(const exit_reason& why);

  /// Ties the two together: when one ends for any reason but `normal`, the
  /// other gets an exit signal, which ends it, too, unless it traps exits. Once
  /// is enough. Throws `errc::dead`, or sends itself the signal if it traps
  /// exits, when the other is dead. One of another hub that is dead sends the
  /// signal, `noproc`, in either case; one whose hub ends, `noconnection`.
  void link_to(const reference_key& other);
  void link_to(greenlet_base& other);
  template <class Actor>
  void link_to(const actor_ref<Actor>& other) {
    link_to(other.key());
  }
  /// No signal comes from `other` after this; one that is in the inbox stays.
  void unlink_from(const reference_key& other);
  void unlink_from(greenlet_base& other);
  template <class Actor>
  void unlink_from(const actor_ref<Actor>& other) {
    unlink_from(other.key());
  }

  /// At most so many messages wait; `down`, `exit_signal`, what was stashed and
  /// what comes from other hubs to a full inbox of policy `wait` are not
  /// counted. For the constructor.
  /// `std::invalid_argument` unless it is one at least.
  template <std::integral Count>
  void bound_inbox(Count capacity, when_full policy = when_full::wait) {
    set_inbox_bound(inbox_access::checked_capacity(capacity), policy);
  }

  reference_key key() const { return reference_key{place_}; }

private:
  friend struct actor_access;
  template <class... Messages>
  friend class actor_of;
  template <class... Messages>
  friend class actor;

  struct actor_extras; // what few actors have
  struct monitor_entry;
  struct near_monitor;
  struct distant_monitor;
  struct exit_pair;
  struct distant_half;
  struct distant_link;
  struct rest_timer;

  explicit actor_base(step_function first);

  virtual inbox_base& own_inbox() = 0;
  const inbox_base& own_inbox() const {
    return const_cast<actor_base*>(this)->own_inbox();
  }
  virtual std::unique_ptr<envelope> wrap_down(down&& message) = 0;
  virtual std::unique_ptr<envelope> wrap_exit(exit_signal&& message) = 0;
  /// Mail that does not open itself.
  virtual void open_sealed(std::unique_ptr<envelope> mail) = 0;

  void run() override {}
  void never_begun() noexcept final { end_inbox(); }

  // Its turns, by the classes that know the inbox.
  void first_turn(inbox_base& inbox);
  void mail_turn(inbox_base& inbox);
  void loop_turn();

  void start_up();
  void open_mail(inbox_base& inbox);
  void rest_or_end(const inbox_base& inbox);
  void rest_specially(const inbox_base& inbox);
  void end_actor() noexcept;
  void end_inbox() noexcept;
  void close_inbox() noexcept;
  void wake_for_mail() {
    if (state() != greenlet_state::idle) return;
    set_state(greenlet_state::running);
    make_ready();
  }
  void take_in(std::unique_ptr<envelope> mail, inbox_access::admission how);
  void set_inbox_bound(std::size_t capacity, when_full policy);
  void add_system(std::unique_ptr<envelope> mail);

  actor_extras& own_extras();
  actor_extras* extras_if_any() const noexcept;
  exit_reason ended_for() const;
  void exit_signalled(const reference_key& from, const exit_reason& why);
  void end_for(exit_reason why);
  monitor_id monitor(const reference_key& target);
  monitor_id monitor(greenlet_base& target, const reference_key& key);
  bool demonitor(monitor_id id);
  void set_traps_exits(bool traps) { traps_exits_ = traps; }
  using make_mail = std::unique_ptr<envelope> (*)();
  void set_rest_limit(std::chrono::nanoseconds limit, make_mail make);
  void note_rest();
  void set_state_timeout(const delayed_send& next);
  void drop_timers() noexcept;
  void set_behaviour(std::shared_ptr<behaviour_base> next);
  std::shared_ptr<behaviour_base> own_behaviour() const;
  std::shared_ptr<distant_monitor>
  begin_monitor_elsewhere(monitor_id id, const reference_key& target);
  monitor_id monitor_elsewhere(const reference_key& target);
  void move_monitors(actor_base& next);
  void drop_told();
  void drop_monitors() noexcept;
  exit_pair* pair_with(const greenlet_base& other) const;
  distant_half* half_with(const reference_key& other) const;
  void describe_ties(actor_info& info) const;

  reference_key::half place_;
  std::uint32_t handled_ = 0; // messages, modulo 2^32
  bool begun_ : 1 = false;
  bool traps_exits_ : 1 = false;
  bool has_behaviour_ : 1 = false;
  bool rest_is_special_ : 1 = false; // see rest_or_end
  inbox_keeping keeps_inbox_ = inbox_keeping::no;
};

/// For what is inside; not for programs.
struct actor_access {
  static reference_key key(const actor_base& made) { return made.key(); }
  template <class... Messages>
  static inbox<Messages...>& inbox_of(actor_of<Messages...>& actor) {
    return actor.inbox_;
  }
  static inbox_base& inbox_of(actor_base& any) { return any.own_inbox(); }
  /// Mail for a `plain` inbox.
  static void deliver(actor_base& to, inbox_base& inbox, envelope& mail) {
    inbox_access::add_plain(inbox, mail);
    to.wake_for_mail();
  }
  static void first_turn(actor_base& of, inbox_base& inbox) {
    of.first_turn(inbox);
  }
  static void mail_turn(actor_base& of, inbox_base& inbox) {
    of.mail_turn(inbox);
  }
  static void loop_turn(actor_base& of) { of.loop_turn(); }
  static std::shared_ptr<behaviour_base> behaviour(const actor_base& of) {
    return of.own_behaviour();
  }
  static bool has_behaviour(const actor_base& of) { return of.has_behaviour_; }
  static exit_reason ended_for(const actor_base& ended) {
    return ended.ended_for();
  }
  /// `from` says who calls, if that is an actor.
  static void exit(actor_base& target, const reference_key& from,
                   const exit_reason& why);
  struct watch_request;
  /// What, when it is called where `target` lives, has `watcher` monitor it.
  static watch_request watch_elsewhere(actor_base& watcher,
                                       const reference_key& target);
  static inbox_keeping keeps_inbox(const actor_base& of) {
    return of.keeps_inbox_;
  }
  /// Waits until an actor of another hub has ended: for good, or, if it is to
  /// be killed, the one that there is now. False when `until` passed first.
  static bool join_elsewhere(const reference_key& target, bool kill,
                             deadline until);

  // For supervisors.
  static async_result<void> start(actor_base& child);
  /// Exit signals neither end it nor come as messages, which it does not take.
  static void ignore_exits(actor_base& of) { of.set_traps_exits(true); }
  static void take_over(actor_base& child, actor_base* ended);
  static void keep_inbox(actor_base& child, inbox_keeping when);
  static void give_up(actor_base& ended);
  /// Waits until another has taken the place of the one that ended, or nobody
  /// will; false when `until` passed first.
  static bool join_next(actor_base& ended, deadline until);
  static void end_for(actor_base& child, exit_reason why, bool brutally);
  static std::uint32_t handled(const actor_base& of) { return of.handled_; }

  // For those who look at it.
  static actor_info info_of(const actor_base& actor);
  /// Its inbox is held, called into, or not held any more.
  static void rest_anew(actor_base& actor) {
    actor.rest_is_special_ = true;
    actor.wake_for_mail();
  }
  static void opened_no_message(actor_base& actor) { --actor.handled_; }

  // For pools.
  static void enter_pool(actor_base& worker, std::shared_ptr<pool_seat> seat);
  static pool_seat& seat_of(const actor_base& worker);
  /// The next that `from` has, and there is one; it counts as handled there.
  static void hand_over(actor_base& from, actor_base& to);
  static void wake(actor_base& actor) { actor.wake_for_mail(); }

  /// Adds `mail` as the inbox allows: may wait until `until`. False when that
  /// `failed`; for a closed inbox it is a dead letter, which is no failure.
  static bool put(const reference_key& to, std::unique_ptr<envelope> mail,
                  deadline until, std::error_code& failed);
  static bool try_put(const reference_key& to, std::unique_ptr<envelope> mail);
  /// From another hub, where nobody can wait for room.
  static void put_anyhow(const reference_key& to,
                         std::unique_ptr<envelope> mail);
};

/// Why a greenlet that is dead ended.
exit_reason exit_reason_of(const greenlet_base& ended);

} // namespace greenroom
