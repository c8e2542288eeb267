#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/mailbox/envelope.hpp>
#include <greenroom/mailbox/inbox_base.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

namespace greenroom {

template <class Message, class... Others>
concept one_of = (std::same_as<Message, Others> || ...);

template <class Message, class... Others>
constexpr int times_among = (int{std::same_as<Message, Others>} + ... + 0);

/// Says of messages of some of the types whether it wants them.
template <class Predicate, class... Messages>
concept mail_predicate = (std::predicate<Predicate&, const Messages&> || ...);

/// Mail of several types between greenlets of one hub, taken in order of
/// arrival or by choice.
///
/// Ownership  Owns the mail in it. A message given to `put` as an rvalue is
///            moved from when there is room, and untouched when `put` fails.
/// Thread     Its hub's thread only (a waiting call elsewhere: `wrong_hub`).
/// Waits      The taking calls while there is nothing they want; `put` while
///            full, if that is the policy. Putters and getters are served
///            oldest first, when the hub next drains; a call that finds what
///            it needs goes ahead of them, as with `queue`. `try_` forms and
///            `put_system` never wait.
/// Errors     `errc::timed_out`, `errc::closed`, `errc::destroyed`;
///            `errc::full` by policy `refuse`; a `put` by its own receiver
///            (`taken_by`) that would wait:
///            `std::errc::resource_deadlock_would_occur`. A kill while waiting
///            loses no mail. A message that throws when moved out is still
///            there.
/// Predicates Are shown each message once by a call, in order and in the
///            calling greenlet (after an `unstash_all`, again); may neither
///            wait nor take. What they throw leaves the call, and no mail is
///            lost. A type that one cannot be called with is not wanted.
/// Source     Erlang's receive; bounds as Akka has them.
///
///     inbox<line, quit> mail{100};
///     spawn([&] { mail.put(line{"hello"}); });
///     std::variant<line, quit> next = mail.get();
///     quit last = mail.get<quit>(1s);
///     line long_one = mail.get_if<line>([](const line& l) {
///       return l.text.size() > 80;
///     });
template <class... Messages>
class inbox : public inbox_base {
  static_assert(sizeof...(Messages) > 0, "an inbox holds some type of message");
  static_assert(((times_among<Messages, Messages...> == 1) && ...),
                "an inbox names each type of message once");
  static_assert((std::is_object_v<Messages> && ...) &&
                    (std::same_as<Messages, std::remove_cv_t<Messages>> && ...),
                "an inbox's messages are plain types: no references, no const");

public:
  using any_message = std::variant<Messages...>;

  template <class Message>
  static constexpr bool accepts = one_of<Message, Messages...>;

  /// Without a bound.
  inbox() = default;
  /// `capacity` in messages, at least one.
  template <std::integral Count>
  explicit inbox(Count capacity, when_full policy = when_full::wait)
      : inbox_base(checked_capacity(capacity), policy) {}

  /// Adds a message at the end. Of an lvalue, it is a copy made now.
  template <class Message>
  void put(Message&& message, deadline until = {}) {
    std::error_code failed;
    if (!put(std::forward<Message>(message), until, failed))
      throw std::system_error(failed, "inbox::put");
  }
  template <class Message>
  bool put(Message&& message, deadline until, std::error_code& failed) {
    if constexpr (std::is_lvalue_reference_v<Message>)
      return put(std::remove_cvref_t<Message>(message), until, failed);
    else
      return put_as(admit(until, failed), std::forward<Message>(message));
  }

  /// False, and `message` untouched, when it would have to wait, or `put`
  /// would fail.
  template <class Message>
  bool try_put(Message&& message) {
    std::error_code failed;
    return put_as(try_admit(failed), std::forward<Message>(message));
  }

  /// Adds a message that the bound does not concern, ahead of all mail unless
  /// it is to wait its turn. `errc::closed`.
  template <class Message>
  void put_system(Message&& message, system_order order = system_order::first) {
    check_open("inbox::put_system");
    add_system(wrap<true>(std::forward<Message>(message)), order);
  }

  /// Takes the next message; while there is none, waits until `until`.
  any_message get(deadline until = {}) {
    search next;
    return take(next, &any<any_message>, until, "inbox::get");
  }
  std::optional<any_message> get(deadline until, std::error_code& failed) {
    search next;
    return take(next, &any<maybe_any>, until, "inbox::get", failed);
  }
  std::optional<any_message> try_get() {
    search next;
    return try_take(next, &any<maybe_any>);
  }

  /// Takes the next message of one type. What comes before it stays.
  template <one_of<Messages...> Message>
  Message get(deadline until = {}) {
    search next{&is_a<Message>};
    return take(next, &one<Message, Message>, until, "inbox::get");
  }
  template <one_of<Messages...> Message>
  std::optional<Message> get(deadline until, std::error_code& failed) {
    search next{&is_a<Message>};
    return take(next, &one<maybe<Message>, Message>, until, "inbox::get",
                failed);
  }
  template <one_of<Messages...> Message>
  std::optional<Message> try_get() {
    search next{&is_a<Message>};
    return try_take(next, &one<maybe<Message>, Message>);
  }

  /// Takes the next message that `wanted` is true of.
  template <mail_predicate<Messages...> Predicate>
  any_message get_if(Predicate&& wanted, deadline until = {}) {
    choice<Predicate, Messages...> next{wanted};
    return take(next, &any<any_message>, until, "inbox::get_if");
  }
  template <mail_predicate<Messages...> Predicate>
  std::optional<any_message> get_if(Predicate&& wanted, deadline until,
                                    std::error_code& failed) {
    choice<Predicate, Messages...> next{wanted};
    return take(next, &any<maybe_any>, until, "inbox::get_if", failed);
  }
  template <mail_predicate<Messages...> Predicate>
  std::optional<any_message> try_get_if(Predicate&& wanted) {
    choice<Predicate, Messages...> next{wanted};
    return try_take(next, &any<maybe_any>);
  }

  /// Takes the next message of one type that `wanted` is true of.
  template <one_of<Messages...> Message, mail_predicate<Message> Predicate>
  Message get_if(Predicate&& wanted, deadline until = {}) {
    choice<Predicate, Message> next{wanted};
    return take(next, &one<Message, Message>, until, "inbox::get_if");
  }
  template <one_of<Messages...> Message, mail_predicate<Message> Predicate>
  std::optional<Message> get_if(Predicate&& wanted, deadline until,
                                std::error_code& failed) {
    choice<Predicate, Message> next{wanted};
    return take(next, &one<maybe<Message>, Message>, until, "inbox::get_if",
                failed);
  }
  template <one_of<Messages...> Message, mail_predicate<Message> Predicate>
  std::optional<Message> try_get_if(Predicate&& wanted) {
    choice<Predicate, Message> next{wanted};
    return try_take(next, &one<maybe<Message>, Message>);
  }

  /// Puts a message that was taken aside, until `unstash_all`.
  template <one_of<Messages...> Message>
  void stash(Message message) {
    inbox_base::stash(wrap<true>(std::move(message)));
  }
  void stash(any_message message) {
    std::visit([this](auto& each) { this->stash(std::move(each)); }, message);
  }

  /// Calls `hook` with each message that the bound drops, in the greenlet that
  /// puts. What it throws leaves that `put`.
  void on_drop(std::function<void(any_message)> hook) {
    if (!hook) return inbox_base::on_drop({});
    inbox_base::on_drop([call = std::move(hook)](envelope& dropped) {
      call(any<any_message>(dropped));
    });
  }

private:
  friend struct inbox_access;

  template <class Message>
  using maybe = std::optional<Message>;
  using maybe_any = maybe<any_message>;

  template <class Message>
  static constexpr std::uint32_t kind_of() {
    std::uint32_t kind = 0;
    (void)((std::same_as<Message, Messages> || (++kind, false)) || ...);
    return kind;
  }

  template <class Message>
  static Message& content(envelope& mail) {
    return static_cast<mail_of<Message>&>(mail).message;
  }

  template <class Message>
  static const Message& content(const envelope& mail) {
    return static_cast<const mail_of<Message>&>(mail).message;
  }

  // --- in ------------------------------------------------------------------

  template <class Message, bool Exempt>
  struct sealed final : mail_of<Message> {
    using mail_of<Message>::mail_of;
    std::uint32_t kind() const override { return kind_of<Message>(); }
    bool exempt() const override { return Exempt; }
  };

  template <bool Exempt = false, class Content>
  static std::unique_ptr<envelope> wrap(Content&& message) {
    using type = std::remove_cvref_t<Content>;
    static_assert(accepts<type>, "this inbox holds no messages of this type");
    return std::make_unique<sealed<type, Exempt>>(
        std::forward<Content>(message));
  }

  template <class Content>
  bool put_as(admission now, Content&& message) {
    if (now == admission::let_in)
      add(wrap(std::forward<Content>(message)));
    else if (now != admission::dropped)
      return false;
    else if (shows_dropped())
      drop(wrap(std::forward<Content>(message)));
    else
      count_drop();
    return true;
  }

  // --- out -----------------------------------------------------------------

  template <class Message>
  static bool is_a(search&, const envelope& mail) {
    return mail.kind() == kind_of<Message>();
  }

  /// A search for messages of some types that a predicate is true of.
  template <class Predicate, class... Wanted>
  struct choice : search {
    explicit choice(Predicate& asked) : search(&ask), predicate(asked) {}

    static bool ask(search& self, const envelope& mail) {
      using ask_function = bool (*)(Predicate&, const envelope&);
      static constexpr std::array<ask_function, sizeof...(Messages)> asks{
          &ask_of<Messages>...};
      return asks[mail.kind()](static_cast<choice&>(self).predicate, mail);
    }

    template <class Message>
    static bool ask_of(Predicate& predicate, const envelope& mail) {
      if constexpr (one_of<Message, Wanted...> &&
                    mail_predicate<Predicate, Message>)
        return std::invoke(predicate, content<Message>(mail));
      else
        return false;
    }

    Predicate& predicate;
  };

  /// Makes the result of a taking call out of the message in its envelope,
  /// which is moved once: if that throws, it stays.
  template <class Taken>
  using opener = Taken (*)(envelope&);

  template <class Taken, class Message>
  static Taken one(envelope& mail) {
    Message& message = content<Message>(mail);
    if constexpr (std::same_as<Taken, Message>)
      return Taken(std::move(message));
    else
      return Taken(std::in_place, std::move(message));
  }

  template <class Taken, class Message>
  static Taken alternative(envelope& mail) {
    Message& message = content<Message>(mail);
    constexpr std::in_place_type_t<Message> which;
    if constexpr (std::same_as<Taken, any_message>)
      return Taken(which, std::move(message));
    else
      return Taken(std::in_place, which, std::move(message));
  }

  template <class Taken>
  static Taken any(envelope& mail) {
    static constexpr std::array<opener<Taken>, sizeof...(Messages)> open{
        &alternative<Taken, Messages>...};
    return open[mail.kind()](mail);
  }

  template <class Taken>
  Taken take(search& next, opener<Taken> open, deadline until,
             const char* what) {
    std::error_code failed;
    if (!find(next, until, what, failed)) throw std::system_error(failed, what);
    return take_found(next, open);
  }
  template <class Taken>
  Taken take(search& next, opener<Taken> open, deadline until, const char* what,
             std::error_code& failed) {
    if (!find(next, until, what, failed)) return std::nullopt;
    return take_found(next, open);
  }
  template <class Taken>
  Taken try_take(search& next, opener<Taken> open) {
    if (!try_find(next)) return std::nullopt;
    return take_found(next, open);
  }
  template <class Taken>
  Taken take_found(const search& next, opener<Taken> open) {
    Taken taken = open(next.found());
    discard(next);
    return taken;
  }
};

} // namespace greenroom
