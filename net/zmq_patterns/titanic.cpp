#include <greenroom/zmq_patterns/titanic.hpp>

#include "parts.hpp"
#include "titanic_store.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/zmq_patterns/majordomo_client.hpp>
#include <greenroom/zmq_patterns/majordomo_worker.hpp>

#include <system_error>
#include <utility>

namespace greenroom::zmq {

class titanic::dispatcher {
public:
  dispatcher(const context& in, const titanic_options& how)
      : client{in,
               {.endpoints = {how.clients},
                .timeout = how.timeout,
                .retries = 0,
                .setup = how.setup}} {}

  majordomo_client client;
};

titanic::titanic(titanic_options how)
    : titanic(context::shared(), std::move(how)) {
}

titanic::titanic(const context& in, titanic_options how)
    : in_(in), how_(std::move(how)) {
}

titanic::~titanic() = default;

void titanic::run() {
  const in_use mine{running_, "zmq::titanic::run"};
  begin();
  nursery([&](nursery_scope& parts) {
    parts.spawn([this] { offer("titanic.request", &titanic::accept); });
    parts.spawn([this] { offer("titanic.reply", &titanic::fetch); });
    parts.spawn([this] { offer("titanic.close", &titanic::close); });
    parts.spawn([this] { try_later(); });
    for (int i = 0; i < how_.parallel; ++i)
      parts.spawn([this] { dispatch(); });
  });
}

/// What an earlier run, or process, has left.
void titanic::begin() {
  known_.clear();
  later_.clear();
  pending_ = std::make_unique<queue<std::string>>();
  for (auto& each : titanic_store{how_.folder}.scan()) {
    known_[each.id] = each.answered ? state::answered : state::pending;
    if (!each.answered) pending_->put(std::move(each.id));
  }
}

void titanic::offer(const std::string& name,
                    message (titanic::*service)(message&&)) {
  majordomo_worker worker{
      in_,
      {.broker = how_.workers,
       .service = name,
       .heartbeat = how_.heartbeat,
       .pause = how_.heartbeat,
       .setup = how_.setup},
      [&](message&& request) { return (this->*service)(std::move(request)); }};
  worker.run();
}

// --- services ---------------------------------------------------------------

bool titanic::is_too_much(const message& request) const {
  std::size_t bytes = 0;
  for (const frame& each : request)
    bytes += each.size();
  return bytes > how_.most_bytes || known_.size() >= how_.most_stored;
}

message titanic::accept(message&& request) {
  if (request.empty() || request[0].empty()) return {"400"};
  if (is_too_much(request)) {
    ++counts_.refused;
    return {"500"};
  }
  const std::string id = titanic_store::new_id();
  known_[id] = state::coming; // its place
  try {
    titanic_store{how_.folder}.save(stored::request, id, request);
  } catch (const std::system_error&) {
    ++counts_.failed;
    known_.erase(id);
    return {"500"};
  }
  known_[id] = state::pending;
  ++counts_.accepted;
  pending_->put(id);
  return {"200", id};
}

message titanic::fetch(message&& request) {
  const std::string id = request.empty() ? "" : request[0].text();
  const auto found = known_.find(id);
  if (found == known_.end()) return {"400"};
  if (found->second != state::answered) return {"300"};
  try {
    message reply{"200"};
    append(reply, titanic_store{how_.folder}.load(stored::reply, id));
    return reply;
  } catch (const std::system_error&) {
    ++counts_.failed;
    return {"500"};
  }
}

/// Also what was closed before: who closes may ask again.
message titanic::close(message&& request) {
  const std::string id = request.empty() ? "" : request[0].text();
  if (!titanic_store::is_id(id)) return {"400"};
  if (known_.erase(id) == 0) return {"200"};
  ++counts_.closed;
  try {
    titanic_store{how_.folder}.remove(id);
  } catch (const std::system_error&) {
    ++counts_.failed;
    return {"500"};
  }
  return {"200"};
}

// --- requests to their services ---------------------------------------------

void titanic::dispatch() {
  dispatcher by{in_, how_};
  for (;;) {
    const std::string id = pending_->get();
    if (known_.count(id) == 0) continue; // closed
    try {
      dispatch_one(by, id);
    } catch (const std::system_error&) { // of a file
      ++counts_.failed;
      later_.push_back(id);
    }
  }
}

void titanic::dispatch_one(dispatcher& by, const std::string& id) {
  message body = titanic_store{how_.folder}.load(stored::request, id);
  if (body.empty()) return;
  const std::string service = body[0].text();
  std::error_code failed;
  if (by.client.is_served(service, {}, failed) && !failed) {
    const message reply =
        by.client.request(service, from(std::move(body), 1), {}, failed);
    if (!failed) return answered(id, reply);
  }
  ++counts_.retried;
  later_.push_back(id);
}

/// Unless it was closed, before or meanwhile.
void titanic::answered(const std::string& id, const message& reply) {
  if (known_.count(id) == 0) return;
  const titanic_store files{how_.folder};
  files.save(stored::reply, id, reply);
  const auto found = known_.find(id);
  if (found == known_.end()) return files.remove(id);
  found->second = state::answered;
  ++counts_.answered;
}

void titanic::try_later() {
  for (;;) {
    sleep(how_.pause);
    for (auto& id : std::exchange(later_, {}))
      pending_->put(std::move(id));
  }
}

} // namespace greenroom::zmq
