#include "socket_core.hpp"

#include <zmq.h>

#include <algorithm>
#include <array>
#include <limits>

namespace greenroom::zmq {
namespace {

using namespace std::chrono_literals;

/// A begun millisecond is a whole one.
int in_milliseconds(std::chrono::nanoseconds time) {
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(time);
  return static_cast<int>(std::clamp<std::int64_t>(
      rounded.count(), 0, std::numeric_limits<int>::max()));
}

} // namespace

void socket::core::set(int option, const void* value, std::size_t size,
                       const char* name) {
  void* const mine = checked_handle(name);
  if (zmq_setsockopt(mine, option, value, size) != 0) throw_last(named(name));
  touched();
}

// libzmq waits for ever where it is told to: then a context would never end.
void socket::set_linger(std::chrono::nanoseconds time) {
  core_->set(ZMQ_LINGER,
             in_milliseconds(std::min<std::chrono::nanoseconds>(time, 24h)),
             "set_linger");
}

void socket::set_send_timeout(std::chrono::nanoseconds time) {
  core_->send_timeout = time;
}

void socket::set_receive_timeout(std::chrono::nanoseconds time) {
  core_->receive_timeout = time;
}

void socket::set_send_limit(int messages) {
  core_->set(ZMQ_SNDHWM, messages, "set_send_limit");
}

void socket::set_receive_limit(int messages) {
  core_->set(ZMQ_RCVHWM, messages, "set_receive_limit");
}

void socket::set_most_bytes(std::int64_t bytes) {
  core_->set(ZMQ_MAXMSGSIZE, &bytes, sizeof bytes, "set_most_bytes");
}

void socket::set_most_frames(std::size_t frames) {
  core_->most_frames = frames;
}

void socket::set_routing_id(std::string_view id) {
  core_->set(ZMQ_ROUTING_ID, id, "set_routing_id");
}

std::string socket::routing_id() const {
  std::array<char, 256> id;
  std::size_t size = id.size();
  if (zmq_getsockopt(core_->checked_handle("routing_id"), ZMQ_ROUTING_ID,
                     id.data(), &size) != 0)
    throw_last(core_->named("routing_id"));
  return {id.data(), size};
}

void socket::set_connect_routing_id(std::string_view id) {
  core_->set(ZMQ_CONNECT_ROUTING_ID, id, "set_connect_routing_id");
}

void socket::set_conflate(bool enabled) {
  core_->set(ZMQ_CONFLATE, enabled, "set_conflate");
}

void socket::set_immediate(bool enabled) {
  core_->set(ZMQ_IMMEDIATE, enabled, "set_immediate");
}

void socket::set_router_mandatory(bool enabled) {
  core_->set(ZMQ_ROUTER_MANDATORY, enabled, "set_router_mandatory");
}

void socket::set_router_handover(bool enabled) {
  core_->set(ZMQ_ROUTER_HANDOVER, enabled, "set_router_handover");
}

void socket::set_probe_router(bool enabled) {
  core_->set(ZMQ_PROBE_ROUTER, enabled, "set_probe_router");
}

void socket::set_req_relaxed(bool enabled) {
  core_->set(ZMQ_REQ_RELAXED, enabled, "set_req_relaxed");
}

void socket::set_req_correlate(bool enabled) {
  core_->set(ZMQ_REQ_CORRELATE, enabled, "set_req_correlate");
}

void socket::set_xpub_verbose(bool enabled) {
  core_->set(ZMQ_XPUB_VERBOSE, enabled, "set_xpub_verbose");
}

void socket::set_xpub_verboser(bool enabled) {
  core_->set(ZMQ_XPUB_VERBOSER, enabled, "set_xpub_verboser");
}

void socket::set_xpub_manual(bool enabled) {
  core_->set(ZMQ_XPUB_MANUAL, enabled, "set_xpub_manual");
}

void socket::set_xpub_nodrop(bool enabled) {
  core_->set(ZMQ_XPUB_NODROP, enabled, "set_xpub_nodrop");
}

void socket::set_xpub_welcome(std::string_view text) {
  core_->set(ZMQ_XPUB_WELCOME_MSG, text, "set_xpub_welcome");
}

void socket::set_invert_matching(bool enabled) {
  core_->set(ZMQ_INVERT_MATCHING, enabled, "set_invert_matching");
}

void socket::set_stream_notify(bool enabled) {
  core_->set(ZMQ_STREAM_NOTIFY, enabled, "set_stream_notify");
}

void socket::set_heartbeat(milliseconds interval, milliseconds timeout,
                           milliseconds time_to_live) {
  core_->set(ZMQ_HEARTBEAT_IVL, in_milliseconds(interval), "set_heartbeat");
  if (timeout > 0ms)
    core_->set(ZMQ_HEARTBEAT_TIMEOUT, in_milliseconds(timeout),
               "set_heartbeat");
  if (time_to_live > 0ms)
    core_->set(ZMQ_HEARTBEAT_TTL, in_milliseconds(time_to_live),
               "set_heartbeat");
}

void socket::set_reconnect(milliseconds first, milliseconds longest) {
  core_->set(ZMQ_RECONNECT_IVL, in_milliseconds(first), "set_reconnect");
  core_->set(ZMQ_RECONNECT_IVL_MAX, in_milliseconds(longest), "set_reconnect");
}

void socket::set_connect_timeout(milliseconds time) {
  core_->set(ZMQ_CONNECT_TIMEOUT, in_milliseconds(time), "set_connect_timeout");
}

void socket::set_handshake_timeout(milliseconds time) {
  core_->set(ZMQ_HANDSHAKE_IVL, in_milliseconds(time), "set_handshake_timeout");
}

void socket::set_backlog(int connections) {
  core_->set(ZMQ_BACKLOG, connections, "set_backlog");
}

void socket::set_ipv6(bool enabled) {
  core_->set(ZMQ_IPV6, enabled, "set_ipv6");
}

void socket::set_tcp_keepalive(bool enabled) {
  core_->set(ZMQ_TCP_KEEPALIVE, enabled, "set_tcp_keepalive");
}

void socket::set_plain_server(bool enabled) {
  core_->set(ZMQ_PLAIN_SERVER, enabled, "set_plain_server");
}

void socket::set_plain_client(const std::string& name,
                              const std::string& password) {
  core_->set(ZMQ_PLAIN_USERNAME, name, "set_plain_client");
  core_->set(ZMQ_PLAIN_PASSWORD, password, "set_plain_client");
}

void socket::set_zap_domain(std::string_view domain) {
  core_->set(ZMQ_ZAP_DOMAIN, domain, "set_zap_domain");
}

void socket::subscribe(std::string_view prefix) {
  core_->set(ZMQ_SUBSCRIBE, prefix, "subscribe");
}

void socket::unsubscribe(std::string_view prefix) {
  core_->set(ZMQ_UNSUBSCRIBE, prefix, "unsubscribe");
}

void socket::set_option(int option, int value) {
  core_->set(option, value, "set_option");
}

void socket::set_option(int option, std::string_view value) {
  core_->set(option, value, "set_option");
}

int socket::option(int which) const {
  int value = 0;
  std::size_t size = sizeof value;
  if (zmq_getsockopt(core_->checked_handle("option"), which, &value, &size) !=
      0)
    throw_last(core_->named("option"));
  core_->touched();
  return value;
}

} // namespace greenroom::zmq
