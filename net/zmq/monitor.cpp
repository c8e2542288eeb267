#include <greenroom/zmq/monitor.hpp>

#include "socket_core.hpp"

#include <zmq.h>

#include <atomic>
#include <cstring>

namespace greenroom::zmq {
namespace {

std::string free_name() {
  static std::atomic<unsigned long> count{0};
  return "inproc://greenroom-monitor-" + std::to_string(++count);
}

/// The first frame: two bytes of kind, four of value, as the machine has them.
monitor_event event_of(const message& frames) {
  std::uint16_t kind = 0;
  std::uint32_t value = 0;
  std::memcpy(&kind, frames.at(0).data(), sizeof kind);
  std::memcpy(&value, frames.at(0).data() + sizeof kind, sizeof value);
  return {static_cast<monitor_event_kind>(kind), value, frames.at(1).text()};
}

constexpr auto stopped =
    static_cast<monitor_event_kind>(ZMQ_EVENT_MONITOR_STOPPED);

} // namespace

std::error_code monitor_event::error() const {
  switch (kind) {
  case monitor_event_kind::bind_failed:
  case monitor_event_kind::accept_failed:
  case monitor_event_kind::close_failed:
  case monitor_event_kind::handshake_failed:
    return {static_cast<int>(value), std::system_category()};
  default:
    return {};
  }
}

monitor::monitor(socket& of) : of_(of.core_) {
  const std::string name = free_name();
  if (zmq_socket_monitor(of_->checked_handle("monitor"), name.c_str(),
                         ZMQ_EVENT_ALL) != 0)
    throw_last(of_->named("monitor"));
  try {
    events_.emplace(of_->in(), socket_type::pair);
    events_->set_linger({});
    events_->set_receive_limit(0); // or libzmq's own thread waits for us
    events_->connect(name);
  } catch (...) {
    zmq_socket_monitor(of_->handle(), nullptr, 0);
    throw;
  }
}

/// libzmq is told before nobody takes its events any more: it would wait.
monitor::~monitor() {
  if (of_->handle()) zmq_socket_monitor(of_->handle(), nullptr, 0);
}

std::optional<monitor_event> monitor::next(deadline until) {
  std::error_code failed;
  auto event = next(until, failed);
  if (failed) throw std::system_error(failed, of_->named("monitor"));
  return event;
}

std::optional<monitor_event> monitor::next(deadline until,
                                           std::error_code& failed) {
  failed.clear();
  if (ended_) return {};
  const message frames = events_->receive_multipart(until, failed);
  if (failed) return {};
  monitor_event event = event_of(frames);
  ended_ = event.kind == stopped;
  if (ended_) return {};
  return event;
}

} // namespace greenroom::zmq
