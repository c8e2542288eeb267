#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/watch.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace greenroom {

/// What an item can be taken from by `select`: queues, channels, inboxes. When
/// it is ready, `get` does not wait.
template <class Source>
concept takeable = watchable<Source> && requires(Source& source) {
  source.get();
  { source.drained() } -> std::convertible_to<bool>;
};

/// One of the things that a `select` waits for. Made by `from` and `when`.
class select_case {
public:
  select_case() = default;
  select_case(const select_case&) = delete;
  select_case& operator=(const select_case&) = delete;

  virtual bool happened() = 0;
  /// Waits for it with others.
  virtual void join(watch_set& all) = 0;
  /// Calls the handler, with what there is to take; only when it has happened.
  virtual void handle() = 0;

  watch place; // among those who wait for it

protected:
  ~select_case() = default;
};

/// The part of `select` that does not know its cases: waits until one can be
/// chosen and returns its index, or nothing when `until` passed.
std::optional<std::size_t> choose(std::span<select_case* const> cases,
                                  deadline until);

namespace inside {

template <class Source, class Handler, class AtEnd>
class take_case final : public select_case {
public:
  take_case(Source& source, Handler&& handler, AtEnd&& at_end)
      : source_(source), handler_(std::move(handler)),
        at_end_(std::move(at_end)) {}

  bool happened() override { return source_.ready(); }
  void join(watch_set& all) override {
    place.stand_in(all, source_.watchers());
  }
  void handle() override {
    if (source_.drained())
      at_end_();
    else
      handler_(source_.get()); // made in the handler's own parameter
  }

private:
  Source& source_;
  Handler handler_;
  AtEnd at_end_;
};

template <class Handler>
class greenlet_case final : public select_case {
public:
  greenlet_case(greenlet_base& target, Handler&& handler)
      : target_(target), handler_(std::move(handler)) {}

  bool happened() override { return target_.dead(); }
  void join(watch_set& all) override { place.stand_in(all, *target_); }
  void handle() override { handler_(); }

private:
  any_greenlet target_;
  Handler handler_;
};

/// `Object` is a reference, or a handle that shares.
template <class Object, class Handler>
class ready_case final : public select_case {
public:
  ready_case(Object object, Handler&& handler)
      : object_(object), handler_(std::move(handler)) {}

  bool happened() override { return object_.ready(); }
  void join(watch_set& all) override {
    place.stand_in(all, object_.watchers());
  }
  void handle() override { handler_(); }

private:
  Object object_;
  Handler handler_;
};

[[noreturn]] inline void throw_closed() {
  throw_error(errc::closed, "select");
}

} // namespace inside

/// A case of `select`: an item of `source` (a queue, channel or inbox) is taken
/// and given to `handler`, as `handler(source.get())`: one that throws when it
/// is moved is still there. When the source is closed and drained, `at_end` is
/// called instead; without one `select` then throws `errc::closed`.
///
/// Ownership  Refers to `source`; owns the handlers.
template <takeable Source, class Handler>
auto from(Source& source, Handler handler) {
  return inside::take_case<Source, Handler, void (*)()>(
      source, std::move(handler), &inside::throw_closed);
}
template <takeable Source, class Handler, std::invocable AtEnd>
auto from(Source& source, Handler handler, AtEnd at_end) {
  return inside::take_case<Source, Handler, AtEnd>(source, std::move(handler),
                                                   std::move(at_end));
}

/// A case of `select`: `object` is ready, or the greenlet has ended. Nothing
/// is taken; `handler`, if given, is called without arguments.
template <watchable Object, std::invocable Handler>
auto when(Object& object, Handler handler) {
  return inside::ready_case<Object&, Handler>(object, std::move(handler));
}
template <class Value, std::invocable Handler>
auto when(const async_result<Value>& result, Handler handler) {
  return inside::ready_case<async_result<Value>, Handler>(result,
                                                          std::move(handler));
}
template <std::invocable Handler>
auto when(greenlet_base& target, Handler handler) {
  return inside::greenlet_case<Handler>(target, std::move(handler));
}
template <std::invocable Handler>
auto when(const any_greenlet& target, Handler handler) {
  return when(*target, std::move(handler));
}

template <class Case>
concept case_of_select = std::derived_from<Case, select_case>;

/// Waits until one of the cases can happen, takes what there is to take,
/// exactly once and from that one only, and calls its handler. When several
/// can, the first in the order of the arguments is chosen: put what is urgent
/// first, and know that a source that is never empty starves those behind it.
/// Returns the chosen one's place.
///
/// Waits      When none can happen now. The handler may wait too.
/// Errors     `errc::closed` (see `from`), `errc::destroyed`. A kill or
///            timeout while waiting takes nothing.
/// Source     Go's select, in occam's PRI ALT order; gevent#1074.
///
///     select(from(control, [&](command c) { obey(c); }),
///            from(jobs, [&](job j) { work(j); }),
///            when(stopped, [&] { done = true; }));
template <case_of_select... Cases>
std::size_t select(Cases&&... cases) {
  return *select(deadline::never(), std::forward<Cases>(cases)...);
}

/// As above; nothing, and no handler called, when `until` passed first.
template <case_of_select... Cases>
std::optional<std::size_t> select(deadline until, Cases&&... cases) {
  static_assert(sizeof...(Cases) > 0, "select: of no cases");
  const std::array<select_case*, sizeof...(Cases)> all{&cases...};
  const std::optional<std::size_t> chosen = choose(all, until);
  if (chosen) all[*chosen]->handle();
  return chosen;
}

/// What `take_any` took, and from which.
template <class Item>
struct taken {
  template <takeable Source>
  taken(std::size_t chosen, Source& from) : place(chosen), item(from.get()) {}

  std::size_t place;
  Item item;
};

/// As `select` over any number of sources of one kind; nothing when `until`
/// passed, `errc::closed` when the one chosen is closed and drained. The item
/// is moved once, straight into the result: one that throws is still there.
///
///     std::vector<queue<job>*> inputs = ...;
///     auto [place, item] = *take_any(inputs);
template <takeable Source>
auto take_any(const std::vector<Source*>& sources, deadline until = {}) {
  using kind = inside::ready_case<Source&, void (*)()>;
  std::deque<kind> cases;
  std::vector<select_case*> all;
  for (Source* each : sources)
    all.push_back(&cases.emplace_back(*each, &inside::throw_closed));
  using result = std::optional<taken<decltype(sources.front()->get())>>;
  const auto chosen = choose(all, until);
  if (!chosen) return result{};
  Source& from = *sources[*chosen];
  if (from.drained()) inside::throw_closed();
  return result(std::in_place, *chosen, from);
}

} // namespace greenroom
