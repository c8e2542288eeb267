#include <greenroom/net/datagram_server.hpp>

#include "server_core.hpp"

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/mailbox/semaphore.hpp>

#include <algorithm>
#include <mutex>
#include <new>
#include <type_traits>
#include <utility>

namespace greenroom {
namespace {

using datagram_socket = listen_address::datagram_socket;

struct datagram {
  std::string data;
  datagram_sender from;
};

/// As much of it as fits; the size that it had.
std::size_t receive(datagram_socket& on, std::string& buffer,
                    datagram_sender& from, std::error_code& failed) {
  return std::visit(
      [&](auto& socket) {
        auto received = socket.receive_from(buffer, deadline::never(), failed);
        from = std::move(received.from);
        return received.bytes;
      },
      on);
}

/// Of a socket of the other kind.
std::error_code other_family() {
  return std::make_error_code(std::errc::address_family_not_supported);
}

void send(datagram_socket& on, std::string_view bytes,
          const datagram_sender& to, deadline until, std::error_code& failed) {
  failed = other_family();
  if (auto* const udp = std::get_if<udp_socket>(&on)) {
    if (const auto* const peer = std::get_if<udp_endpoint>(&to))
      udp->send_to(bytes, *peer, until, failed);
  } else if (const auto* const peer = std::get_if<unix_address>(&to)) {
    std::get<unix_datagram_socket>(on).send_to(bytes, *peer, until, failed);
  }
}

} // namespace

std::string to_string(const datagram_sender& sender) {
  if (const auto* const udp = std::get_if<udp_endpoint>(&sender))
    return udp->address().text();
  return "unix:" + std::get<unix_address>(sender).text();
}

// --- datagram_server::core --------------------------------------------------

struct datagram_server::core : server_core {
  core(listen_address where, handler on_datagram, datagram_server_options how)
      : server_core("datagram_server", "datagram_server::stop"),
        at(std::move(where)), handle(std::move(on_datagram)), options(how) {}

  void start() override;
  bool started() const override { return socket && !stopping_; }
  std::string name() const override;
  udp_address local() const;
  void send_to(std::string_view bytes, const datagram_sender& to,
               deadline until, std::error_code& failed);

  // Constant after construction, but for the port.
  listen_address at;
  handler handle;
  datagram_server_options options;

  // Hub thread only.
  std::shared_ptr<datagram_socket> socket; // null: not started
  std::uint64_t too_long = 0;

private:
  struct reading;

  std::shared_ptr<core> shared() {
    return std::static_pointer_cast<core>(shared_from_this());
  }
  void begin_to_stop() override;
  void let_go() noexcept override;

  semaphore sending_{1};
  bool stopping_ = false;
};

std::string datagram_server::core::name() const {
  const udp_address found = local();
  return found == udp_address() ? at.text() : found.text();
}

udp_address datagram_server::core::local() const {
  const auto* const open = socket ? std::get_if<udp_socket>(&*socket) : nullptr;
  return open ? open->local() : at.tcp();
}

// --- receiving --------------------------------------------------------------

/// From `start` on, in a greenlet of its own.
struct datagram_server::core::reading {
  std::shared_ptr<core> server;
  std::shared_ptr<datagram_socket> socket;
  std::string name; // "receive on 127.0.0.1:5000"
  std::string buffer = std::string(server->options.longest, '\0');
  growing_pause pause = {};

  void run();
  bool receive_one();
  void wait_for_room();
  void take(datagram received, std::size_t bytes);
};

void datagram_server::core::reading::run() {
  while (receive_one()) {
  }
}

/// False when the socket was closed.
bool datagram_server::core::reading::receive_one() try {
  wait_for_room();
  std::error_code failed;
  datagram received;
  const std::size_t bytes = receive(*socket, buffer, received.from, failed);
  if (failed == errc::closed) return false;
  if (is_fatal(failed)) {
    server->begin_to_stop();
    server->let_go();
    server->give_up(name, failed);
    return false;
  }
  if (failed == std::errc::message_size) {
    ++server->too_long;
    log_info(name + ": " + std::to_string(bytes) + " bytes from " +
             to_string(received.from) + " are too long");
  } else if (failed) {
    pause.after(name, failed);
  } else {
    take(std::move(received), bytes);
  }
  return true;
} catch (const std::bad_alloc&) {
  pause.after(name, std::make_error_code(std::errc::not_enough_memory));
  return true;
}

void datagram_server::core::reading::take(datagram received,
                                          std::size_t bytes) {
  pause.reset();
  if (server->stopping_) return; // too late
  received.data.assign(buffer, 0, bytes);
  server->handlers.spawn([server = server, received = std::move(received)] {
    server->handle(received.data, received.from);
  });
}

void datagram_server::core::reading::wait_for_room() {
  while (server->handlers.size() >= server->options.most_handlers)
    server->handlers.wait_for_end(deadline::never(),
                                  "datagram_server, which is full", &*server);
}

// --- starting and stopping --------------------------------------------------

void datagram_server::core::start() {
  if (!socket) {
    auto bound = std::make_shared<datagram_socket>(
        at.bind({.reuse_address = options.reuse_address}));
    check_alive();
    socket = std::move(bound);
  }
  stopping_ = false;
  if (is_letting_in()) return;
  const std::string what = "receive on " + name();
  doorman = spawn(
      {.name = what},
      [reader = reading{shared(), socket, what}]() mutable { reader.run(); });
}

/// Handlers may answer until they end.
void datagram_server::core::begin_to_stop() {
  stopping_ = true;
  if (doorman) doorman.kill_soon();
}

void datagram_server::core::let_go() noexcept {
  if (!stopping_) return; // somebody has started it again
  if (const auto open = std::exchange(socket, nullptr))
    std::visit([](auto& each) { each.close(); }, *open);
}

void datagram_server::core::send_to(std::string_view bytes,
                                    const datagram_sender& to, deadline until,
                                    std::error_code& failed) {
  const auto here = socket; // it may stop while we wait
  failed.clear();
  if (!here)
    failed = errc::closed;
  else if (!sending_.acquire(until))
    failed = errc::timed_out;
  if (failed) return;
  const std::unique_lock mine{sending_, std::adopt_lock};
  send(*here, bytes, to, until, failed);
}

// --- datagram_server --------------------------------------------------------

// Each call keeps what it calls: the server may be destroyed meanwhile.

datagram_server::datagram_server(listen_address at, handler handle,
                                 datagram_server_options options)
    : core_(std::make_shared<core>(std::move(at), std::move(handle), options)) {
}

datagram_server::~datagram_server() {
  server_core::end(std::move(core_));
}

void datagram_server::start() {
  const auto here = core_;
  here->start();
}

void datagram_server::stop(deadline grace) {
  const auto here = core_;
  here->stop(grace);
}

void datagram_server::serve_forever() {
  const auto here = core_;
  here->serve_forever();
}

void datagram_server::send_to(std::string_view bytes, const datagram_sender& to,
                              deadline until) {
  const std::string who = to_string(to); // `to` may be gone after a wait
  std::error_code failed;
  send_to(bytes, to, until, failed);
  if (failed) throw std::system_error(failed, "send to " + who);
}

void datagram_server::send_to(std::string_view bytes, const datagram_sender& to,
                              deadline until, std::error_code& failed) {
  const auto here = core_;
  here->send_to(bytes, to, until, failed);
}

bool datagram_server::started() const {
  return core_->started();
}

udp_address datagram_server::local() const {
  return core_->local();
}

std::string datagram_server::local_name() const {
  return core_->name();
}

std::size_t datagram_server::handling() const {
  return core_->handlers.size();
}

std::uint64_t datagram_server::too_long() const {
  return core_->too_long;
}

} // namespace greenroom
