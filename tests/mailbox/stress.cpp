// Random programs over queues and results, with kills and timeouts at random
// waiting points, against a model: no item is lost or doubled, none overtakes
// another of its sender, every reader of a result ends in one way, and no
// greenlet is left over.
//
//   mailbox_stress [SEEDS [FIRST]]

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

class dice {
public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}
  int below(int limit) {
    return static_cast<int>(engine_() % static_cast<unsigned>(limit));
  }
  bool one_in(int chance) { return below(chance) == 0; }
  /// Often nothing at all, so that much happens in the same turn.
  std::chrono::nanoseconds pause() { return below(4) * 1ms; }

private:
  std::mt19937_64 engine_;
};

void check(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

/// Who sent it, and as which of his; moved, not copied.
struct parcel {
  int sender = 0;
  int number = 0;
  std::unique_ptr<int> weight = std::make_unique<int>(1);
};

using name = std::pair<int, int>;

// --- queues ---------------------------------------------------------------

class queue_program {
public:
  explicit queue_program(dice& random)
      : random_(random),
        queue_(random.one_in(4)
                   ? queue<parcel>::unbounded
                   : static_cast<std::size_t>(1 + random.below(4))) {}

  void run() {
    const int putters = 1 + random_.below(5);
    const int getters = 1 + random_.below(5);
    for (int i = 0; i < putters; ++i)
      add([this, i] { put_some(i); });
    for (int i = 0; i < getters; ++i)
      add([this] { get_some(); });
    std::shuffle(all_.begin(), all_.end(), std::mt19937(random_.below(1000)));
    for (int i = random_.below(8); i > 0; --i) {
      random_.one_in(2) ? yield() : sleep(random_.pause());
      pick().kill_soon();
      if (random_.one_in(3)) use_from_callback();
    }
    sleep(20ms);
    killall(all_);
    idle();
    while (auto left = queue_.try_get())
      take(*left);
    check(accepted_ == taken_, "an item was lost or came from nowhere");
    check(queue_.empty(), "the queue is not empty");
  }

private:
  template <class Function>
  void add(Function function) {
    all_.push_back(spawn(std::move(function)));
  }
  any_greenlet& pick() {
    return all_[static_cast<std::size_t>(
        random_.below(static_cast<int>(all_.size())))];
  }

  void put_some(int sender) {
    for (int number = 0; number < 8; ++number) {
      parcel item{.sender = sender, .number = number};
      put_one(item);
      check(!item.weight == accepted_.contains({sender, number}),
            "an item not accepted did not stay with its sender");
      pause();
    }
  }

  void put_one(parcel& item) {
    const name called{item.sender, item.number};
    std::error_code failed;
    switch (random_.below(5)) {
    case 0:
      if (!queue_.try_put(std::move(item))) return;
      break;
    case 1:
      if (!queue_.put(std::move(item), random_.pause(), failed)) return;
      break;
    case 2:
      if (!timeout{random_.pause()}.run([&] { queue_.put(std::move(item)); }))
        return;
      break;
    default:
      queue_.put(std::move(item));
    }
    check(accepted_.insert(called).second, "accepted twice");
  }

  void get_some() {
    for (int i = 0; i < 10; ++i) {
      get_one();
      pause();
    }
  }

  void get_one() {
    std::error_code failed;
    std::optional<parcel> got;
    switch (random_.below(5)) {
    case 0:
      got = queue_.try_get();
      break;
    case 1:
      got = queue_.get(random_.pause(), failed);
      break;
    case 2:
      timeout{random_.pause()}.run([&] { got.emplace(queue_.get()); });
      break;
    default:
      got.emplace(queue_.get());
    }
    if (got) take(*got);
  }

  void take(const parcel& item) {
    check(item.weight && *item.weight == 1, "an item came without its content");
    check(taken_.insert({item.sender, item.number}).second, "taken twice");
    const auto [last, first] = last_.insert({item.sender, item.number});
    check(first || last->second < item.number, "overtook one of its sender");
    last->second = item.number;
  }

  void use_from_callback() {
    hub::current().post([this, keep = random_.one_in(2)] {
      if (auto got = queue_.try_get()) {
        take(*got);
        if (keep) return;
      }
      parcel item{.sender = 100, .number = callback_items_++};
      const name called{item.sender, item.number};
      if (queue_.try_put(std::move(item))) accepted_.insert(called);
    });
  }

  void pause() {
    if (random_.one_in(2)) yield();
    if (random_.one_in(4)) sleep(random_.pause());
  }

  dice& random_;
  queue<parcel> queue_;
  std::vector<any_greenlet> all_;
  std::set<name> accepted_;
  std::set<name> taken_;
  std::map<int, int> last_;
  int callback_items_ = 0;
};

/// The queue goes while they wait: everybody hears of it or has ended.
void destroy_queue(dice& random) {
  auto shared = std::make_unique<queue<parcel>>(1 + random.below(2));
  std::vector<any_greenlet> all;
  for (int i = 2 + random.below(5); i > 0; --i)
    all.push_back(spawn([&, put = random.one_in(2)] {
      try {
        for (;;) {
          if (!shared) return;
          if (put)
            shared->put(parcel{});
          else
            shared->get();
        }
      } catch (const std::system_error& caught) {
        check(caught.code() == errc::destroyed, "an odd error");
      }
    }));
  for (int i = random.below(4); i > 0; --i)
    yield();
  if (random.one_in(2)) all.front().kill_soon();
  if (random.one_in(2))
    hub::current().post([&] { shared.reset(); });
  else
    shared.reset();
  idle();
  for (const any_greenlet& each : all)
    check(each.dead(), "a waiter was forgotten");
}

// --- results --------------------------------------------------------------

class result_program {
public:
  explicit result_program(dice& random) : random_(random) {}

  void run() {
    auto result = std::make_unique<async_result<std::string>>();
    std::vector<any_greenlet> readers;
    for (int i = 1 + random_.below(6); i > 0; --i)
      readers.push_back(
          spawn([this, copy = async_result(*result), from = result.get(),
                 own = random_.one_in(2)] { read(own ? copy : *from); }));
    // One that has no copy must have begun before the result goes.
    yield();
    for (int i = random_.below(4); i > 0; --i) {
      readers[static_cast<std::size_t>(
                  random_.below(static_cast<int>(readers.size())))]
          .kill_soon();
      if (random_.one_in(2)) sleep(random_.pause());
    }
    switch (random_.below(4)) {
    case 0:
      result->set("a value too long for the string itself");
      break;
    case 1:
      result->set_exception(
          std::make_exception_ptr(std::runtime_error("failed")));
      break;
    case 2:
      hub::current().post([copy = *result]() mutable { copy.set("posted"); });
      break;
    default:
      break; // never
    }
    if (random_.one_in(2)) yield();
    result.reset();
    sleep(20ms);
    int killed = 0;
    for (const any_greenlet& each : readers) {
      each.kill();
      killed += each.killed() ? 1 : 0;
    }
    check(ends_ + killed == static_cast<int>(readers.size()),
          "a reader ended twice or not at all");
  }

private:
  void read(const async_result<std::string>& from) {
    try {
      switch (random_.below(3)) {
      case 0:
        check(from.get(random_.pause()).size() > 5, "a torn value");
        break;
      case 1:
        timeout{random_.pause()}.run([&] { from.get(); });
        break;
      default:
        check(from.get().size() > 5, "a torn value");
      }
    } catch (const std::runtime_error&) { // failed, timed out or destroyed
    }
    ++ends_;
  }

  dice& random_;
  int ends_ = 0;
};

void run(std::uint64_t seed) {
  dice random{seed};
  const std::size_t before = hub::current().greenlets();
  switch (random.below(4)) {
  case 0:
    destroy_queue(random);
    break;
  case 1:
    result_program{random}.run();
    break;
  default:
    queue_program{random}.run();
  }
  idle();
  check(hub::current().greenlets() == before, "a greenlet is left over");
}

} // namespace

int main(int count, char** arguments) {
  const auto number = [&](int which, long fallback) {
    return count > which ? std::atol(arguments[which]) : fallback;
  };
  const long seeds = number(1, 10'000);
  const long first = number(2, 1);
  hub::current().use_clock(clock_kind::virtual_time);
  for (long seed = first; seed < first + seeds; ++seed)
    try {
      run(static_cast<std::uint64_t>(seed));
    } catch (const std::exception& caught) {
      std::printf("seed %ld: %s\n", seed, caught.what());
      return EXIT_FAILURE;
    }
  std::printf("%ld seeds\n", seeds);
}
