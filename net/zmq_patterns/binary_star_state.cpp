#include <greenroom/zmq_patterns/binary_star_state.hpp>

#include <algorithm>

namespace greenroom::zmq {

std::string_view to_string(star_state state) {
  switch (state) {
  case star_state::waiting:
    return "waiting";
  case star_state::active:
    return "active";
  case star_state::passive:
    return "passive";
  }
  return "?";
}

binary_star_state::binary_star_state(star_role role, star_times times,
                                     std::uint64_t session, steady_time now,
                                     std::uint64_t first_term)
    : role_(role), times_(times), session_(session), term_(first_term),
      ran_at_(now), said_at_(now) {
}

bool binary_star_state::active(steady_time now) const {
  return state_ == star_state::active && now - said_at_ < hold();
}

/// What has come while it was frozen it may not have heard yet: a pause is no
/// silence.
void binary_star_state::settle(steady_time now) {
  silence_ +=
      std::min<std::chrono::nanoseconds>(now - ran_at_, times_.heartbeat / 4);
  ran_at_ = now;
  if (state_ != star_state::active || active(now)) return;
  state_ = star_state::passive;
  must_say_ = true;
  ++counts_.stood_down;
}

bool binary_star_state::tick(steady_time now) {
  settle(now);
  return must_say_ || now - said_at_ >= times_.heartbeat;
}

star_beat binary_star_state::beat(steady_time now) {
  settle(now);
  must_say_ = false;
  said_at_ = now;
  return {state_,         term_,
          session_,       now.time_since_epoch().count(),
          heard_session_, heard_moment_};
}

void binary_star_state::hear(const star_beat& peer, steady_time now) {
  settle(now);
  silence_ = {};
  // Soon, so that a primary that starts need not wait for the next beat.
  if (peer.session != heard_session_) must_say_ = true;
  heard_session_ = peer.session;
  heard_moment_ = peer.moment;
  if (peer.state == star_state::active) return hear_active(peer);
  term_ = std::max(term_, peer.term);
  if (role_ == star_role::primary && state_ != star_state::active &&
      answers_fresh(peer, now))
    activate();
}

void binary_star_state::hear_active(const star_beat& peer) {
  if (state_ == star_state::active) {
    if (peer.term <= term_) return; // the other one yields
    ++counts_.yielded;
  }
  if (state_ != star_state::passive) must_say_ = true;
  state_ = star_state::passive;
  term_ = std::max(term_, peer.term);
}

bool binary_star_state::answers_fresh(const star_beat& peer,
                                      steady_time now) const {
  const auto asked =
      steady_time{std::chrono::steady_clock::duration{peer.heard_moment}};
  return peer.heard_session == session_ && now - asked < hold();
}

bool binary_star_state::request(steady_time now) {
  settle(now);
  if (state_ == star_state::active) return true;
  const bool knows_nothing =
      role_ == star_role::backup && state_ == star_state::waiting;
  if (knows_nothing || silence_ <= times_.fail_over) return false;
  activate();
  ++counts_.failed_over;
  return active(now);
}

/// A primary's terms are odd, a backup's even.
void binary_star_state::activate() {
  const std::uint64_t parity = role_ == star_role::primary ? 1 : 0;
  term_ += term_ % 2 == parity ? 2 : 1;
  state_ = star_state::active;
  must_say_ = true;
  ++counts_.activated;
}

} // namespace greenroom::zmq
