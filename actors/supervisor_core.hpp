#pragma once

// Private to the actors room: a supervisor at work.

#include <greenroom/actors/loop_actor.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/address.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timer.hpp>

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace greenroom {

/// To a supervisor's greenlet: something to be done by it.
struct supervisor_order {
  std::function<void()> function;
};

/// Adds a line for each to `text`, and for what is below it.
void write(std::string& text, const std::vector<child_info>& children,
           std::size_t depth);

/// When its last restarts were. O(1), amortised.
class restart_window {
public:
  restart_window(int most, std::chrono::nanoseconds within)
      : most_(static_cast<std::size_t>(most)), within_(within) {}

  /// Counts one more; false when that is one too many.
  bool allows_another(steady_time now);
  void clear() { times_.clear(); }

private:
  std::deque<steady_time> times_; // within the span, at most `most_`
  std::size_t most_;
  std::chrono::nanoseconds within_;
};

/// What a `supervisor` and its greenlet share. The children are changed by that
/// greenlet only, or while there is none.
class supervisor_core : public std::enable_shared_from_this<supervisor_core> {
public:
  class runner;
  struct child;

  supervisor_core(restart_strategy strategy, supervisor_options options);
  ~supervisor_core();

  /// The supervisor is destroyed: its children are not to outlive it.
  static void end(std::shared_ptr<supervisor_core> last) noexcept;

  // --- by anybody -----------------------------------------------------------

  bool running() const { return runner_ != nullptr; }
  std::string named() const { return "supervisor '" + options.name + "'"; }
  void start();
  void stop(exit_reason why);
  void stop_soon(exit_reason why);
  any_greenlet greenlet() const { return greenlet_; }
  child& add(std::string id, const child_options& how, child_kind kind);
  void add_and_start(child& added);
  /// The same for an actor: gives it a place, and returns its key.
  reference_key start_in_place(child& added,
                               const reference_key& elsewhere = {});
  child& add_nameless();
  std::vector<child_info> list() const;
  child* find(const std::string& id);
  child& get(const std::string& id);

  /// Has the supervisor's greenlet call `function`, and waits until it has.
  template <class Function>
  auto by_runner(Function function);

  /// The same, without waiting.
  void order(std::function<void()> function);

  void terminate(child& ended, bool forget);
  void restart_by_hand(child& stopped);
  void remove(child& stopped);
  child& by_key(const reference_key& key);

  const restart_strategy strategy;
  const supervisor_options options;
  bool is_child = false; // of another
  bool is_over = false;  // destroyed
  hub& home;
  std::list<child> children; // oldest first
  exit_reason reason;        // of its last end
  std::string failure;       // to start, the last time

private:
  friend class runner;

  struct shutdown_link : hub_shutdown_link {
    explicit shutdown_link(supervisor_core& core)
        : hub_shutdown_link(&called), owner(core) {}
    static void called(hub_shutdown_link& link, deadline until);
    supervisor_core& owner;
  };
  using range =
      std::pair<std::list<child>::iterator, std::list<child>::iterator>;

  async_result<void> launch();
  void start_all();
  [[noreturn]] void fail_to_start(const std::string& why);
  void end_unbegun(const any_greenlet& made);
  void at_end(const exit_reason& why);
  void obey_stop();
  bool has_work() const;
  bool has(const greenlet_base& greenlet) const;
  bool is_starting(const greenlet_base& greenlet) const;
  void check_free() const;
  void stop_and_wait();
  void end_brutally();
  void child_ended(child& ended);
  void ended_for_good(child& ended);
  void restart(child& failed);
  void start_delayed(child& waiting);
  void stop_by_hand(child& ended);
  /// Has `next` called with the child, unless by then it is gone, or another
  /// round has begun for it.
  void order_for(const child& one, void (supervisor_core::*next)(child&));
  child* start_again(child& first);
  range affected_by(child& failed);
  void stop_affected(child& failed);
  std::optional<exit_reason> start_child(child& next);
  std::optional<async_result<void>> begin_start(child& next);
  void make_actor(child& next);
  void await_start(child& next, const async_result<void>& started);
  static void tell_to_end(child& running, const exit_reason& why);
  static void begin_stop(child& running, const exit_reason& why,
                         bool keeps_mail);
  void end_stop(child& told, deadline until);
  bool finish_stop(child& running, deadline until);
  deadline time_to_end(const child& running) const;
  void stop_child(child& running, const exit_reason& why, bool keeps_mail);
  void stop_all(const exit_reason& why);
  static void tell_restart(const child& started, const exit_reason& before);
  [[noreturn]] void give_up(const child& failed);
  std::chrono::nanoseconds next_delay(child& failed);
  void check(const std::string& id, const child_options& how) const;
  child& add_new(std::string id, const child_options& how, child_kind kind);
  void erase(child& gone);
  template <class Predicate>
  void erase_if(Predicate&& goes) {
    for (auto each = children.begin(); each != children.end();)
      if (child& one = *each++; goes(one)) erase(one);
  }
  child* by_serial(std::uint64_t serial);
  std::string named(const child& one) const;

  runner* runner_ = nullptr; // while it lives
  any_greenlet greenlet_;    // the last one
  restart_window window_;
  std::uint64_t last_serial_ = 0;
  std::unordered_map<std::uint64_t, std::list<child>::iterator> by_serial_;
  std::unordered_map<std::string, std::uint64_t> serials_; // by id
  std::unordered_map<reference_key, child*> places_;
  std::minstd_rand random_;

  const hub_address address_;       // of home, which may have ended
  shutdown_link shutdown_{*this};   // stands while it runs, and is no child
  std::optional<exit_reason> told_; // to stop
  child* starting_ = nullptr;       // whom it waits for
  std::optional<async_result<void>> awaited_; // for what, then
  bool is_brutal_ = false;                    // has no time left for anybody
};

struct supervisor_core::child {
  struct end_link : greenlet_link {
    end_link(supervisor_core& core, child& one)
        : greenlet_link(&ended), owner(core), of(one) {}
    static void ended(greenlet_link& link, greenlet_base& target);
    supervisor_core& owner;
    child& of;
  };
  struct delay_timer : timer {
    delay_timer(supervisor_core& core, child& one)
        : timer(&fired), owner(core), of(one) {}
    static void fired(timer& due);
    supervisor_core& owner;
    child& of;
  };

  child(supervisor_core& core, std::string name, const child_options& options,
        child_kind what)
      : id(std::move(name)), how(options), kind(what), link(core, *this),
        delay(core, *this) {}
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child();

  actor_base* actor() const;
  const reference_key& key() const {
    return elsewhere == reference_key{} ? place : elsewhere;
  }
  bool alive() const { return body && !body.dead(); }
  void detach();

  std::string id;
  child_options how;
  child_kind kind;
  std::uint64_t serial = 0;

  // What it is made of.
  supervisor::maker make;
  reference_key place;     // of an actor
  reference_key elsewhere; // of the actor for which that one stands
  std::function<void()> function;
  std::unique_ptr<supervisor> tree;

  any_greenlet body; // the last one; a dead actor's collects mail for the next
  child_state state = child_state::stopped;
  std::uint64_t round = 0;  // its starts and delays
  bool pending = false;     // stopped to be started again
  bool added_later = false; // not part of the tree that `start` starts
  std::size_t restarts = 0;
  exit_reason last_end;
  steady_time started{};
  std::chrono::nanoseconds waited{0}; // before its last restart
  end_link link;
  delay_timer delay;
};

/// The greenlet of a supervisor.
class supervisor_core::runner : public loop_actor<supervisor_order> {
public:
  explicit runner(std::shared_ptr<supervisor_core> core)
      : core_(std::move(core)) {
    actor_access::ignore_exits(*this);
  }

  using loop_actor::exit;
  using loop_actor::inbox;

  /// Lets go of what it shares, which may go with that.
  void end(const exit_reason& why) {
    const auto core = std::move(core_);
    if (core) core->at_end(why);
  }

private:
  void on_start() override { core_->start_all(); }
  void run() override {
    for (;;)
      inbox().get<supervisor_order>().function();
  }
  void on_stop(const exit_reason& why) override { end(why); }

  std::shared_ptr<supervisor_core> core_;
};

template <class Function>
auto supervisor_core::by_runner(Function function) {
  using result = std::invoke_result_t<Function&, supervisor_core&>;
  home.check_thread("a supervisor");
  if (!runner_) return function(*this);
  check_free();
  // The call outlives its caller, if that is killed; what is dropped undone
  // tells the caller so.
  struct call {
    Function function;
    reply_to<result> answer;
  };
  async_result<result> done;
  auto todo =
      std::make_shared<call>(call{std::move(function), reply_to<result>{done}});
  // What else is thrown was a kill.
  order([this, todo = std::move(todo)] {
    try {
      if constexpr (std::is_void_v<result>) {
        todo->function(*this);
        todo->answer.set();
      } else {
        todo->answer.set(todo->function(*this));
      }
    } catch (const start_failure&) {
      todo->answer.set_exception(std::current_exception());
    } catch (const std::invalid_argument&) {
      todo->answer.set_exception(std::current_exception());
    } catch (const std::bad_alloc&) {
      todo->answer.set_exception(std::current_exception());
    }
  });
  return done.get();
}

} // namespace greenroom
