#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/mailbox/envelope.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace greenroom {

class greenlet_base;

/// What a full inbox does with more mail.
enum class when_full : std::uint8_t {
  wait,        ///< the putting greenlet waits for room
  drop_oldest, ///< the oldest mail makes room; `put` always succeeds
  drop_newest, ///< the new mail is dropped; `put` always succeeds
  refuse       ///< `put` fails with `errc::full`
};

/// Where a system message stands.
enum class system_order : std::uint8_t {
  first,  ///< ahead of all mail, after the system messages already there
  in_turn ///< after the mail already there
};

/// The part of `inbox` that does not know its message types: the mail in its
/// order, its bound, who waits, and who is woken when. Forty bytes at most;
/// the rest is made when first needed, so that a million idle actors can have
/// one each.
class inbox_base {
public:
  static constexpr std::size_t unbounded =
      std::numeric_limits<std::size_t>::max();

  inbox_base(const inbox_base&) = delete;
  inbox_base& operator=(const inbox_base&) = delete;

  /// Messages that can be taken; system messages count, stashed ones do not.
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// In messages. System messages and unstashed ones are outside it.
  std::size_t capacity() const;
  bool full() const;
  when_full policy() const;
  /// How many messages its bound has dropped.
  std::size_t dropped() const;

  /// Lets no more mail in: `put` fails with `errc::closed`, also for those who
  /// wait in it; what is there can be taken, then `get` fails likewise.
  void shutdown();
  /// As `shutdown`, and destroys what is there, stashed mail too.
  void shutdown_now();
  bool closed() const { return closed_; }
  /// Closed, and nothing is left to take.
  bool drained() const { return closed_ && empty(); }

  /// Puts what was stashed back, outside the bound, ahead of all mail but
  /// system messages, in the order of stashing. A getter that waits with a
  /// predicate looks at all the mail again.
  void unstash_all();
  std::size_t stashed() const;

  /// Names the one greenlet that takes from it. A `put` in that greenlet that
  /// would wait for room fails with `std::errc::resource_deadlock_would_occur`.
  void taken_by(const greenlet_base& receiver);

  /// Nothing is given out for the time being: see `suspend` of actors.
  bool held() const { return more_ && is_held(); }

  /// For waiting on several objects: there is something to take, or there
  /// will never be.
  bool ready() const { return empty() ? closed() : !held(); }
  wait_list& watchers();

protected:
  struct extras; // what an idle actor's inbox does without

  struct ring {
    ring* previous = this;
    ring* next = this;
  };

  /// One call that takes: what it wants, how far it has looked and, in the
  /// end, what it found. In the frame of the call.
  struct search : ring {
    using wants_function = bool (*)(search&, const envelope&);

    explicit search(wants_function choice = nullptr) : wants(choice) {}
    search(const search&) = delete;
    search& operator=(const search&) = delete;
    ~search() {
      if (among) leave();
    }
    void leave();
    envelope& found() const { return *list->after(before); }

    wants_function wants; // null: anything will do
    mail_list* list = nullptr;
    envelope* before = nullptr;      // what it found is the one after this
    envelope* seen_system = nullptr; // the last it has looked at, of each list
    envelope* seen_mail = nullptr;
    extras* among = nullptr; // the getters it has joined, to wait
    std::optional<wait_list> place;
  };

  using drop_hook = std::function<void(envelope&)>;
  using take_hook = std::function<void(const envelope&)>;
  enum class admission : std::uint8_t { let_in, dropped, refused, must_wait };

  inbox_base();
  inbox_base(std::size_t capacity, when_full policy);
  ~inbox_base();

  template <std::integral Count>
  static std::size_t checked_capacity(Count capacity) {
    if (std::cmp_less(capacity, 1)) refuse_capacity(std::to_string(capacity));
    return static_cast<std::size_t>(capacity);
  }

  /// Whether mail may be added now; waits for room if that is the policy.
  admission admit(deadline until, std::error_code& failed);
  admission try_admit(std::error_code& failed);
  /// Adds mail that was let in. May destroy the oldest.
  void add(std::unique_ptr<envelope> mail);
  /// Throws `errc::closed` on behalf of `what`.
  void check_open(const char* what) const;
  /// These take what is exempt.
  void add_system(std::unique_ptr<envelope> mail, system_order order);
  void stash(std::unique_ptr<envelope> mail);

  /// The bound has dropped a message.
  void drop(std::unique_ptr<envelope> mail);
  /// The same where nobody wants to see it.
  void count_drop();
  bool shows_dropped() const;
  void on_drop(drop_hook hook);

  /// Waits until there is what `wanted` wants; false when it `failed`.
  bool find(search& wanted, deadline until, const char* what,
            std::error_code& failed);
  bool try_find(search& wanted);
  /// Takes out and destroys what was found.
  void discard(const search& found);

private:
  friend struct inbox_access;

  [[noreturn]] static void refuse_capacity(const std::string& capacity);
  extras& more();
  bool is_held() const;
  bool is_over() const { return empty() ? closed_ : closed_ && !held(); }
  bool has_next_of_all() const;
  bool has_call() const;
  void add_call(std::unique_ptr<envelope> call);
  void hold(bool held);
  void on_take(take_hook hook);
  void tell_taken(const envelope& taken);
  void check_thread() const;
  void check_no_predicate(const char* call) const;
  admission wait_for_room(deadline until, std::error_code& failed);
  envelope* take_next_of_all();
  void set_bound(std::size_t capacity, when_full policy);
  void inherit(inbox_base& other);
  bool look(search& wanted);
  bool look_at_all(search& wanted);
  bool remove(search& wanted);
  void drop_calls();
  bool look_in(mail_list& list, envelope*& seen, search& wanted);
  std::unique_ptr<envelope> unlink(mail_list& from, envelope* before);
  std::unique_ptr<envelope> unlink_oldest();

  // Hub thread only.
  mail_list mail_; // oldest first; system messages to come first are in more_
  std::unique_ptr<extras> more_;
  std::uint32_t size_ = 0;
  bool closed_ = false;
  bool looking_ = false; // a predicate is being asked
};

/// For owners that handle mail as it comes, as actors do; not for programs.
struct inbox_access {
  using admission = inbox_base::admission;

  /// Anything may be added, and nobody need be told.
  static bool plain(const inbox_base& to) { return !to.more_ && !to.closed_; }
  /// To a plain one. Takes over `mail`.
  static void add_plain(inbox_base& to, envelope& mail) {
    to.mail_.push_back(mail);
    ++to.size_;
  }
  /// Gives away the next; null when there is none.
  static envelope* take_next(inbox_base& from) {
    if (from.more_) [[unlikely]]
      return from.take_next_of_all();
    envelope* const next = from.mail_.take_front();
    if (next) --from.size_;
    return next;
  }
  /// `take_next` would find something.
  static bool has_next(const inbox_base& in) {
    return in.more_ ? in.has_next_of_all() : !in.empty();
  }
  /// Adds what is no message, and for `take_next` only: ahead of all mail, and
  /// also while that is held.
  static void add_call(inbox_base& to, std::unique_ptr<envelope> call) {
    to.add_call(std::move(call));
  }
  /// Destroys all such.
  static void drop_calls(inbox_base& of) {
    if (of.more_) of.drop_calls();
  }
  /// What `take_next` would give away is one of these.
  static bool has_call(const inbox_base& in) {
    return in.more_ && in.has_call();
  }
  /// Gives nothing out, or does so again.
  static void hold(inbox_base& mail, bool held) { mail.hold(held); }
  /// Calls `hook`, which neither waits nor throws, with each message when it is
  /// taken; a null one: no more.
  static void on_take(inbox_base& of, inbox_base::take_hook hook) {
    of.on_take(std::move(hook));
  }
  static admission admit(inbox_base& to, deadline until,
                         std::error_code& failed) {
    return to.admit(until, failed);
  }
  static admission try_admit(inbox_base& to, std::error_code& failed) {
    return to.try_admit(failed);
  }
  static void add(inbox_base& to, std::unique_ptr<envelope> mail) {
    to.add(std::move(mail));
  }
  static void add_system(inbox_base& to, std::unique_ptr<envelope> mail) {
    to.add_system(std::move(mail), system_order::in_turn);
  }
  using search = inbox_base::search;
  /// Destroys the next that is `wanted`, held or not; false when there is none.
  static bool remove(inbox_base& from, search& wanted) {
    return from.remove(wanted);
  }
  static void drop(inbox_base& from, std::unique_ptr<envelope> mail) {
    from.drop(std::move(mail));
  }
  template <std::integral Count>
  static std::size_t checked_capacity(Count capacity) {
    return inbox_base::checked_capacity(capacity);
  }
  /// For mail to come; what is there stays.
  static void set_bound(inbox_base& of, std::size_t capacity,
                        when_full policy) {
    of.set_bound(capacity, policy);
  }
  /// Takes mail again after `shutdown`.
  static void reopen(inbox_base& closed) { closed.closed_ = false; }
  /// Moves all mail of `from` ahead of that in `to`, stashed mail first, and
  /// closes `from`.
  static void move_all(inbox_base& from, inbox_base& to) { to.inherit(from); }

  // Of an `inbox<Messages...>`.
  template <class Inbox, class Message>
  static constexpr std::uint32_t kind_of() {
    return Inbox::template kind_of<Message>();
  }
  template <class Inbox, class Message>
  static Message& content(envelope& mail) {
    return Inbox::template content<Message>(mail);
  }
  template <class Inbox, class Message>
  static std::unique_ptr<envelope> wrap_exempt(Message&& message) {
    return Inbox::template wrap<true>(std::forward<Message>(message));
  }
};

} // namespace greenroom
