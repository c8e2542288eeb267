#include <greenroom/net/server_group.hpp>

#include <greenroom/actors/actor_on.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/timeout.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <system_error>

namespace greenroom {
namespace {

using namespace std::chrono_literals;

using maker =
    std::function<std::unique_ptr<inside::grouped_server>(listen_address)>;

/// What a server may need beyond its grace, to end those who do not end.
constexpr std::chrono::seconds patience = 5s;

struct open_port {
  using reply = tcp_address; // the real one
  tcp_address at;
};
struct stop_serving {
  using reply = void;
  std::optional<std::chrono::nanoseconds> grace; // none: for ever
};
struct count_connections {
  using reply = std::size_t;
};

/// Has the server of one hub, there.
class keeper : public actor<open_port, stop_serving, count_connections> {
public:
  explicit keeper(std::shared_ptr<const maker> make) : make_(std::move(make)) {}

private:
  tcp_address receive(open_port port) override {
    tcp_listener ready{port.at, {.reuse_port = true}};
    tcp_address real = ready.local();
    server_ = (*make_)(std::move(ready));
    server_->start();
    return real;
  }
  void receive(stop_serving how) override {
    server_->stop(how.grace ? deadline{*how.grace} : deadline::never());
    stop();
  }
  std::size_t receive(count_connections) override {
    return server_->connections();
  }
  void on_stop(const exit_reason&) override { server_.reset(); }

  const std::shared_ptr<const maker> make_;
  std::unique_ptr<inside::grouped_server> server_;
};

bool was_dead(const std::exception& error) {
  const auto* system = dynamic_cast<const std::system_error*>(&error);
  return system && system->code() == errc::dead;
}

} // namespace

struct server_group::member {
  actor_ref<keeper> at;
  std::size_t hub;
};

server_group::server_group(const hub_group& hubs, tcp_address at, maker make)
    : hubs_(hubs.begin(), hubs.end()),
      make_(std::make_shared<const maker>(std::move(make))),
      at_(std::move(at)) {
}

server_group::~server_group() {
  if (!started()) return;
  const shield guard;
  try {
    stop();
  } catch (const std::exception& error) {
    log_error("servers at " + at_.text() +
              " were not stopped: " + error.what());
  }
}

void server_group::start() {
  if (started()) return;
  try {
    for (std::size_t i = 0; i < hubs_.size(); ++i) {
      const auto made = spawn<keeper>(on(hubs_[i]), make_);
      servers_.push_back(std::make_unique<member>(member{made, i}));
      at_ = made.ask(open_port{at_}).get();
    }
  } catch (...) {
    const shield guard;
    for (const auto& each : servers_)
      each->at.kill();
    servers_.clear();
    throw;
  }
}

bool server_group::stop(deadline grace) {
  std::optional<std::chrono::nanoseconds> left;
  if (!grace.is_never())
    left = std::max(std::chrono::nanoseconds(grace.nanoseconds()) -
                        now().time_since_epoch(),
                    std::chrono::nanoseconds{});
  // Whatever happens to the caller, they have stopped when this returns.
  const shield guard;
  std::vector<async_result<void>> ends;
  ends.reserve(servers_.size());
  for (const auto& each : servers_)
    ends.push_back(each->at.ask(stop_serving{left}));
  const deadline last = left ? deadline{*left + patience} : deadline::never();
  bool all = true;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const std::string name = "server at " + at_.text() + " on hub " +
                             std::to_string(servers_[i]->hub);
    try {
      ends[i].get(last);
      servers_[i]->at.join(last);
    } catch (const std::exception& error) {
      if (was_dead(error)) continue; // with its hub
      log_warning(name + " has not stopped: " + error.what());
      all = false;
    }
  }
  servers_.clear();
  return all;
}

std::size_t server_group::connections() const {
  std::vector<async_result<std::size_t>> counts;
  counts.reserve(servers_.size());
  for (const auto& each : servers_)
    counts.push_back(each->at.ask(count_connections{}));
  std::size_t all = 0;
  for (const auto& each : counts)
    if (each.wait(); each.successful()) all += each.get();
  return all;
}

} // namespace greenroom
