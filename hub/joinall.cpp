#include <greenroom/hub/greenlet.hpp>

#include <greenroom/hub/hub.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace greenroom {
namespace {

/// One greenlet that waits for the end of many.
struct join_many : wait_record {
  struct entry : greenlet_link {
    explicit entry(join_many& all, const any_greenlet& awaited)
        : greenlet_link(&ended), owner(all), target(awaited) {}

    static void ended(greenlet_link& link, greenlet_base& target) {
      auto& self = static_cast<entry&>(link);
      join_many& all = self.owner;
      all.finished.push_back(self.target);
      if (all.left > 0) --all.left;
      if (all.stop_at_error && target.exception()) all.left = 0;
      if (all.left == 0 && all.who)
        target.home().wake(all, wake_cause::notified);
    }

    join_many& owner;
    any_greenlet target;
  };

  join_many(std::span<const any_greenlet> greenlets, std::size_t count)
      : wait_record("joinall", nullptr, &give_up),
        left(std::min(count, greenlets.size())) {
    entries.reserve(greenlets.size());
    finished.reserve(greenlets.size());
    for (const any_greenlet& each : greenlets)
      entries.push_back(std::make_unique<entry>(*this, each));
  }

  /// May throw half way; the destructor then takes back what was done.
  void add_links() {
    for (const auto& each : entries)
      each->target->add_link(*each);
  }

  ~join_many() {
    for (const auto& each : entries)
      if (each->next) each->target->remove_link(*each);
  }

  static void give_up(wait_record& record, wake_cause cause) {
    hub::current().wake(record, cause);
  }

  std::vector<std::unique_ptr<entry>> entries;
  std::vector<any_greenlet> finished; // in order of their end
  std::size_t left;                   // whose end is waited for
  bool stop_at_error = false;

  /// Returns when none is left, or `until` has passed.
  void wait(deadline until) {
    hub& here = hub::current();
    add_links();
    while (left > 0) {
      here.begin_wait(*this);
      here.park(*this, until);
      if (cause == wake_cause::timed_out) break;
      if (cause == wake_cause::interrupted) here.throw_pending();
      cause = wake_cause::none;
    }
  }
};

} // namespace

std::vector<any_greenlet> joinall(std::span<const any_greenlet> greenlets,
                                  deadline until, std::size_t count) {
  join_many all{greenlets, count};
  all.wait(until);
  return std::move(all.finished);
}

std::vector<any_greenlet>
joinall_or_throw(std::span<const any_greenlet> greenlets, deadline until) {
  join_many all{greenlets, greenlets.size()};
  all.stop_at_error = true;
  all.wait(until);
  for (const any_greenlet& each : all.finished)
    if (each.exception()) std::rethrow_exception(each.exception());
  return std::move(all.finished);
}

bool killall(std::span<const any_greenlet> greenlets, deadline until) {
  const auto kill_those = [&](bool begun) {
    for (const any_greenlet& each : greenlets)
      if ((each->state() == greenlet_state::running) == begun)
        each->kill_soon();
  };
  kill_those(false);
  kill_those(true);
  return joinall(greenlets, until).size() == greenlets.size();
}

} // namespace greenroom
