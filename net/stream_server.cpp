#include <greenroom/net/stream_server.hpp>

#include "server_core.hpp"

#include <greenroom/actors/pool.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>

#include <chrono>
#include <exception>
#include <new>
#include <system_error>
#include <utility>
#include <variant>

namespace greenroom {
namespace {

using namespace std::chrono_literals;

constexpr int accepted_in_a_row = 100; // before others have their turn

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

struct stream_server::core : server_core {
  core(listen_address where, handler on_connection, stream_server_options how)
      : server_core("stream_server", "stream_server::stop"),
        at(std::move(where)), handle(std::move(on_connection)),
        options(std::move(how)) {}

  void start() override;
  void start_accepting();
  void close();
  bool started() const override { return port != nullptr; }
  std::string name() const override;
  tcp_address local() const;

  // Constant after construction, but for the port.
  listen_address at;
  handler handle;
  stream_server_options options;

  // Hub thread only.
  std::shared_ptr<listen_address::listener> port; // null: not started
  std::stop_source stopping;

private:
  struct acceptance;

  std::shared_ptr<core> shared() {
    return std::static_pointer_cast<core>(shared_from_this());
  }
  void close_port();
  void begin_to_stop() override;
  void serve(std::unique_ptr<socket_stream> accepted);
  bool prepare(std::unique_ptr<stream>& peer);
  std::unique_ptr<stream> secured(std::unique_ptr<stream> peer);
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
  std::string name; // "accept on 127.0.0.1:5000"
  growing_pause pause = {};

  void run();
  bool accept_some();
  bool is_full() const;
  void wait_for_room();
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
    pause.reset();
    spawn_handler(std::move(accepted));
    if (--left == 0) yield();
    if (left == 0 || is_full()) break;
    accepted = try_accept_from(*port, failed);
  }
  if (failed == errc::closed) return false;
  if (is_fatal(failed)) {
    server->close_port();
    server->give_up(name, failed);
    return false;
  }
  if (failed) pause.after(name, failed);
  return true;
} catch (const std::bad_alloc&) {
  pause.after(name, std::make_error_code(std::errc::not_enough_memory));
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
    auto opened = std::make_shared<listen_address::listener>(at.open(how));
    check_alive();
    port = std::move(opened);
    if (stopping.stop_requested()) stopping = std::stop_source();
  }
  start_accepting();
}

void stream_server::core::start_accepting() {
  if (!port) throw_error(errc::closed, "start_accepting on " + name());
  if (is_letting_in()) return;
  const std::string what = "accept on " + name();
  doorman =
      spawn({.name = what},
            [accepting = acceptance{shared(), port, stopping.get_token(),
                                    what}]() mutable { accepting.run(); });
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

/// Who accepts is woken.
void stream_server::core::close_port() {
  if (const auto open = std::exchange(port, nullptr))
    std::visit([](auto& each) { each.close(); }, *open);
}

void stream_server::core::close() {
  close_port();
  keep_out();
}

void stream_server::core::begin_to_stop() {
  close_port();
  if (doorman) doorman.kill_soon();
  stopping.request_stop();
}

// --- stream_server ----------------------------------------------------------

// Each call keeps what it calls: the server may be destroyed meanwhile.

stream_server::stream_server(listen_address at, handler handle,
                             stream_server_options options)
    : core_(std::make_shared<core>(std::move(at), std::move(handle),
                                   std::move(options))) {
}

stream_server::~stream_server() {
  server_core::end(std::move(core_));
}

void stream_server::start() {
  const auto here = core_;
  here->start();
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
  here->keep_out();
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
  return core_->started();
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
