#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/hub/watch.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <concepts>
#include <cstddef>
#include <deque>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace greenroom {

/// What several can be waited on at once: it says whether a call that takes
/// would find something (or fail at once), and who is to be woken when that
/// changes. Events, semaphores, queues, channels, inboxes, alarms, and what you
/// make so.
template <class Object>
concept watchable = requires(Object& object) {
  { object.ready() } -> std::convertible_to<bool>;
  { object.watchers() } -> std::same_as<wait_list&>;
};

/// An object that can be waited on with others: a greenlet, an `async_result`,
/// or anything `watchable`.
///
/// Ownership  Shares a greenlet or an `async_result`; refers to everything
///            else, which must outlive it.
/// Thread     The object's hub.
class any_waitable {
public:
  any_waitable(greenlet_base& greenlet);
  any_waitable(const any_greenlet& greenlet) : any_waitable(*greenlet) {}
  template <class Value>
  any_waitable(const async_result<Value>& result)
      : target_(std::make_shared<watched_copy<async_result<Value>>>(result)) {}
  template <class Value>
  any_waitable(async_result<Value>& result)
      : any_waitable(std::as_const(result)) {}
  template <watchable Object>
  any_waitable(Object& object)
      : target_(std::make_shared<watched_object<Object>>(object)) {}

  bool ready() const { return target_->ready(); }

  /// It stands for the same object.
  friend bool operator==(const any_waitable& one, const any_waitable& other) {
    return one.target_->identity() == other.target_->identity();
  }

private:
  friend class ready_ones;

  struct target {
    virtual ~target() = default;
    virtual bool ready() const = 0;
    virtual void stand(watch& place, watch_set& all) const = 0;
    virtual const void* identity() const = 0;
  };

  struct watched_greenlet;

  template <class Object>
  struct watched_object final : target {
    explicit watched_object(Object& referred) : object(referred) {}
    bool ready() const override { return object.ready(); }
    void stand(watch& place, watch_set& all) const override {
      place.stand_in(all, object.watchers());
    }
    const void* identity() const override { return &object.watchers(); }
    Object& object;
  };

  template <class Handle>
  struct watched_copy final : target {
    explicit watched_copy(const Handle& shared) : handle(shared) {}
    bool ready() const override { return handle.ready(); }
    void stand(watch& place, watch_set& all) const override {
      place.stand_in(all, handle.watchers());
    }
    const void* identity() const override { return &handle.watchers(); }
    mutable Handle handle;
  };

  std::shared_ptr<const target> target_;
};

/// What `iwait` returns: a range of the objects that become ready, in the
/// order in which they do.
///
/// Ownership  As `any_waitable`. Its end leaves all that it still waits on.
/// Waits      `next`, and stepping its iterator.
class ready_ones {
public:
  ready_ones(std::span<const any_waitable> objects, deadline until,
             std::size_t count);
  ready_ones(const ready_ones&) = delete;
  ready_ones& operator=(const ready_ones&) = delete;

  /// The next that is ready; nothing when all were, `count` were, or `until`
  /// has passed. Throws `errc::destroyed` when an object was destroyed.
  std::optional<any_waitable> next();

  class iterator {
  public:
    using value_type = any_waitable;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(ready_ones& from) : from_(&from), at_(from.next()) {}

    const any_waitable& operator*() const { return *at_; }
    const any_waitable* operator->() const { return &*at_; }
    iterator& operator++() {
      at_ = from_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& here, std::default_sentinel_t) {
      return !here.at_;
    }

  private:
    ready_ones* from_ = nullptr;
    std::optional<any_waitable> at_;
  };

  iterator begin() { return iterator{*this}; }
  std::default_sentinel_t end() const { return {}; }

private:
  struct entry : watch {
    explicit entry(const any_waitable& of) : object(of) {}
    any_waitable object;
  };

  watch_set watches_;
  std::deque<entry> entries_; // in order of the arguments
  deadline until_;
  std::size_t left_; // that may still be returned
};

/// The count of `wait` and `iwait` unless given.
inline constexpr std::size_t all_of_them =
    std::numeric_limits<std::size_t>::max();

/// Waits until all of `objects` are ready, or `count` of them, or `until` has
/// passed. Returns those that are: first those that were ready at once, in the
/// order of the arguments, then the others in the order in which they became
/// it. An object given twice is returned twice. Takes nothing: when the caller
/// runs, a queue may have been emptied by a quicker one (see `select`).
///
/// Waits      Only if there are fewer than `count` ready now.
/// Errors     `errc::destroyed` when an object was destroyed meanwhile.
/// Source     gevent.wait; GEVENT.md 1.1.
///
///     auto done = wait({download, stopped, jobs}, 5s, 1);
///     if (!done.empty() && done.front() == stopped) return;
std::vector<any_waitable> wait(std::span<const any_waitable> objects,
                               deadline until = {},
                               std::size_t count = all_of_them);
std::vector<any_waitable> wait(std::initializer_list<any_waitable> objects,
                               deadline until = {},
                               std::size_t count = all_of_them);

/// As `wait`, one at a time, so that the first can be seen to while the others
/// are still awaited; what becomes ready meanwhile is not missed.
///
///     for (const any_waitable& ready : iwait({first, second}, 5s)) ...
ready_ones iwait(std::span<const any_waitable> objects, deadline until = {},
                 std::size_t count = all_of_them);
ready_ones iwait(std::initializer_list<any_waitable> objects,
                 deadline until = {}, std::size_t count = all_of_them);

} // namespace greenroom
