#include <greenroom/zmq/proxy.hpp>

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <optional>
#include <system_error>
#include <utility>

namespace greenroom::zmq {
namespace {

constexpr unsigned messages_in_a_row = 64;

bool receives(const socket& of) {
  return of.kind() != socket_type::pub && of.kind() != socket_type::push;
}

bool sends(const socket& of) {
  return of.kind() != socket_type::sub && of.kind() != socket_type::pull;
}

std::uint64_t bytes_of(const message& what) {
  std::uint64_t sum = 0;
  for (const frame& each : what)
    sum += each.size();
  return sum;
}

} // namespace

void proxy::run() {
  nursery([this](nursery_scope& scope) {
    if (receives(front_) && sends(back_))
      scope.spawn([this] { carry(front_, back_, to_back_); });
    if (receives(back_) && sends(front_))
      scope.spawn([this] { carry(back_, front_, to_front_); });
  });
}

void proxy::carry(socket& from, socket& to, proxy_flow& count) {
  for (unsigned i = 1; !terminated_; ++i) {
    if (paused_)
      resumed_.wait();
    else if (!to.writable().ready())
      wait({to.writable(), steered_}, {}, 1);
    else if (!step(from, to, count))
      wait({from.readable(), steered_}, {}, 1);
    else if (i % messages_in_a_row == 0)
      yield();
  }
}

/// False when there is nothing to receive.
bool proxy::step(socket& from, socket& to, proxy_flow& count) {
  std::optional<message> next;
  try {
    next = from.try_receive_multipart();
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::message_size) throw;
    ++count.dropped;
    return true;
  }
  if (!next) return false;
  forward(std::move(*next), to, count);
  return true;
}

void proxy::forward(message&& what, socket& to, proxy_flow& count) {
  const std::uint64_t bytes = bytes_of(what);
  capture(what);
  std::error_code failed;
  to.send_multipart(std::move(what), {}, failed);
  if (failed == std::errc::host_unreachable) {
    ++count.dropped;
    return;
  }
  if (failed) throw std::system_error(failed, "zmq::proxy");
  ++count.messages;
  count.bytes += bytes;
}

void proxy::capture(const message& what) {
  if (capture_ && !capture_->try_send_multipart(message(what))) ++not_captured_;
}

// Not left set: it would be ready for ever.
void proxy::pause() {
  paused_ = true;
  resumed_.clear();
  steered_.set();
  steered_.clear();
}

void proxy::resume() {
  paused_ = false;
  resumed_.set();
}

void proxy::terminate() {
  terminated_ = true;
  resumed_.set();
  steered_.set();
}

} // namespace greenroom::zmq
