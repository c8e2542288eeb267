#include <greenroom/zmq_patterns/binary_star.hpp>

#include "parts.hpp"

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/mailbox/alarm_clock.hpp>
#include <greenroom/mailbox/select.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>

namespace greenroom::zmq {
namespace {

constexpr int looks_in_a_beat = 8;
constexpr char protocol = 'S'; // and its version
constexpr std::size_t numbers = 5;
constexpr std::size_t beat_bytes = 2 + numbers * 8;

void put(std::string& to, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8)
    to += static_cast<char>(number >> shift & 0xff);
}

std::uint64_t take(std::string_view& from) {
  std::uint64_t number = 0;
  for (const char each : from.substr(0, 8))
    number = number << 8 | static_cast<unsigned char>(each);
  from.remove_prefix(8);
  return number;
}

/// One frame, so that who was frozen need read the newest only.
frame encode(const star_beat& beat) {
  std::string bytes{protocol, static_cast<char>(beat.state)};
  put(bytes, beat.term);
  put(bytes, beat.session);
  put(bytes, static_cast<std::uint64_t>(beat.moment));
  put(bytes, beat.heard_session);
  put(bytes, static_cast<std::uint64_t>(beat.heard_moment));
  return {bytes};
}

std::optional<star_beat> decode(std::string_view bytes) {
  if (bytes.size() != beat_bytes || bytes[0] != protocol ||
      static_cast<unsigned char>(bytes[1]) >
          static_cast<unsigned char>(star_state::passive))
    return {};
  star_beat beat;
  beat.state = static_cast<star_state>(bytes[1]);
  bytes.remove_prefix(2);
  beat.term = take(bytes);
  beat.session = take(bytes);
  beat.moment = static_cast<std::int64_t>(take(bytes));
  beat.heard_session = take(bytes);
  beat.heard_moment = static_cast<std::int64_t>(take(bytes));
  return beat;
}

std::uint64_t new_session() {
  std::random_device source;
  return std::uint64_t{source()} << 32 | source();
}

/// So that terms go on after both have started again.
std::uint64_t calendar() {
  using namespace std::chrono;
  const auto time = system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(duration_cast<milliseconds>(time).count());
}

const binary_star_options& checked(const binary_star_options& how) {
  if (how.times.heartbeat < std::chrono::milliseconds{1} ||
      how.times.fail_over < 2 * how.times.heartbeat)
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "zmq::binary_star: fail_over has to be two "
                            "heartbeats, of a millisecond, at least");
  return how;
}

} // namespace

binary_star::binary_star(binary_star_options how, request_handler handler)
    : binary_star(context::shared(), std::move(how), std::move(handler)) {
}

binary_star::binary_star(const context& in, binary_star_options how,
                         request_handler handler)
    : how_(checked(how)), handler_(std::move(handler)),
      state_(how_.role, how_.times, new_session(), now(), calendar()),
      requests_(make_router(in, how_.setup)),
      beats_(make_socket(in, socket_type::pub, how_.setup)),
      peer_(make_socket(in, socket_type::sub, how_.setup)) {
  requests_.bind(how_.requests);
  beats_.set_conflate(true);
  beats_.bind(how_.beats);
  peer_.set_conflate(true);
  peer_.set_most_bytes(beat_bytes);
  peer_.set_reconnect(std::chrono::duration_cast<std::chrono::milliseconds>(
      std::clamp<std::chrono::nanoseconds>(how_.times.heartbeat / 10,
                                           std::chrono::milliseconds{1},
                                           std::chrono::milliseconds{100})));
  peer_.subscribe();
  if (!how_.peer.empty()) peer_.connect(how_.peer);
}

bool binary_star::active() const {
  return state_.active(now());
}

void binary_star::run() {
  const in_use mine{running_, "zmq::binary_star::run"};
  nursery([this](nursery_scope& helpers) {
    helpers.spawn([this] { beat_for_ever(); });
    for (;;)
      answer(wait_and_take(requests_, counts_.malformed));
  });
}

void binary_star::beat_for_ever() {
  alarm_clock look;
  for (;;) {
    hear();
    if (state_.tick(now())) beats_.try_send(encode(state_.beat(now())));
    tell_change();
    look.set(how_.times.heartbeat / looks_in_a_beat);
    select(when(peer_.readable(), [] {}), when(look, [] {}));
  }
}

void binary_star::hear() {
  while (const auto came = peer_.try_receive()) {
    if (const auto beat = decode(came->view()))
      state_.hear(*beat, now());
    else
      ++counts_.malformed;
  }
}

void binary_star::tell_change() {
  const bool is = active();
  if (is == told_active_) return;
  told_active_ = is;
  if (how_.on_change) how_.on_change(is);
}

void binary_star::answer(message&& request) {
  if (!state_.request(now())) {
    ++counts_.refused;
    return;
  }
  const auto empty =
      std::find_if(request.begin(), request.end(),
                   [](const frame& each) { return each.empty(); });
  if (empty == request.end()) {
    ++counts_.malformed;
    return;
  }
  const auto body = static_cast<std::size_t>(empty - request.begin()) + 1;
  message reply(request.begin(), empty + 1);
  append(reply, handler_(from(std::move(request), body)));
  if (!active()) {
    ++counts_.withheld;
    return;
  }
  std::error_code failed;
  ++(send_now(requests_, std::move(reply), failed) ? counts_.answered
                                                   : counts_.dropped);
}

reliable_client_options binary_star_client(const std::string& primary,
                                           const std::string& backup,
                                           star_times times) {
  // Each is asked several times after the other one has fallen silent.
  const auto tries = 6 + 2 * (times.fail_over / times.heartbeat);
  return {.endpoints = {primary, backup},
          .timeout = times.heartbeat,
          .retries = static_cast<int>(tries)};
}

} // namespace greenroom::zmq
