#pragma once

#include <greenroom/actors/group_call.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/wait.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <ranges>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

namespace greenroom {

class group;

/// What `spawn` and `apply` of this call return.
template <class Function, class... Arguments>
using applied = std::decay_t<
    std::invoke_result_t<std::decay_t<Function>&, std::decay_t<Arguments>&...>>;

/// An item of the range as a task has it: a copy of its own.
template <class Range>
using item_of = std::decay_t<std::ranges::range_reference_t<Range>>;

/// What `group::map` takes: it is called with a copy of each item.
template <class Function, class Range>
concept maps_over =
    std::constructible_from<item_of<Range>,
                            std::ranges::range_reference_t<Range>> &&
    std::invocable < std::decay_t<Function>
&, item_of<Range>& > ;

template <class Function, class Range>
using mapped = applied<Function, item_of<Range>>;

/// Keeps a range for later: an lvalue by reference, unless it is a view.
template <class Range>
struct kept_range {
  static constexpr bool borrowed =
      std::is_lvalue_reference_v<Range> &&
      !std::ranges::view<std::remove_cvref_t<Range>>;
  std::conditional_t<borrowed, Range, std::remove_cvref_t<Range>> range;
};

inline constexpr std::size_t imap_unbounded =
    std::numeric_limits<std::size_t>::max();
inline constexpr std::size_t imap_default_ahead = 1000;

enum class imap_order : std::uint8_t { of_range, of_completion };

/// The part of `group::imap` that knows no types. A greenlet of its own, the
/// feeder, takes the items from the range and starts a task for each, as long
/// as the reader is not too far behind.
class imap_base : public std::enable_shared_from_this<imap_base> {
public:
  imap_base(group& workers, imap_order order, std::size_t max_ahead);
  imap_base(const imap_base&) = delete;
  imap_base& operator=(const imap_base&) = delete;

  /// Starts the feeder.
  void begin();

  /// Waits for the task whose turn it is and returns it, ended; empty after
  /// the last, and then throws once what the range threw. Also empty when
  /// `until` passed, and `failed` says so.
  any_greenlet next(deadline until, std::error_code& failed);

  /// Kills the feeder and the tasks not yet read, and waits for their end.
  void close() noexcept;

protected:
  virtual ~imap_base() = default;

  /// Goes over the range, in the feeder.
  virtual void feed() = 0;

  /// Returns when another item may be started; false when closed.
  bool wait_until_wanted();
  /// Starts the task in the group; waits while that is full.
  void add(const any_greenlet& made);

private:
  struct task : greenlet_link {
    task(imap_base& in, const any_greenlet& greenlet);
    imap_base& owner;
    any_greenlet target;
    std::list<task>::iterator place;
    bool ended = false;
  };
  struct feeder_link : greenlet_link {
    explicit feeder_link(imap_base& in);
    imap_base& owner;
  };
  struct asking;

  void run_feeder();
  static void task_ended(greenlet_link& link, greenlet_base& target);
  static void feeder_ended(greenlet_link& link, greenlet_base& target);
  bool wanted() const;
  void wake_feeder();
  std::list<task>& in_order();
  bool arrived();
  any_greenlet take_next();
  void end_helpers();
  void join_or_force();
  void join_helpers();
  void forget_helpers();

  // Constant after construction.
  const std::size_t max_ahead_;
  const imap_order order_;

  // Hub thread only.
  group_call workers_;
  any_greenlet feeder_;
  feeder_link feeder_link_;
  std::list<task> tasks_;    // in the order of the range
  std::list<task> ended_;    // of_completion: moved here when they end
  std::size_t asking_ = 0;   // readers that wait
  wait_list arrivals_;       // where they wait
  wait_list wanted_;         // where the feeder waits for them
  std::exception_ptr error_; // what the range threw
  bool fed_ = false;         // the feeder has ended
  bool closed_ = false;
};

/// The part of `group::imap` that knows the range and the function.
template <class Range, class Function>
class imap_job final : public imap_base {
public:
  template <class Call>
  imap_job(group& workers, imap_order order, std::size_t max_ahead,
           Range&& range, Call&& function)
      : imap_base(workers, order, max_ahead), kept_{std::forward<Range>(range)},
        function_(std::forward<Call>(function)) {}

private:
  void feed() override {
    if (!wait_until_wanted()) return;
    auto place = std::ranges::begin(kept_.range);
    auto last = std::ranges::end(kept_.range);
    while (place != last) {
      add(task_for(*place));
      if (!wait_until_wanted()) return;
      ++place;
    }
  }

  template <class Item>
  any_greenlet task_for(Item&& item) {
    return inside::make_greenlet(
        [job = this->shared_from_this(), this](item_of<Range>& own) {
          return std::invoke(function_, own);
        },
        std::forward<Item>(item));
  }

  kept_range<Range> kept_;
  Function function_; // shared by all tasks
};

/// The results of `group::imap`, one by one: an input range, and a stream to
/// be asked with `next`.
///
/// An item whose task failed throws its error at its place, when it is looked
/// at, and the reading goes on behind it. What the range itself throws comes
/// after all results. A task that was killed: `errc::killed`. A function that
/// returns void gives `std::monostate`.
///
/// Ownership  Owns the tasks not yet read. Its end, like `close`, kills them
///            and the feeder and waits for their end, so that nobody uses the
///            range or what `function` refers to any more. Where nobody may
///            wait (a hub callback) it only kills.
/// Thread     Its hub's thread.
/// Waits      `next`, `begin`, `++`, `close` and the destructor.
/// Errors     `errc::timed_out`; `errc::closed` for a reader that waits while
///            another closes it; `errc::destroyed` when the group was gone
///            before the range was through.
/// Source     gevent's IMap and IMapUnordered; GEVENT.md 1.5.
///
///     auto pages = workers.imap(urls, fetch, 10);
///     while (auto page = pages.next(5s)) print(*page);
template <class Result>
class [[nodiscard]] imap_results {
public:
  using value_type =
      std::conditional_t<std::is_void_v<Result>, std::monostate, Result>;

  explicit imap_results(std::shared_ptr<imap_base> job) : job_(std::move(job)) {
    job_->begin();
  }
  imap_results(imap_results&& other) noexcept = default;
  imap_results& operator=(imap_results other) noexcept {
    std::swap(job_, other.job_);
    std::swap(task_, other.task_);
    std::swap(value_, other.value_);
    return *this;
  }
  ~imap_results() { close(); }

  /// The next result; empty after the last. Throws the error of an item that
  /// failed, and goes on behind it when called again.
  std::optional<value_type> next(deadline until = {}) {
    std::error_code failed;
    auto item = next(until, failed);
    if (failed) throw std::system_error(failed, "imap");
    return item;
  }
  /// As above; `failed` says when `until` has passed.
  std::optional<value_type> next(deadline until, std::error_code& failed) {
    std::optional<value_type> item;
    if (const any_greenlet task = job_->next(until, failed)) take(task, item);
    return item;
  }

  /// Nothing is read afterwards.
  void close() noexcept {
    if (job_) job_->close();
  }

  class iterator;
  /// Goes on behind what has been read; the results must not be moved while
  /// it is in use.
  iterator begin() {
    advance();
    return iterator{*this};
  }
  std::default_sentinel_t end() const { return {}; }

private:
  static void take(const any_greenlet& task, std::optional<value_type>& item) {
    auto& typed = static_cast<greenlet_with_result<Result>&>(*task);
    if constexpr (std::is_void_v<Result>) {
      typed.take();
      item.emplace();
    } else {
      item.emplace(typed.take());
    }
  }

  void advance() {
    value_.reset();
    task_ = {};
    std::error_code never;
    task_ = job_->next({}, never);
  }

  value_type& current() {
    if (!value_) take(task_, value_);
    return *value_;
  }

  std::shared_ptr<imap_base> job_;
  any_greenlet task_; // of the iterator; empty at the end
  std::optional<value_type> value_;
};

/// Waits in `++` for the next item, and throws in `*` what that item threw.
template <class Result>
class imap_results<Result>::iterator {
public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = imap_results::value_type;
  using difference_type = std::ptrdiff_t;

  iterator() = default;

  value_type& operator*() const { return results_->current(); }
  value_type* operator->() const { return &**this; }
  iterator& operator++() {
    results_->advance();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const iterator& one, std::default_sentinel_t) {
    return one.at_end();
  }

private:
  friend class imap_results;
  explicit iterator(imap_results& results) : results_(&results) {}
  bool at_end() const { return !results_->task_; }

  imap_results* results_ = nullptr;
};

} // namespace greenroom
