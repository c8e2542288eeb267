#include <greenroom/hub/hub_group.hpp>

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/hub/wait.hpp>

#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace greenroom {
namespace {

constexpr std::size_t most_hubs = 256;

std::vector<int> own_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

void stay_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  const int failed = pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  if (failed)
    throw std::system_error(failed, std::system_category(),
                            "hub_group: CPU " + std::to_string(cpu));
}

} // namespace

/// A greenlet that waits for members, on the hub where it waits. It leaves when
/// its time is over; what comes then finds nobody.
struct hub_group::call {
  static std::shared_ptr<call> make() { return std::make_shared<call>(); }

  /// From a member. It then looks at the members itself.
  static void tell(const std::shared_ptr<call>& who) {
    post_to(who->home, [who] { who->told.wake_all(); });
  }

  /// Tells it when this ends, wherever that is.
  struct promise {
    explicit promise(std::shared_ptr<call> caller) : who(std::move(caller)) {}
    promise(promise&& other) noexcept = default;
    promise& operator=(promise&& other) noexcept {
      std::swap(who, other.who);
      return *this;
    }
    ~promise() {
      if (who) tell(who);
    }
    std::shared_ptr<call> who;
  };

  const hub_address home = hub::current().address();
  wait_list told; // on `home` only
};

/// One thread and its hub.
struct hub_group::member : std::enable_shared_from_this<member> {
  enum class life : int { starting, running, stopped, failed };

  void run(const hub_group_options& options, int cpu,
           const std::shared_ptr<call>& starter);
  void begin(const hub_group_options& options, int cpu);
  void wait_for_stop();
  /// On its hub.
  void told_to_stop(std::optional<std::chrono::nanoseconds> limit,
                    call::promise end_told);
  bool is(life one) const {
    return state.load(std::memory_order_acquire) == one;
  }

  std::size_t number = 0;
  std::string name;
  std::thread thread;
  std::atomic<life> state{life::starting};
  // Written before `state` leaves `starting`.
  hub_address address;
  std::exception_ptr error;
  // Written before `state` becomes `stopped`.
  bool in_time = true;

  // The thread's own.
  wait_list* stopping = nullptr;
  bool stop_asked = false;
  deadline until;
  call::promise stopper{nullptr};
};

void hub_group::member::run(const hub_group_options& options, int cpu,
                            const std::shared_ptr<call>& starter) {
  try {
    begin(options, cpu);
    state.store(life::running, std::memory_order_release);
  } catch (...) {
    error = std::current_exception();
    state.store(life::failed, std::memory_order_release);
  }
  call::tell(starter);
  if (is(life::failed)) return;
  try {
    wait_for_stop();
    in_time = hub::current().shutdown(until);
  } catch (...) {
    in_time = false;
    log_error(name + " ends: " + describe(std::current_exception()));
  }
  state.store(life::stopped, std::memory_order_release);
  const call::promise told = std::move(stopper);
}

void hub_group::member::begin(const hub_group_options& options, int cpu) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  if (options.pinned) stay_on(cpu);
  address = hub::current().address();
  if (options.at_start) options.at_start(number);
}

void hub_group::member::wait_for_stop() {
  wait_list here;
  const work_guard stays;
  stopping = &here;
  while (!stop_asked)
    here.wait_turn({}, "hub_group", this);
  stopping = nullptr;
}

void hub_group::member::told_to_stop(
    std::optional<std::chrono::nanoseconds> limit, call::promise end_told) {
  stop_asked = true;
  if (limit) until = deadline{*limit};
  stopper = std::move(end_told);
  if (stopping) stopping->wake_all();
}

// --- the group --------------------------------------------------------------

hub_group::hub_group(std::size_t hubs)
    : hub_group(hub_group_options{.hubs = hubs}) {
}

hub_group::hub_group(hub_group_options options) {
  if (options.hubs > most_hubs)
    throw std::invalid_argument("hub_group: " + std::to_string(options.hubs) +
                                " hubs, more than " +
                                std::to_string(most_hubs));
  try {
    start(options);
  } catch (...) {
    const shield guard;
    stop();
    throw;
  }
}

void hub_group::start(const hub_group_options& options) {
  const std::vector<int> cpus = own_cpus();
  const std::size_t count = options.hubs > 0 ? options.hubs : cpus.size();
  const auto starter = call::make();
  members_.reserve(count);
  const work_guard outside; // nothing here ends the wait
  const shield guard;       // the threads refer to `options`
  for (std::size_t i = 0; i < count; ++i) {
    auto made = std::make_shared<member>();
    made->number = i;
    made->name = options.name + "-" + std::to_string(i);
    const int cpu = cpus[i % cpus.size()];
    made->thread = std::thread(
        [made, &options, cpu, starter] { made->run(options, cpu, starter); });
    members_.push_back(std::move(made));
    while (members_.back()->is(member::life::starting))
      starter->told.wait_turn({}, "hub_group", this);
    if (members_.back()->error) std::rethrow_exception(members_.back()->error);
    addresses_.push_back(members_.back()->address);
  }
}

hub_group::~hub_group() {
  const hub* const here = hub::current_if_any();
  if (here && !here->is_closed() && here->running()) {
    const shield guard;
    bool again = false;
    for (const auto& each : members_)
      again = again || each->thread.joinable();
    if (again) stop();
  } else {
    stop_blocking();
  }
}

/// Where no greenlet runs: the thread has ended its hub, say.
void hub_group::stop_blocking() noexcept {
  while (!members_.empty()) {
    const std::shared_ptr<member> last = std::move(members_.back());
    members_.pop_back();
    if (!last->thread.joinable()) continue;
    post_to(last->address,
            [last] { last->told_to_stop({}, call::promise{nullptr}); });
    last->thread.join();
  }
}

const hub_address& hub_group::round_robin() {
  return addresses_[turn_.fetch_add(1, std::memory_order_relaxed) % size()];
}

const hub_address& hub_group::least_loaded() const {
  std::size_t least = 0;
  std::size_t fewest = SIZE_MAX;
  for (std::size_t i = 0; i < size(); ++i) {
    std::size_t here = SIZE_MAX; // ended
    addresses_[i].visit([&](hub& found) { here = found.greenlets(); });
    if (here >= fewest) continue;
    fewest = here;
    least = i;
  }
  return addresses_[least];
}

/// std::hash of a number is that number: mixed, so that even keys do not all
/// go to even hubs.
const hub_address& hub_group::by_hash(std::size_t hash) const {
  const std::uint64_t mixed = hash * 0x9e3779b97f4a7c15u;
  return addresses_[(mixed >> 32) % size()];
}

bool hub_group::stop(deadline until) {
  bool all = true;
  for (std::size_t i = members_.size(); i-- > 0;)
    all = stop(*members_[i], until) && all;
  return all;
}

/// The member is told on its own clock how long it may take.
bool hub_group::stop(member& last, deadline until) {
  if (!last.thread.joinable()) return last.in_time;
  if (!last.is(member::life::failed)) {
    const auto caller = call::make();
    const work_guard outside; // nothing here ends the wait
    std::optional<std::chrono::nanoseconds> limit;
    if (!until.is_never())
      limit = std::chrono::nanoseconds(until.nanoseconds()) -
              now().time_since_epoch();
    const auto kept = last.shared_from_this();
    post_to(last.address,
            [kept, limit, end_told = call::promise{caller}]() mutable {
              kept->told_to_stop(limit, std::move(end_told));
            });
    while (!last.is(member::life::stopped)) {
      if (caller->told.wait_turn(until, "hub_group::stop", this)) continue;
      log_warning(last.name + " has not stopped in time: it runs " +
                  "a greenlet that does not give way, or waits for one that " +
                  "does not end");
      last.thread.detach();
      return false;
    }
  }
  last.thread.join(); // its end is near
  return last.in_time;
}

} // namespace greenroom
