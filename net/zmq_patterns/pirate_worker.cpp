#include <greenroom/zmq_patterns/pirate_worker.hpp>

#include "parts.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace greenroom::zmq {
namespace {

constexpr std::string_view ready{"\1", 1};
constexpr std::string_view heartbeat{"\2", 1};

/// Frames up to the empty one that ends the envelope; else the first.
std::size_t envelope_of(const message& request) {
  const auto empty = std::find_if(request.begin(), request.end(),
                                  [](const frame& f) { return f.empty(); });
  if (empty == request.end()) return 1;
  return static_cast<std::size_t>(empty - request.begin()) + 1;
}

} // namespace

pirate_worker::pirate_worker(pirate_worker_options how, request_handler handler)
    : pirate_worker(context::shared(), std::move(how), std::move(handler)) {
}

pirate_worker::pirate_worker(const context& in, pirate_worker_options how,
                             request_handler handler)
    : in_(in), how_(std::move(how)), handler_(std::move(handler)) {
}

void pirate_worker::run() {
  const in_use mine{running_, "zmq::pirate_worker::run"};
  auto pause = how_.first_pause;
  for (;; ++counts_.reconnects) {
    {
      socket with = make_socket(in_, socket_type::dealer, how_.setup);
      with.connect(how_.broker);
      with.send(ready);
      if (serve_and_beat(with)) pause = how_.first_pause;
    }
    sleep(pause);
    pause = std::min(2 * pause, how_.longest_pause);
  }
}

bool pirate_worker::serve_and_beat(socket& with) {
  bool heard = false;
  nursery([&](nursery_scope& helpers) {
    const auto beating = helpers.spawn([&] {
      for (;;) {
        sleep(how_.heartbeat);
        with.try_send(heartbeat);
      }
    });
    heard = serve(with);
    beating->kill();
  });
  return heard;
}

/// Until the broker has been silent for too long; whether it was heard at all.
bool pirate_worker::serve(socket& with) {
  bool heard = false;
  for (;;) {
    std::error_code failed;
    message came = with.receive_multipart(
        deadline{how_.liveness * how_.heartbeat}, failed);
    if (failed == greenroom::errc::timed_out) return heard;
    if (failed == std::errc::message_size) continue; // it has been dropped
    if (failed) throw std::system_error(failed, "zmq::pirate_worker");
    heard = true;
    if (came.size() > 1) answer(std::move(came), with);
  }
}

void pirate_worker::answer(message&& request, socket& by) {
  ++counts_.requests;
  const std::size_t envelope = envelope_of(request);
  message body = from(std::move(request), envelope);
  request.resize(envelope);
  append(request, handler_(std::move(body)));
  by.send_multipart(std::move(request));
}

} // namespace greenroom::zmq
