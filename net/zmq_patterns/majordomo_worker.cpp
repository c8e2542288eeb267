#include <greenroom/zmq_patterns/majordomo_worker.hpp>

#include "majordomo.hpp"
#include "parts.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>

#include <exception>
#include <system_error>
#include <utility>

namespace greenroom::zmq {
namespace {

using namespace std::chrono_literals;

message command(std::string_view what) {
  return {"", majordomo::worker_header, what};
}

} // namespace

/// The socket's end, at which a broker that was heard is told.
class majordomo_worker::farewell {
public:
  explicit farewell(socket& to) : to_(to) {}
  farewell(const farewell&) = delete;
  farewell& operator=(const farewell&) = delete;
  ~farewell() {
    if (!heard) return;
    try {
      to_.set_linger(100ms);
      to_.try_send_multipart(command(majordomo::disconnect));
    } catch (const std::exception&) { // it finds out by itself
    }
  }

  bool heard = false;

private:
  socket& to_;
};

majordomo_worker::majordomo_worker(majordomo_worker_options how,
                                   request_handler handler)
    : majordomo_worker(context::shared(), std::move(how), std::move(handler)) {
}

majordomo_worker::majordomo_worker(const context& in,
                                   majordomo_worker_options how,
                                   request_handler handler)
    : in_(in), how_(std::move(how)), handler_(std::move(handler)) {
  if (how_.service.empty() || how_.service.size() > 255)
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "zmq::majordomo_worker: name of the service");
}

void majordomo_worker::run() {
  const in_use mine{running_, "zmq::majordomo_worker::run"};
  for (;; ++counts_.reconnects) {
    bool told = false;
    {
      socket with = make_socket(in_, socket_type::dealer, how_.setup);
      with.connect(how_.broker);
      message hello = command(majordomo::ready);
      hello.emplace_back(how_.service);
      with.send_multipart(std::move(hello));
      told = serve_and_beat(with);
    }
    if (!told) sleep(how_.pause);
  }
}

/// Whether the broker told it to begin anew.
bool majordomo_worker::serve_and_beat(socket& with) {
  bool told = false;
  farewell end{with};
  nursery([&](nursery_scope& helpers) {
    const auto beating = helpers.spawn([&] {
      for (;;) {
        sleep(how_.heartbeat);
        with.try_send_multipart(command(majordomo::heartbeat));
      }
    });
    told = serve(with, end.heard);
    beating->kill();
  });
  if (told) end.heard = false;
  return told;
}

bool majordomo_worker::serve(socket& with, bool& heard) {
  for (;;) {
    std::error_code failed;
    message came = with.receive_multipart(
        deadline{how_.liveness * how_.heartbeat}, failed);
    if (failed == greenroom::errc::timed_out) return false;
    if (failed == std::errc::message_size) continue; // it has been dropped
    if (failed) throw std::system_error(failed, "zmq::majordomo_worker");
    const bool valid = came.size() >= 3 && came[0].empty() &&
                       came[1] == majordomo::worker_header;
    if (!valid) continue;
    heard = true;
    if (came[2] == majordomo::disconnect) return true;
    if (came[2] == majordomo::request && came.size() >= 5)
      answer(std::move(came), with);
  }
}

/// Empty, header, command, client, empty, and the body.
void majordomo_worker::answer(message&& came, socket& by) {
  ++counts_.requests;
  message reply = command(majordomo::reply);
  reply.push_back(came[3]);
  reply.emplace_back();
  append(reply, handler_(from(std::move(came), 5)));
  by.send_multipart(std::move(reply));
}

} // namespace greenroom::zmq
