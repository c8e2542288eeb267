#pragma once

#include <greenroom/hub/deadline.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace greenroom::zmq {

/// Which of the two it is; for ever.
enum class star_role : std::uint8_t { primary, backup };

enum class star_state : std::uint8_t {
  waiting, ///< since its start it has not heard who is active
  active,  ///< the one that answers
  passive  ///< the other one does
};
std::string_view to_string(star_state state);

struct star_times {
  std::chrono::nanoseconds heartbeat = std::chrono::seconds{1};
  /// Silence of the peer after which a client's request makes this one active;
  /// at least two heartbeats.
  std::chrono::nanoseconds fail_over = std::chrono::seconds{2};
};

/// What each tells the other.
struct star_beat {
  star_state state = star_state::waiting;
  std::uint64_t term = 0;    ///< of the one that is, or was last, active
  std::uint64_t session = 0; ///< of this start of the program
  std::int64_t moment = 0;   ///< of its own clock, when it said this
  /// The last one heard of the other.
  std::uint64_t heard_session = 0;
  std::int64_t heard_moment = 0;
};

struct star_counts {
  std::uint64_t activated = 0;
  std::uint64_t failed_over = 0; ///< of these: from a silent peer
  std::uint64_t stood_down = 0;  ///< it could not say in time that it is active
  std::uint64_t yielded = 0;     ///< both were active: the link between was cut
};

/// Who of a primary and a backup is active: the rules, without sockets.
///
/// Never both are, as long as what one sends arrives within a quarter of a
/// heartbeat when both run. They may crash, start again, and freeze for any
/// time:
///
///   * One is active only until `fail_over`, less half a heartbeat, after it
///     last said so. Who was frozen for longer wakes up passive.
///   * The other may take over when it has heard nothing for `fail_over`, not
///     counting what it was frozen itself, and a client asks. A backup has to have heard
///     of the primary, since its start.
///   * The primary becomes active also when it hears that the backup is not:
///     in answer to a beat of its own from less than `fail_over`, less half a
///     heartbeat, ago, which keeps the backup from taking over meanwhile.
///
/// When the link is cut while both run, and clients ask both, both are active
/// until it is back; then the later term wins. Two terms are never the same, so
/// that what both write to can refuse an earlier one.
///
/// Ownership  A value.
/// Thread     Any; time is given.
/// Source     The ZeroMQ guide's Binary Star. There, one that was frozen is
///            active until it hears of the other.
class binary_star_state {
public:
  /// `session` is other at each start. Terms are later than `first_term`.
  binary_star_state(star_role role, star_times times, std::uint64_t session,
                    steady_time now, std::uint64_t first_term = 0);

  /// At least eight times a heartbeat, before anything else is asked: tells
  /// whether a beat is due, which `beat` then makes.
  bool tick(steady_time now);
  star_beat beat(steady_time now);
  void hear(const star_beat& peer, steady_time now);
  /// A client has asked: whether this one answers.
  bool request(steady_time now);

  bool active(steady_time now) const;
  /// As it was when last looked at.
  star_state state() const { return state_; }
  std::uint64_t term() const { return term_; }
  const star_counts& counts() const { return counts_; }

private:
  void settle(steady_time now);
  void hear_active(const star_beat& peer);
  bool answers_fresh(const star_beat& peer, steady_time now) const;
  void activate();
  std::chrono::nanoseconds hold() const {
    return times_.fail_over - times_.heartbeat / 2;
  }

  star_role role_;
  star_times times_;
  std::uint64_t session_;
  star_state state_ = star_state::waiting;
  std::uint64_t term_;
  star_counts counts_;
  steady_time ran_at_;                 // the last time that it looked
  std::chrono::nanoseconds silence_{}; // that it has listened to
  steady_time said_at_;                // the last beat
  bool must_say_ = true;               // something is new
  std::uint64_t heard_session_ = 0;
  std::int64_t heard_moment_ = 0;
};

} // namespace greenroom::zmq
