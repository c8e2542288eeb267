#include "mailbox/stress/programs.hpp"
#include "mailbox/stress/queue_kinds.hpp"
#include "mailbox/stress/source_program.hpp"

#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <algorithm>
#include <cstddef>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

namespace stress {
namespace {

template <class Kind>
class queue_program final : public source_program {
  using queue_type = typename Kind::type;

public:
  explicit queue_program(dice& random)
      : source_program(random),
        capacity_(random.one_in(4)
                      ? queue_type::unbounded
                      : static_cast<std::size_t>(1 + random.below(4))),
        queue_(capacity_) {}

private:
  void begin() override {
    add_some(5, [this] { put_some(); });
    add_some(5, [this] { get_some(); });
    if (random_.one_in(2))
      add_some(2, [this] {
        const counted here{joining_};
        attempt([&](deadline until) { return queue_.join(until); });
      });
  }

  // --- putting -------------------------------------------------------------

  void put_one(name called) override {
    parcel item{called};
    try {
      if (random_.one_in(5))
        try_put(item);
      else
        attempt([&](deadline until) { return put(item, until); });
    } catch (const broken&) {
      throw;
    } catch (...) { // the greenlet is killed
      check(item.has_content() || accepted_.contains(called),
            "a kill lost what was put");
      throw;
    }
    check(item.has_content() != accepted_.contains(called),
          "what was put is in two places, or nowhere");
  }

  void try_put(parcel& item) {
    const bool room = queue_.size() < capacity_ && !closed_;
    try {
      const bool done = queue_.try_put(std::move(item));
      check(done == room, "try_put was wrong about the room");
      if (done) added(item.called());
    } catch (const parcel::slipped&) {
    }
  }

  bool put(parcel& item, deadline until) {
    if (put_into(queue_, item, until)) return false;
    return added(item.called()), true;
  }

  void added(name called) {
    check(!closed_, "put into a closed queue");
    check(accepted_.insert(called).second, "put twice");
    model_.push_back(called);
    ++unfinished_;
  }

  // --- getting -------------------------------------------------------------

  void get_some() {
    for (int i = 0; i < 8; ++i) {
      get_one();
      pause();
      if (taken_ > 0 && random_.one_in(2)) finish_one();
    }
  }

  void get_one() {
    const counted here{getting_};
    switch (random_.below(10)) {
    case 0:
      return try_get();
    case 1:
      return pop();
    case 2:
      attempt([&] { return loop(); });
      return;
    case 3:
      attempt([&](deadline until) { return peek(until); });
      return;
    case 4:
      attempt([&](deadline until) { return select_one(until); });
      return;
    case 5:
      attempt([&](deadline until) { return wait_for_one(until); });
      return;
    default:
      attempt([&](deadline until) { return get(until); });
    }
  }

  bool get(deadline until) {
    const std::error_code failed =
        get_from(queue_, until, [this](const parcel& got) { received(got); });
    check(failed != errc::closed || model_.empty(), "closed before drained");
    return !failed;
  }

  void try_get() {
    try {
      const auto got = queue_.try_get();
      check(got.has_value() == !model_.empty(), "try_get was wrong");
      if (got) received(*got);
    } catch (const parcel::slipped&) {
    }
  }

  void pop() {
    if (queue_.empty()) return;
    const name called = queue_.try_peek()->called();
    try {
      queue_.pop();
      leave(called);
    } catch (const parcel::slipped&) {
    }
  }

  bool loop() {
    for (const parcel& each : queue_) {
      received(each);
      if (random_.one_in(3)) return true;
    }
    check(closed_ && model_.empty(), "a loop ended before the queue was shut");
    return false;
  }

  bool peek(deadline until) {
    std::error_code failed;
    const auto shown = queue_.peek(until, failed);
    if (!shown) check_failure(failed);
    check(!shown || shown->called() == *Kind::next(model_), "peek: another");
    return shown.has_value();
  }

  bool select_one(deadline until) {
    return select(until,
                  from(
                      queue_, [this](const parcel& got) { received(got); },
                      [this] {
                        check(closed_ && model_.empty(),
                              "select: closed before drained");
                      }))
        .has_value();
  }

  bool wait_for_one(deadline until) {
    if (wait({queue_}, until).empty()) return false;
    return try_get(), true;
  }

  bool received(const parcel& item) {
    check(item.has_content(), "an item came without its content");
    leave(item.called());
    return true;
  }

  void leave(name called) {
    check(!model_.empty() && *Kind::next(model_) == called,
          "an item came out of order, or twice");
    model_.erase(Kind::next(model_));
    ++taken_;
  }

  // --- tasks, and the end --------------------------------------------------

  void finish_one() {
    --taken_;
    if (unfinished_ == 0) return; // dropped with what was left
    queue_.task_done();
    --unfinished_;
  }

  void close() {
    closed_ = true;
    if (random_.one_in(2)) return queue_.shutdown();
    queue_.shutdown_now();
    unfinished_ -= std::min(unfinished_, model_.size());
    model_.clear();
  }

  void disturb() override {
    anywhere([this] {
      if (ends_ && random_.one_in(6)) return close();
      parcel item{next_foreign()};
      random_.one_in(2) ? try_put(item) : try_get();
    });
  }

  void check_at_rest() override {
    check(queue_.size() == model_.size(), "the queue's size is wrong");
    check(queue_.unfinished() == unfinished_, "unfinished() is wrong");
    check(getting_ == 0 || !queue_.ready(), "a getter was forgotten");
    check(putting_ == 0 || (queue_.size() >= capacity_ && !closed_),
          "a putter was forgotten");
    check(joining_ == 0 || unfinished_ > 0, "a joiner was forgotten");
    check(queue_.watchers().empty() == (getting_ == 0),
          "somebody stands in the queue who does not wait");
  }

  void check_at_end() override {
    check(getting_ + putting_ + joining_ == 0, "a call was left open");
    parcel::slippery = nullptr;
    while (!queue_.empty())
      try_get();
    check(model_.empty(), "an item was lost");
  }

  const std::size_t capacity_;
  queue_type queue_;
  int joining_ = 0;
  int taken_ = 0;           // and not called done
  names model_;             // what is in the queue, oldest first
  std::set<name> accepted_; // what ever was
  std::size_t unfinished_ = 0;
};

} // namespace

void fifo_queues(dice& random) {
  run<queue_program<fifo>>(random);
}
void lifo_queues(dice& random) {
  run<queue_program<lifo>>(random);
}
void priority_queues(dice& random) {
  run<queue_program<lowest>>(random);
}

} // namespace stress
