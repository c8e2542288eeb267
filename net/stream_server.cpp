#include <greenroom/net/stream_server.hpp>

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/timeout.hpp>

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

namespace greenroom {
namespace {

using namespace std::chrono_literals;

constexpr auto shortest_pause = 10ms;
constexpr auto longest_pause = 1000ms;
constexpr auto cleanup_time = 1s; // for a handler that has been killed

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
  bool has_stopped_server = false; // or is about to
};

stream_server::stream_server(tcp_address at, handler handle,
                             stream_server_options options)
    : at_(std::move(at)), handle_(std::move(handle)), options_(options) {
}

stream_server::~stream_server() {
  if (!acceptor_ && connections_.empty()) return;
  log_error("stream_server on " + local().text() +
            " was destroyed while started: call stop() first");
  std::terminate();
}

void stream_server::start() {
  if (started()) return;
  listener_.emplace(at_, listen_options{.backlog = options_.backlog});
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
bool stream_server::accept_one() try {
  while (connections_.size() >= options_.most_connections)
    room_.wait_turn(deadline::never(), "stream_server, which is full", this);
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
} catch (const std::bad_alloc&) {
  pause_after(std::make_error_code(std::errc::not_enough_memory));
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
  std::list<std::unique_ptr<visit>> made; // kept when nothing can fail
  made.push_back(std::make_unique<visit>(*this, std::move(accepted)));
  visit& entry = *made.back();
  entry.place = made.begin();
  entry.greenlet = spawn([this, &entry] { handle_(entry.peer); });
  entry.greenlet->add_link(entry);
  connections_.splice(connections_.end(), made);
}

void stream_server::ended(std::list<std::unique_ptr<visit>>::iterator place) {
  connections_.erase(place); // closes the connection
  room_.wake_one();
  ends_.wake_all();
}

void stream_server::stop(deadline grace) {
  // Whatever happens to the caller, the server is stopped when this returns.
  const shield guard;
  if (visit* own = visit_of_caller()) {
    own->has_stopped_server = true;
    ends_.wake_all(); // others that do the same wait for one less
  }
  stop_accepting();
  if (!wait_for_handlers(grace)) {
    for (const any_greenlet& late : awaited_handlers())
      late.kill_soon();
    if (!wait_for_handlers(cleanup_time))
      for (const any_greenlet& refusing : awaited_handlers())
        refusing->kill_brutally();
    wait_for_handlers(deadline::never());
  }
  ++stops_;
  stopped_.wake_all();
}

void stream_server::stop_accepting() {
  if (!acceptor_) return;
  listener_->close();
  std::exchange(acceptor_, {}).kill();
  listener_.reset();
}

/// Null when the caller is no handler of this server.
stream_server::visit* stream_server::visit_of_caller() const {
  for (const auto& each : connections_)
    if (&*each->greenlet == &current()) return each.get();
  return nullptr;
}

/// Handlers that stop their own server wait neither for themselves nor for
/// one another.
std::vector<any_greenlet> stream_server::awaited_handlers() const {
  const bool by_handler = visit_of_caller();
  std::vector<any_greenlet> awaited;
  for (const auto& each : connections_)
    if (!by_handler || !each->has_stopped_server)
      awaited.push_back(each->greenlet);
  return awaited;
}

bool stream_server::wait_for_handlers(deadline until) {
  const bool by_handler = visit_of_caller();
  while (by_handler ? !awaited_handlers().empty() : !connections_.empty())
    if (!ends_.wait_turn(until, "stream_server::stop", this)) return false;
  return true;
}

void stream_server::serve_forever() {
  start();
  try {
    const unsigned before = stops_;
    while (stops_ == before)
      stopped_.wait_turn(deadline::never(), "stream_server::serve_forever",
                         this);
    // Handlers that stopped it go on; unless it was started again, meanwhile.
    while (!(listener_ && listener_->is_open()) && !connections_.empty())
      ends_.wait_turn(deadline::never(), "stream_server::serve_forever", this);
  } catch (...) {
    stop();
    throw;
  }
}

} // namespace greenroom
