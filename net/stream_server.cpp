#include <greenroom/net/stream_server.hpp>

#include "handler_set.hpp"

#include <greenroom/actors/pool.hpp>
#include <greenroom/hub/address.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/timeout.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <system_error>
#include <utility>
#include <variant>

namespace greenroom {
namespace {

using namespace std::chrono_literals;

constexpr auto shortest_pause = 10ms;
constexpr auto longest_pause = 1000ms;
constexpr int accepted_in_a_row = 100; // before others have their turn

/// The port is none any more.
bool is_fatal(const std::error_code& failed) {
  return failed == std::errc::bad_file_descriptor ||
         failed == std::errc::invalid_argument ||
         failed == std::errc::not_a_socket;
}

template <class Socket>
std::unique_ptr<socket_stream> on_heap(Socket&& accepted) {
  return std::make_unique<std::decay_t<Socket>>(std::move(accepted));
}

/// Null when that failed.
std::unique_ptr<socket_stream> accept_from(listen_address::listener& port,
                                           std::error_code& failed) {
  return std::visit(
      [&](auto& from) -> std::unique_ptr<socket_stream> {
        auto accepted = from.accept(deadline::never(), failed);
        return failed ? nullptr : on_heap(std::move(accepted));
      },
      port);
}

/// Null also when nobody waits.
std::unique_ptr<socket_stream> try_accept_from(listen_address::listener& port,
                                               std::error_code& failed) {
  return std::visit(
      [&](auto& from) -> std::unique_ptr<socket_stream> {
        auto accepted = from.try_accept(failed);
        return accepted ? on_heap(std::move(*accepted)) : nullptr;
      },
      port);
}

} // namespace

// --- stream_server::core ----------------------------------------------------

struct stream_server::core : std::enable_shared_from_this<core> {
  core(listen_address where, handler on_connection, stream_server_options how)
      : at(std::move(where)), handle(std::move(on_connection)),
        options(std::move(how)) {}

  void start();
  void start_accepting();
  void stop_accepting();
  void close();
  void stop(deadline grace);
  void serve_forever();
  static void end(std::shared_ptr<core> last) noexcept; // by a destructor

  tcp_address local() const;
  std::string name() const;

  // Constant after construction, but for the port.
  listen_address at;
  handler handle;
  stream_server_options options;

  // Hub thread only.
  std::shared_ptr<listen_address::listener> port; // null: not started
  handler_set handlers{"stream_server::stop"};
  std::stop_source stopping;

private:
  struct acceptance;

  void close_port();
  void begin_to_stop();
  void give_up(const std::error_code& failed);
  void serve(std::unique_ptr<socket_stream> accepted);
  bool prepare(std::unique_ptr<stream>& peer);
  std::unique_ptr<stream> secured(std::unique_ptr<stream> peer);

  hub_address home_ = hub::current().address();
  any_greenlet acceptor_;    // while accepting
  std::error_code unusable_; // the port became so
  wait_list stopped_;        // who waits in serve_forever
  unsigned stops_ = 0;       // so far
};

tcp_address stream_server::core::local() const {
  const auto* const open = port ? std::get_if<tcp_listener>(&*port) : nullptr;
  return open ? open->local() : at.tcp();
}

std::string stream_server::core::name() const {
  const tcp_address found = local();
  return found == tcp_address() ? at.text() : found.text();
}

// --- accepting --------------------------------------------------------------

/// From `start_accepting` on, in a greenlet of its own.
struct stream_server::core::acceptance {
  std::shared_ptr<core> server;
  std::shared_ptr<listen_address::listener> port;
  std::stop_token stopped;
  std::string name;
  std::chrono::milliseconds pause{0}; // after a failed accept

  void run();
  bool accept_some();
  bool is_full() const;
  void wait_for_room();
  void pause_after(const std::error_code& failed);
  void spawn_handler(std::unique_ptr<socket_stream> accepted);
};

void stream_server::core::acceptance::run() {
  while (accept_some()) {
  }
}

/// False when the port was closed.
bool stream_server::core::acceptance::accept_some() try {
  wait_for_room();
  std::error_code failed;
  auto accepted = accept_from(*port, failed);
  for (int left = accepted_in_a_row; accepted;) {
    pause = 0ms;
    spawn_handler(std::move(accepted));
    if (--left == 0) yield();
    if (left == 0 || is_full()) break;
    accepted = try_accept_from(*port, failed);
  }
  if (failed == errc::closed) return false;
  if (is_fatal(failed)) {
    server->give_up(failed);
    return false;
  }
  if (failed) pause_after(failed);
  return true;
} catch (const std::bad_alloc&) {
  pause_after(std::make_error_code(std::errc::not_enough_memory));
  return true;
}

/// Who waits for a place in the pool is in it later than now: one at a time.
bool stream_server::core::acceptance::is_full() const {
  return server->options.workers ||
         server->handlers.size() >= server->options.most_connections;
}

void stream_server::core::acceptance::wait_for_room() {
  while (server->handlers.size() >= server->options.most_connections)
    server->handlers.wait_for_end(deadline::never(),
                                  "stream_server, which is full", &*server);
  if (server->options.workers) server->options.workers->wait_available();
}

void stream_server::core::acceptance::pause_after(
    const std::error_code& failed) {
  pause = std::clamp<std::chrono::milliseconds>(pause * 2, shortest_pause,
                                                longest_pause);
  log_warning("accept on " + name + ": " + failed.message() +
              "; trying again in " + std::to_string(pause.count()) + " ms");
  sleep(pause);
}

void stream_server::core::acceptance::spawn_handler(
    std::unique_ptr<socket_stream> accepted) {
  if (stopped.stop_requested()) return; // too late
  server->handlers.spawn(
      [server = server, accepted = std::move(accepted)]() mutable {
        server->serve(std::move(accepted));
      });
}

// --- starting ---------------------------------------------------------------

void stream_server::core::start() {
  if (!port) {
    const listen_options how{.backlog = options.backlog,
                             .reuse_port = options.reuse_port};
    port = std::make_shared<listen_address::listener>(at.open(how));
    unusable_.clear();
    if (stopping.stop_requested()) stopping = std::stop_source();
  }
  start_accepting();
}

void stream_server::core::start_accepting() {
  if (!port) throw_error(errc::closed, "start_accepting on " + name());
  if (acceptor_ && !acceptor_.dead()) return;
  acceptor_ = spawn(
      {.name = "accept " + name()},
      [accepting = acceptance{shared_from_this(), port, stopping.get_token(),
                              name()}]() mutable { accepting.run(); });
}

// --- one connection -------------------------------------------------------

void stream_server::core::serve(std::unique_ptr<socket_stream> accepted) {
  if (options.workers) options.workers->add(any_greenlet{current()});
  std::unique_ptr<stream> peer = std::move(accepted);
  if (prepare(peer)) handle(*peer);
}

/// Strangers fail here all day long.
bool stream_server::core::prepare(std::unique_ptr<stream>& peer) {
  if (!options.tcp && !options.secure) return true;
  const std::string who = peer->peer_name();
  try {
    auto* const socket = dynamic_cast<tcp_socket*>(peer.get());
    if (options.tcp && socket) socket->set_options(*options.tcp);
    if (options.secure) peer = secured(std::move(peer));
    return peer != nullptr;
  } catch (const std::exception& error) {
    log_info(name() + " refused " + who + ": " + error.what());
    return false;
  }
}

/// A stop does not wait for handshakes.
std::unique_ptr<stream>
stream_server::core::secured(std::unique_ptr<stream> peer) {
  const any_greenlet shaking{current()};
  const std::stop_callback cut{stopping.get_token(),
                               [&] { shaking->kill_soon(); }};
  return options.secure(static_cast<socket_stream&&>(*peer),
                        options.handshake_time);
}

// --- stopping ---------------------------------------------------------------

void stream_server::core::stop_accepting() {
  const shield guard;
  if (acceptor_) std::exchange(acceptor_, {}).kill();
}

/// Who accepts is woken.
void stream_server::core::close_port() {
  if (const auto open = std::exchange(port, nullptr))
    std::visit([](auto& each) { each.close(); }, *open);
}

void stream_server::core::close() {
  close_port();
  stop_accepting();
}

/// What does not wait.
void stream_server::core::begin_to_stop() {
  close_port();
  if (acceptor_) acceptor_.kill_soon();
  stopping.request_stop();
}

void stream_server::core::stop(deadline grace) {
  // Whatever happens to the caller, the server is stopped when this returns.
  const shield guard;
  begin_to_stop();
  stop_accepting();
  handlers.stop(grace);
  ++stops_;
  stopped_.wake_all();
}

/// By who accepts.
void stream_server::core::give_up(const std::error_code& failed) {
  log_error("accept on " + name() + ": " + failed.message() +
            "; the port is closed");
  unusable_ = failed;
  close_port();
  ++stops_;
  stopped_.wake_all();
}

void stream_server::core::serve_forever() {
  start();
  try {
    const unsigned before = stops_;
    while (stops_ == before)
      stopped_.wait_turn(deadline::never(), "stream_server::serve_forever",
                         this);
    if (unusable_) throw std::system_error(unusable_, "accept on " + name());
    // Handlers that stopped it go on; unless it was started again, meanwhile.
    while (!port && handlers.size() > 0)
      handlers.wait_for_end(deadline::never(), "stream_server::serve_forever",
                            this);
  } catch (...) {
    stop(1s);
    throw;
  }
}

void stream_server::core::end(std::shared_ptr<core> last) noexcept {
  core& here = *last;
  if (!here.home_.is_here()) {
    const hub_address home = here.home_;
    (void)post_to(home, [last = std::move(last)] { // if not, nothing runs there
      log_error("stream_server on " + last->name() +
                " was destroyed on another thread than its own; it is "
                "stopped there");
      spawn([last] { end(last); });
    });
    return;
  }
  if (!here.port && here.handlers.size() == 0) return;
  const std::string who = "stream_server on " + here.name() + " was destroyed ";
  if (here.handlers.has_caller()) {
    log_error(who + "by one of its handlers: the others are killed, and not "
                    "waited for");
    here.begin_to_stop();
    return here.handlers.kill_soon();
  }
  try {
    hub::current().check_wait("~stream_server");
  } catch (const wait_refused& refused) {
    log_error(who + "where it cannot wait, and its handlers are killed: " +
              refused.what());
    here.begin_to_stop();
    return here.handlers.kill_brutally();
  }
  here.stop(0s);
}

// --- stream_server ----------------------------------------------------------

// Each call keeps what it calls: the server may be destroyed meanwhile.

stream_server::stream_server(listen_address at, handler handle,
                             stream_server_options options)
    : core_(std::make_shared<core>(std::move(at), std::move(handle),
                                   std::move(options))) {
}

stream_server::~stream_server() {
  core::end(std::move(core_));
}

void stream_server::start() {
  core_->start();
}

void stream_server::stop(deadline grace) {
  const auto here = core_;
  here->stop(grace);
}

void stream_server::close() {
  const auto here = core_;
  here->close();
}

void stream_server::stop_accepting() {
  const auto here = core_;
  here->stop_accepting();
}

void stream_server::start_accepting() {
  core_->start_accepting();
}

void stream_server::serve_forever() {
  const auto here = core_;
  here->serve_forever();
}

std::stop_token stream_server::stopping() const {
  return core_->stopping.get_token();
}

bool stream_server::started() const {
  return core_->port != nullptr;
}

tcp_address stream_server::local() const {
  return core_->local();
}

std::string stream_server::local_name() const {
  return core_->name();
}

std::size_t stream_server::connections() const {
  return core_->handlers.size();
}

} // namespace greenroom
