#include <greenroom/net/stream_server.hpp>

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/timeout.hpp>

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

namespace greenroom {
namespace {

using namespace std::chrono_literals;

constexpr auto shortest_pause = 10ms;
constexpr auto longest_pause = 1000ms;

} // namespace

/// One connection and the greenlet that handles it.
struct stream_server::visit : greenlet_link {
  visit(stream_server& of, tcp_socket&& accepted)
      : greenlet_link(&visit_ended), server(of), peer(std::move(accepted)) {}

  static void visit_ended(greenlet_link& link, greenlet_base&) {
    auto& self = static_cast<visit&>(link);
    self.server.ended(self.place);
  }

  stream_server& server;
  tcp_socket peer;
  any_greenlet greenlet;
  std::list<std::unique_ptr<visit>>::iterator place;
};

stream_server::stream_server(tcp_address at, handler handle,
                             stream_server_options options)
    : at_(std::move(at)), handle_(std::move(handle)), options_(options) {
}

stream_server::~stream_server() {
  if (!acceptor_ && connections_.empty()) return;
  log_error("stream_server on " + at_.text() +
            " was destroyed while started: call stop() first");
  std::terminate();
}

void stream_server::start() {
  if (started()) return;
  listener_.emplace(at_, options_.backlog);
  acceptor_ = spawn({.name = "accept " + listener_->local().text()},
                    [this] { accept_all(); });
}

tcp_address stream_server::local() const {
  return listener_ ? listener_->local() : at_;
}

void stream_server::accept_all() {
  while (accept_one()) {
  }
}

/// False when the port was closed.
bool stream_server::accept_one() {
  while (connections_.size() >= options_.most_connections)
    room_.wait(deadline::never(), "stream_server, which is full", this);
  std::error_code failed;
  tcp_socket accepted = listener_->accept(deadline::never(), failed);
  if (failed == errc::closed) return false;
  if (failed) {
    pause_after(failed);
    return true;
  }
  pause_ = 0ms;
  handle(std::move(accepted));
  return true;
}

void stream_server::pause_after(const std::error_code& failed) {
  if (failed == std::errc::connection_aborted)
    return; // the peer gave up before we came
  pause_ = std::clamp<std::chrono::milliseconds>(pause_ * 2, shortest_pause,
                                                 longest_pause);
  log_warning("accept on " + local().text() + ": " + failed.message() +
              "; trying again in " + std::to_string(pause_.count()) + " ms");
  sleep(pause_);
}

void stream_server::handle(tcp_socket&& accepted) {
  auto made = std::make_unique<visit>(*this, std::move(accepted));
  visit& entry = *made;
  entry.place = connections_.insert(connections_.end(), std::move(made));
  entry.greenlet = spawn([this, &entry] { handle_(entry.peer); });
  entry.greenlet->add_link(entry);
}

void stream_server::ended(std::list<std::unique_ptr<visit>>::iterator place) {
  connections_.erase(place); // closes the connection
  room_.wake_one();
  if (connections_.empty()) empty_.wake_all();
}

void stream_server::stop(deadline grace) {
  if (!acceptor_) return;
  listener_->close();
  const any_greenlet acceptor = std::exchange(acceptor_, {});
  // Whatever happens to the caller, the server is stopped when this returns.
  const shield guard;
  acceptor.kill();
  listener_.reset();
  bool in_time = true;
  while (!connections_.empty() && in_time)
    in_time = empty_.wait(grace, "stream_server::stop", this);
  std::vector<any_greenlet> late;
  for (const auto& each : connections_)
    late.push_back(each->greenlet);
  killall(late);
  while (!connections_.empty())
    empty_.wait(deadline::never(), "stream_server::stop", this);
  stopped_.wake_all();
}

void stream_server::serve_forever() {
  start();
  try {
    stopped_.wait(deadline::never(), "stream_server::serve_forever", this);
  } catch (...) {
    stop();
    throw;
  }
}

} // namespace greenroom
