#pragma once

#include <greenroom/actors/request.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/watch.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <ranges>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace greenroom {

/// Whom one can ask: an `actor_ref`, an `address`, or what has their `ask`.
template <class Target, class Message>
concept askable = requires(const Target& target, Message message,
                           deadline until) {
  {
    target.ask(std::move(message), until)
    } -> std::same_as<async_result<reply_t<Message>>>;
};

template <class Targets, class Message>
concept askable_range = std::ranges::input_range<Targets> &&
    askable<std::ranges::range_value_t<Targets>, Message>;

namespace inside {

/// A wait for results of this hub, in the order in which they become ready.
class results_wait {
public:
  enum class needs : bool { one, all };

  /// Of `answers`, which outlive it.
  template <class Reply>
  results_wait(const std::vector<async_result<Reply>>& answers, needs which)
      : needs_(which), places_(std::make_unique<watch[]>(answers.size())) {
    watch* place = places_.get();
    for (const auto& each : answers) {
      each.ready() ? place->notice(all_)
                   : place->stand_in(all_, each.watchers());
      ++place;
      if (needs_ == needs::all) states_.push_back(&each.any_state());
    }
    group_.members = states_;
    group_.check_circles(); // those that close later find this wait
  }

  /// The index of the next; nothing when `until` passed.
  std::optional<std::size_t> next(deadline until);

private:
  needs needs_;
  std::vector<const result_state*> states_; // if it needs all
  result_group group_;
  watch_set all_{needs_ == needs::all ? result_group::wait_name : "first_reply",
                 &group_};
  std::unique_ptr<watch[]> places_;
};

/// Why asking failed, as the answer.
template <class Reply>
async_result<Reply> failed_answer(std::exception_ptr why) {
  async_result<Reply> answer;
  answer.set_exception(std::move(why));
  return answer;
}

template <class Message, class Target>
async_result<reply_t<Message>> ask_one(const Target& target,
                                       const Message& message, deadline until) {
  try {
    return target.ask(Message(message), until);
  } catch (const std::system_error&) { // no room in its inbox
    return failed_answer<reply_t<Message>>(std::current_exception());
  }
}

template <class Message, class Targets>
auto begin_asking(const Targets& targets, const Message& message,
                  deadline until) {
  static_assert(std::copy_constructible<Message>,
                "gather: each actor gets a copy of the message");
  std::vector<async_result<reply_t<Message>>> answers;
  for (const auto& each : targets)
    answers.push_back(ask_one(each, message, until));
  return answers;
}

[[noreturn]] void refuse_nobody(const char* what);

} // namespace inside

/// Asks every one of `targets` and waits for all answers. Returns them in the
/// order of `targets`, each ready: with a value, or with the error why there is
/// none, which is `errc::timed_out` for those that have not come by `until`.
///
/// Ownership  Each target gets a copy of the message. A reply that comes later
///            is dropped, and nothing is left behind, also by a kill.
/// Thread     Targets of any hub.
/// Waits      For the replies and, one after the other, for room in the inboxes
///            of policy `wait`.
/// Errors     In the answers.
/// Source     Akka's ask with aggregation, asyncio.gather.
///
///     for (auto& answer : ask_all(shards, lookup{"k"}, 1s))
///       if (answer.successful()) use(answer.get());
template <class Message, askable_range<Message> Targets>
std::vector<async_result<reply_t<Message>>>
ask_all(const Targets& targets, const Message& message, deadline until = {}) {
  using reply = reply_t<Message>;
  auto answers = inside::begin_asking(targets, message, until);
  for (auto& each : answers)
    try {
      if (!each.wait(until)) throw_error(errc::timed_out, "ask_all");
    } catch (const std::system_error&) { // or asks in a circle, or lost
      each = inside::failed_answer<reply>(std::current_exception());
    }
  return answers;
}

/// As `ask_all`; returns the replies themselves, or throws the first error as
/// soon as it is known.
///
///     std::vector<long> balances = gather(accounts, balance{}, 1s);
template <class Message, askable_range<Message> Targets>
auto gather(const Targets& targets, const Message& message,
            deadline until = {}) {
  using reply = reply_t<Message>;
  const auto answers = inside::begin_asking(targets, message, until);
  inside::results_wait all{answers, inside::results_wait::needs::all};
  for (std::size_t left = answers.size(); left > 0; --left) {
    const auto ready = all.next(until);
    if (!ready) throw_error(errc::timed_out, "gather");
    if (auto error = answers[*ready].exception()) std::rethrow_exception(error);
  }
  if constexpr (!std::is_void_v<reply>) {
    std::vector<reply> replies;
    replies.reserve(answers.size());
    for (auto each : answers)
      replies.push_back(each.take());
    return replies;
  }
}

/// Asks every one of `targets`; returns the first value that comes. When none
/// does, throws the first error. The others' replies are dropped.
///
/// Errors     `errc::timed_out` when `until` passed; `std::invalid_argument`
///            when there is nobody to ask.
///
///     page found = first_reply(mirrors, fetch{path}, 2s);
template <class Message, askable_range<Message> Targets>
reply_t<Message> first_reply(const Targets& targets, const Message& message,
                             deadline until = {}) {
  auto answers = inside::begin_asking(targets, message, until);
  inside::results_wait all{answers, inside::results_wait::needs::one};
  std::exception_ptr first_error;
  for (std::size_t left = answers.size(); left > 0; --left) {
    const auto ready = all.next(until);
    if (!ready) throw_error(errc::timed_out, "first_reply");
    auto& answer = answers[*ready];
    if (answer.successful()) {
      if constexpr (std::is_void_v<reply_t<Message>>)
        return;
      else
        return answer.take();
    }
    if (!first_error) first_error = answer.exception();
  }
  if (!first_error) inside::refuse_nobody("first_reply");
  std::rethrow_exception(first_error);
}

} // namespace greenroom
