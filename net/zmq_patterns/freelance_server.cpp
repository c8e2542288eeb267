#include <greenroom/zmq_patterns/freelance_server.hpp>

#include "freelance_words.hpp"
#include "parts.hpp"

#include <greenroom/hub/nursery.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <algorithm>
#include <cstddef>
#include <system_error>
#include <utility>

namespace greenroom::zmq {

freelance_server::freelance_server(freelance_server_options how,
                                   request_handler handler)
    : freelance_server(context::shared(), std::move(how), std::move(handler)) {
}

freelance_server::freelance_server(const context& in,
                                   freelance_server_options how,
                                   request_handler handler)
    : how_(std::move(how)), handler_(std::move(handler)),
      socket_(make_router(in, how_.setup)) {
  socket_.set_routing_id(how_.identity.empty() ? how_.endpoint : how_.identity);
  socket_.bind(how_.endpoint);
}

/// One greenlet takes what comes, and answers pings; the others work.
void freelance_server::run() {
  const in_use mine{running_, "zmq::freelance_server::run"};
  const auto handlers = static_cast<std::size_t>(std::max(how_.handlers, 1));
  queue<message> requests{handlers};
  nursery([&](nursery_scope& helpers) {
    for (std::size_t i = 0; i < handlers; ++i)
      helpers.spawn([&] {
        for (;;)
          answer(requests.get());
      });
    for (;;) {
      message came = wait_and_take(socket_, counts_.malformed);
      if (came.size() == 2 && came[1] == freelance_ping)
        reply({std::move(came[0]), freelance_pong}, counts_.pings);
      else if (came.size() >= 3)
        requests.put(std::move(came));
      else
        ++counts_.malformed;
    }
  });
}

/// The client's routing id, its control frame, the body.
void freelance_server::answer(message&& request) {
  message frames{request[0], request[1]};
  append(frames, handler_(from(std::move(request), 2)));
  reply(std::move(frames), counts_.answered);
}

void freelance_server::reply(message&& frames, std::uint64_t& count) {
  std::error_code failed;
  ++(send_now(socket_, std::move(frames), failed) ? count : counts_.dropped);
}

} // namespace greenroom::zmq
