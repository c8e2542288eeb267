#pragma once

#include <greenroom/actors/group_call.hpp>
#include <greenroom/actors/imap.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/wait.hpp>

#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <ranges>
#include <span>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace greenroom {

/// Greenlets that are looked after together: joined, killed, and set to work
/// on the items of a range. A `pool` is a group with a bound.
///
/// A member leaves by itself in the drain after its end. Adding is no
/// ownership of its life: a group that is destroyed lets its members live on.
///
/// Ownership  Shares its members while they are in it. It must outlive the
///            calls on it; one that waits meanwhile gets `errc::destroyed`.
/// Thread     Its hub's thread; what changes it or waits on another throws
///            `wrong_hub`.
/// Waits      `join`, `kill`, `kill_one`, `apply`, `map`; in a full pool also
///            what adds. Whoever is killed there leaves nothing behind, and
///            the tasks it has started go on.
/// Errors     What leaves a task is logged and kept as for any greenlet.
/// Source     gevent.pool.Group; GEVENT.md 1.5.
///
///     group workers;
///     workers.spawn(fetch, first);
///     workers.spawn(fetch, second);
///     workers.join();
class group {
public:
  /// For `imap`: no bound on how far it works ahead of its reader.
  static constexpr std::size_t unbounded = imap_unbounded;

  group();
  /// Takes in all of `list`.
  explicit group(std::span<const any_greenlet> list);
  group(const group&) = delete;
  group& operator=(const group&) = delete;
  virtual ~group();

  // --- members -------------------------------------------------------------

  /// Takes in a greenlet, started or not; nothing happens if it is in. While
  /// a pool is full, waits until `until`, and then throws `errc::full`. Into
  /// a group that is being killed, what is added is killed at once.
  void add(any_greenlet member, deadline until = {});
  bool add(any_greenlet member, deadline until, std::error_code& failed);
  /// False when full.
  bool try_add(const any_greenlet& member);

  /// Adds `member`, as `add` does, and starts it.
  void start(greenlet_base& member, deadline until = {});
  bool start(greenlet_base& member, deadline until, std::error_code& failed);

  /// Forgets a member, which lives on; false when it is none.
  bool discard(const greenlet_base& member);

  /// As `greenroom::spawn`, of a member. Its arguments are copied now, also
  /// when a full pool makes the caller wait.
  template <class... Arguments, callable_with<Arguments...> Function>
  auto spawn(Function&& function, Arguments&&... arguments) {
    return spawn(spawn_options{}, std::forward<Function>(function),
                 std::forward<Arguments>(arguments)...);
  }
  template <class... Arguments, callable_with<Arguments...> Function>
  auto spawn(spawn_options options, Function&& function,
             Arguments&&... arguments) {
    auto made = inside::make_greenlet(std::forward<Function>(function),
                                      std::forward<Arguments>(arguments)...);
    enter(made, {});
    begin(*made, std::move(options));
    return made;
  }

  std::size_t size() const { return members_.size(); }
  bool empty() const { return members_.empty(); }
  bool contains(const greenlet_base& greenlet) const {
    return members_.count(&greenlet) > 0;
  }
  /// No room for another one.
  virtual bool full() const { return false; }

  /// The members of this moment, in the order in which they were added. The
  /// loop may wait, add and kill: it goes over a copy.
  class iterator;
  iterator begin() const;
  std::default_sentinel_t end() const { return {}; }

  // --- their end -----------------------------------------------------------

  /// Waits until the group has been empty once; false when `until` passed.
  /// A member would wait for itself: `resource_deadlock_would_occur`.
  bool join(deadline until = {});

  /// As `join`; throws afterwards, also at the deadline, the error of the
  /// member that failed first of those that ended meanwhile.
  bool join_or_throw(deadline until = {});

  /// Kills all members, and whoever is added meanwhile, and waits until the
  /// group has been empty once; false when `until` passed first. However
  /// often it is called, each member is struck once. A member that calls it
  /// is killed in place, after the others have been told.
  bool kill(deadline until = {}) { return kill_with({}, until); }
  template <kill_reason Exception>
  bool kill(Exception reason, deadline until = {}) {
    return kill_with(std::make_exception_ptr(std::move(reason)), until);
  }
  bool kill_with(std::exception_ptr reason, deadline until = {});

  /// As `kill`, of those who are members now, without waiting for the end.
  void kill_soon(std::exception_ptr reason = {});

  /// Kills a member, unless it has been struck already, and waits for its
  /// end; false when `until` passed first. True at once for one that is no
  /// member.
  bool kill_one(greenlet_base& member, deadline until = {});

  // --- work ----------------------------------------------------------------

  /// Calls `function(arguments...)` in a member and returns its result, or
  /// throws its error. Called by a member it runs in place, so that a full
  /// pool does not wait for itself.
  ///
  ///     int sum = workers.apply(std::plus{}, 2, 3);   // 5
  template <class... Arguments, callable_with<Arguments...> Function>
  auto apply(Function&& function, Arguments&&... arguments)
      -> applied<Function, Arguments...> {
    if (contains(current())) {
      std::decay_t<Function> call(std::forward<Function>(function));
      std::tuple<std::decay_t<Arguments>...> bound(
          std::forward<Arguments>(arguments)...);
      return std::apply(call, bound);
    }
    return spawn(std::forward<Function>(function),
                 std::forward<Arguments>(arguments)...)
        .take();
  }

  /// As `spawn`, and never waits: while a pool is full, the greenlet returned
  /// is not started and no member; it becomes one when its turn has come.
  template <class... Arguments, callable_with<Arguments...> Function>
  auto apply_async(Function&& function, Arguments&&... arguments) {
    auto made = inside::make_greenlet(std::forward<Function>(function),
                                      std::forward<Arguments>(arguments)...);
    start_soon(made);
    return made;
  }

  /// Calls `function(item)` for each item of the range, each in a member of
  /// its own, and returns the results in the order of the range (nothing,
  /// when `function` returns void). Throws the error of the first item that
  /// failed, by its place; the other tasks go on. `errc::timed_out` when
  /// `until` passed; the tasks started go on. All calls share one `function`.
  ///
  /// A member of a full pool waits for ever here: see `apply`.
  ///
  ///     std::vector<int> lengths = workers.map(urls, fetch);
  template <std::ranges::input_range Range, maps_over<Range> Function>
  auto map(Range&& range, Function&& function, deadline until = {}) {
    const group_call call{*this};
    const auto shared = std::make_shared<std::decay_t<Function>>(
        std::forward<Function>(function));
    std::vector<greenlet<mapped<Function, Range>>> tasks;
    for (auto&& item : range) { // the range may wait, too
      auto task = inside::make_greenlet(
          [shared](auto& own) { return std::invoke(*shared, own); },
          std::forward<decltype(item)>(item));
      call.on("group::map").start_task(*task, until);
      tasks.push_back(std::move(task));
    }
    return take_all(tasks, until);
  }

  /// `map` in a greenlet of its own, which is no member. An lvalue range must
  /// live until that has ended; others are kept.
  template <std::ranges::input_range Range, maps_over<Range> Function>
  auto map_async(Range&& range, Function&& function) {
    return greenroom::spawn(
        [call = std::make_unique<group_call>(*this),
         kept = kept_range<Range>{std::forward<Range>(range)},
         own = std::decay_t<Function>(
             std::forward<Function>(function))]() mutable {
          return call->on("group::map_async").map(kept.range, std::move(own));
        });
  }

  /// As `map`, giving the results one by one, in the order of the range, as
  /// they arrive. Goes on working while the reader does, at most `max_ahead`
  /// items ahead of it, so that the range may be endless. See `imap_results`
  /// for failed items and for what its end does.
  ///
  ///     for (const std::string& page : workers.imap(urls, fetch)) print(page);
  template <std::ranges::input_range Range, maps_over<Range> Function>
  auto imap(Range&& range, Function&& function,
            std::size_t max_ahead = imap_default_ahead) {
    return make_imap(imap_order::of_range, max_ahead,
                     std::forward<Range>(range),
                     std::forward<Function>(function));
  }

  /// As `imap`, in the order in which the tasks end.
  template <std::ranges::input_range Range, maps_over<Range> Function>
  auto imap_unordered(Range&& range, Function&& function,
                      std::size_t max_ahead = imap_default_ahead) {
    return make_imap(imap_order::of_completion, max_ahead,
                     std::forward<Range>(range),
                     std::forward<Function>(function));
  }

protected:
  hub& home() const { return emptied_.home(); }

private:
  friend class group_call;

  struct member : greenlet_link {
    member(group& in, any_greenlet greenlet);
    group& owner;
    any_greenlet target;
    member* older = nullptr; // among the members, by the time of adding
    member* newer = nullptr;
    bool dying = false; // struck by a kill
  };
  using members = std::unordered_map<const greenlet_base*, member>;

  /// Returns when not full; false when `until` passed first.
  virtual bool wait_for_room(deadline until);
  /// A member has left.
  virtual void room_made() {}

  void check_thread() const;
  bool enter(const any_greenlet& greenlet, deadline until);
  void insert(const any_greenlet& greenlet);
  static void begin(greenlet_base& entered, spawn_options&& options);
  members::node_type take_out(members::iterator place);
  static void member_ended(greenlet_link& link, greenlet_base& ended);
  void strike(member& one, const std::exception_ptr& reason);
  bool is_own_member_running() const;
  bool wait_until_empty(deadline until, const char* what);
  struct delayed_task;
  void start_soon(any_greenlet task);
  void start_task(greenlet_base& task, deadline until);

  template <class Result>
  static auto take_all(std::vector<greenlet<Result>>& tasks, deadline until) {
    if constexpr (std::is_void_v<Result>) {
      for (auto& each : tasks)
        each.take(until);
    } else {
      std::vector<Result> results;
      results.reserve(tasks.size());
      for (auto& each : tasks)
        results.push_back(each.take(until));
      return results;
    }
  }

  template <class Range, class Function>
  auto make_imap(imap_order order, std::size_t max_ahead, Range&& range,
                 Function&& function) {
    using job = imap_job<Range, std::decay_t<Function>>;
    return imap_results<mapped<Function, Range>>(std::make_shared<job>(
        *this, order, max_ahead, std::forward<Range>(range),
        std::forward<Function>(function)));
  }

  // Hub thread only.
  members members_;
  member* oldest_ = nullptr;
  member* newest_ = nullptr;
  group_call* calls_ = nullptr; // under way
  wait_list emptied_;           // who waits until there are no members
};

/// Goes over what were the members when the loop began.
class group::iterator {
public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = any_greenlet;
  using difference_type = std::ptrdiff_t;

  const any_greenlet& operator*() const { return (*all_)[at_]; }
  const any_greenlet* operator->() const { return &**this; }
  iterator& operator++() {
    ++at_;
    return *this;
  }
  void operator++(int) { ++at_; }
  friend bool operator==(const iterator& one, std::default_sentinel_t) {
    return one.at_ == one.all_->size();
  }

private:
  friend class group;
  explicit iterator(std::vector<any_greenlet> all)
      : all_(
            std::make_shared<const std::vector<any_greenlet>>(std::move(all))) {
  }

  std::shared_ptr<const std::vector<any_greenlet>> all_;
  std::size_t at_ = 0;
};

} // namespace greenroom
