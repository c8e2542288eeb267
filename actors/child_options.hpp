#pragma once

#include <greenroom/actors/exit_reason.hpp>
#include <greenroom/actors/reference.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace greenroom {

/// Whom a supervisor restarts when one of its children has ended.
enum class restart_strategy : std::uint8_t {
  one_for_one,  ///< that one
  one_for_all,  ///< all
  rest_for_one, ///< that one, and those started after it
  dynamic       ///< that one, of many of a kind, made by `start_child`
};
using enum restart_strategy;

/// When a child is restarted.
enum class restart_policy : std::uint8_t {
  permanent, ///< always
  transient, ///< unless it ended `normal` or with `shutdown`
  temporary  ///< never: then it is forgotten
};
using enum restart_policy;

/// Whether a supervisor stops when its significant children have ended for
/// good.
enum class auto_shutdown : std::uint8_t { never, any, all };

/// Shutdown times: at once and not to be refused, and as long as it takes.
inline constexpr std::chrono::nanoseconds brutal_kill{0};
inline constexpr std::chrono::nanoseconds infinity{
    std::chrono::nanoseconds::max()};

/// Waits before restarts, each `factor` times as long as the one before, until
/// the child has run for `reset_after`. Siblings go on meanwhile.
struct restart_delay {
  std::chrono::nanoseconds first{0}; ///< zero: at once, always
  std::chrono::nanoseconds most = std::chrono::seconds{30};
  double factor = 2;
  double jitter = 0; ///< 0.1: up to a tenth longer or shorter, at random
  std::chrono::nanoseconds reset_after = std::chrono::minutes{1};
};

/// How a supervisor treats one child.
struct child_options {
  restart_policy restart = permanent;
  /// From being told to end (`shutdown`) until it is killed brutally.
  std::chrono::nanoseconds shutdown = std::chrono::seconds{5};
  /// Its end, when it is not restarted, counts for `auto_shutdown`.
  bool significant = false;
  /// How long `on_start` may take.
  std::chrono::nanoseconds start_within = infinity;
  restart_delay delay{};
};

/// How often a supervisor restarts before it gives up: more than
/// `max_restarts` within any span of `within`. Erlang's defaults.
struct supervisor_options {
  int max_restarts = 1;
  std::chrono::nanoseconds within = std::chrono::seconds{5};
  auto_shutdown when_done = auto_shutdown::never;
  /// Of a `dynamic` one: how each child is treated, and how many there may be.
  child_options children{.restart = permanent};
  std::size_t max_children = std::numeric_limits<std::size_t>::max();
  std::string name = "supervisor";
};

/// What a child is, for listings.
enum class child_kind : std::uint8_t { actor, greenlet, supervisor };
enum class child_state : std::uint8_t {
  stopped,
  starting,
  running,
  delayed, ///< waits before its restart
  stuck    ///< told to end, brutally, and has not
};
std::string to_string(child_kind kind);
std::string to_string(child_state state);

/// One child as it was at a moment.
struct child_info {
  std::string id;
  child_kind kind{};
  child_state state{};
  restart_policy restart{};
  reference_key key;         ///< of an actor
  std::size_t inbox = 0;     ///< messages waiting, of an actor
  std::uint32_t handled = 0; ///< messages, of this incarnation, modulo 2^32
  std::size_t restarts = 0;  ///< since it was added
  std::string waits_in;      ///< "sleep"; empty when it does not wait
  exit_reason last_end;      ///< of the incarnation before
  std::vector<child_info> children; ///< of a supervisor, oldest first
};

} // namespace greenroom
