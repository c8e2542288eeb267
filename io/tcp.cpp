#include <greenroom/io/tcp.hpp>

#include <greenroom/io/asio.hpp>
#include <greenroom/io/resolve.hpp>

#include <asio/buffer.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

namespace greenroom {
namespace {

using tcp = asio::ip::tcp;
using executor = asio::io_context::executor_type;
using asio_socket = asio::basic_stream_socket<tcp, executor>;
using asio_acceptor = asio::basic_socket_acceptor<tcp, executor>;

/// One greenlet at a time in one direction.
class turn {
public:
  explicit turn(bool& taken) : taken_(taken) { taken_ = true; }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  ~turn() { taken_ = false; }

private:
  bool& taken_;
};

tcp_address address_of(const tcp::endpoint& endpoint) {
  return {endpoint.address().to_string(), endpoint.port()};
}

/// In the standard's category, so that it compares with `std::errc`; what
/// Asio's own category says of its codes differs between its versions.
std::error_code standard(std::error_code failed) {
  if (failed.category() == asio::system_category())
    return {failed.value(), std::system_category()};
  return failed;
}

/// Where one may connect to, in order.
std::vector<tcp::endpoint> endpoints_of(const tcp_address& name, deadline until,
                                        std::error_code& failed) {
  std::vector<tcp::endpoint> all;
  for (const std::string& each : resolve(name.host, until, failed))
    all.emplace_back(asio::ip::make_address(each), name.port);
  return all;
}

} // namespace

std::string tcp_address::text() const {
  const bool six = host.find(':') != std::string::npos;
  return (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

// --- tcp_socket -----------------------------------------------------------

/// Shared with the calls that wait on it, which may outlive the socket.
struct tcp_socket::connection {
  explicit connection(asio_socket&& connected) : socket(std::move(connected)) {}
  connection() : socket(hub::current().context().get_executor()) {}

  /// What a call that found the socket closed under it reports.
  std::error_code explained(std::error_code failed) const {
    const bool gone = failed == asio::error::operation_aborted ||
                      failed == asio::error::bad_descriptor;
    return gone && !socket.is_open() ? make_error_code(errc::closed)
                                     : standard(failed);
  }

  void set_no_delay() {
    std::error_code ignored; // a peer that is gone shows in the next call
    socket.set_option(tcp::no_delay(true), ignored);
  }

  /// A writer whose peer keeps up never waits; others must have their turn.
  void give_way_at_times() {
    constexpr unsigned writes_in_a_row = 64;
    if (++writes % writes_in_a_row == 0) yield();
  }

  /// Sends what there is room for now; waits only when there is none. Asking
  /// the socket first spares the usual write a trip through the loop.
  std::size_t send_some(std::string_view bytes, deadline until,
                        std::error_code& failed) {
    const ssize_t sent = ::send(socket.native_handle(), bytes.data(),
                                bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    failed.clear();
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      return socket.async_write_some(asio::buffer(bytes),
                                     use_greenlet[failed].until(until));
    if (errno != EINTR) failed.assign(errno, asio::system_category());
    return 0;
  }

  asio_socket socket;
  bool reading = false;
  bool writing = false;
  unsigned writes = 0;
  bool ended = false; // read to the end; Asio would wait for a second one
};

tcp_socket::tcp_socket() : connection_(std::make_shared<connection>()) {
}
tcp_socket::tcp_socket(std::shared_ptr<connection> made)
    : connection_(std::move(made)) {
}
tcp_socket::tcp_socket(tcp_socket&&) noexcept = default;

tcp_socket& tcp_socket::operator=(tcp_socket&& other) noexcept {
  if (this != &other) {
    if (connection_) close();
    connection_ = std::move(other.connection_);
  }
  return *this;
}

tcp_socket::~tcp_socket() {
  if (connection_) close();
}

tcp_socket tcp_socket::connect(const tcp_address& to, deadline until) {
  std::error_code failed;
  tcp_socket made = connect(to, until, failed);
  if (failed) throw std::system_error(failed, "connect to " + to.text());
  return made;
}

tcp_socket tcp_socket::connect(const tcp_address& to, deadline until,
                               std::error_code& failed) {
  auto made = std::make_shared<connection>();
  // None, when that failed.
  for (const tcp::endpoint& each : endpoints_of(to, until, failed)) {
    std::error_code ignored;
    made->socket.close(ignored);
    made->socket.open(each.protocol(), failed);
    if (!failed)
      made->socket.async_connect(each, use_greenlet[failed].until(until));
    if (!failed || failed == errc::timed_out) break;
  }
  failed = standard(failed);
  if (failed) return {};
  made->set_no_delay();
  return tcp_socket{std::move(made)};
}

std::size_t tcp_socket::read_some(std::span<char> into, deadline until) {
  std::error_code failed;
  const std::size_t bytes = read_some(into, until, failed);
  if (failed) throw std::system_error(failed, "read");
  return bytes;
}

std::size_t tcp_socket::read_some(std::span<char> into, deadline until,
                                  std::error_code& failed) {
  const auto here = connection_; // may be closed while we wait
  if (here->reading) {
    failed = errc::busy;
    return 0;
  }
  failed.clear();
  if (here->ended && here->socket.is_open()) return 0;
  const turn mine{here->reading};
  const std::size_t bytes =
      here->socket.async_read_some(asio::buffer(into.data(), into.size()),
                                   use_greenlet[failed].until(until));
  here->ended = failed == asio::error::eof;
  failed = here->ended ? std::error_code() : here->explained(failed);
  return bytes;
}

void tcp_socket::read(std::span<char> into, deadline until) {
  std::error_code failed;
  read(into, until, failed);
  if (failed) throw std::system_error(failed, "read");
}

std::size_t tcp_socket::read(std::span<char> into, deadline until,
                             std::error_code& failed) {
  const auto here = connection_;
  if (here->reading) {
    failed = errc::busy;
    return 0;
  }
  if (here->ended && here->socket.is_open()) {
    failed = errc::closed;
    return 0;
  }
  const turn mine{here->reading};
  const std::size_t bytes =
      asio::async_read(here->socket, asio::buffer(into.data(), into.size()),
                       use_greenlet[failed].until(until));
  here->ended = failed == asio::error::eof;
  failed =
      here->ended ? make_error_code(errc::closed) : here->explained(failed);
  return bytes;
}

void tcp_socket::write(std::string_view bytes, deadline until) {
  std::error_code failed;
  write(bytes, until, failed);
  if (failed) throw std::system_error(failed, "write");
}

std::size_t tcp_socket::write(std::string_view bytes, deadline until,
                              std::error_code& failed) {
  const auto here = connection_;
  if (here->writing) {
    failed = errc::busy;
    return 0;
  }
  const turn mine{here->writing};
  here->give_way_at_times();
  failed.clear();
  std::size_t written = 0;
  while (written < bytes.size() && !failed)
    written += here->send_some(bytes.substr(written), until, failed);
  if (failed) failed = here->explained(failed);
  return written;
}

void tcp_socket::shutdown_write() {
  std::error_code ignored; // nothing to shut when it is closed
  connection_->socket.shutdown(asio_socket::shutdown_send, ignored);
}

void tcp_socket::close() {
  std::error_code ignored; // the descriptor is released all the same
  connection_->socket.close(ignored);
}

void tcp_socket::reset() {
  std::error_code ignored;
  connection_->socket.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

bool tcp_socket::is_open() const {
  return connection_ && connection_->socket.is_open();
}

tcp_address tcp_socket::local() const {
  std::error_code failed;
  const auto endpoint = connection_->socket.local_endpoint(failed);
  return failed ? tcp_address{} : address_of(endpoint);
}

tcp_address tcp_socket::peer() const {
  std::error_code failed;
  const auto endpoint = connection_->socket.remote_endpoint(failed);
  return failed ? tcp_address{} : address_of(endpoint);
}

int tcp_socket::native_handle() const {
  return connection_->socket.native_handle();
}

// --- tcp_listener ---------------------------------------------------------

struct tcp_listener::port {
  explicit port(executor of) : acceptor(of) {}
  asio_acceptor acceptor;
  bool accepting = false;
};

tcp_listener::tcp_listener(const tcp_address& at, int backlog)
    : port_(std::make_shared<port>(hub::current().context().get_executor())) {
  std::error_code failed;
  const std::vector<tcp::endpoint> found = endpoints_of(at, {}, failed);
  auto& acceptor = port_->acceptor;
  if (!failed) {
    const tcp::endpoint& endpoint = found.front();
    acceptor.open(endpoint.protocol(), failed);
    if (!failed)
      acceptor.set_option(asio_acceptor::reuse_address(true), failed);
    if (!failed) acceptor.bind(endpoint, failed);
    if (!failed) acceptor.listen(backlog, failed);
  }
  if (failed)
    throw std::system_error(standard(failed), "listen on " + at.text());
}

tcp_listener::tcp_listener(tcp_listener&&) noexcept = default;

tcp_listener& tcp_listener::operator=(tcp_listener&& other) noexcept {
  if (this != &other) {
    if (port_) close();
    port_ = std::move(other.port_);
  }
  return *this;
}

tcp_listener::~tcp_listener() {
  if (port_) close();
}

tcp_socket tcp_listener::accept(deadline until) {
  std::error_code failed;
  tcp_socket accepted = accept(until, failed);
  if (failed) throw std::system_error(failed, "accept on " + local().text());
  return accepted;
}

tcp_socket tcp_listener::accept(deadline until, std::error_code& failed) {
  const auto here = port_; // may be closed while we wait
  if (here->accepting) {
    failed = errc::busy;
    return {};
  }
  const turn mine{here->accepting};
  auto made = std::make_shared<tcp_socket::connection>();
  here->acceptor.async_accept(made->socket, use_greenlet[failed].until(until));
  if (failed) {
    failed = here->acceptor.is_open() ? standard(failed)
                                      : make_error_code(errc::closed);
    return {};
  }
  made->set_no_delay();
  return tcp_socket{std::move(made)};
}

void tcp_listener::close() {
  std::error_code ignored; // the descriptor is released all the same
  port_->acceptor.close(ignored);
}

bool tcp_listener::is_open() const {
  return port_ && port_->acceptor.is_open();
}

tcp_address tcp_listener::local() const {
  std::error_code failed;
  const auto endpoint = port_->acceptor.local_endpoint(failed);
  return failed ? tcp_address{} : address_of(endpoint);
}

// --- line_reader ----------------------------------------------------------

std::optional<std::string> line_reader::next(deadline until) {
  std::error_code failed;
  auto line = next(until, failed);
  if (failed) throw std::system_error(failed, "read a line");
  return line;
}

std::optional<std::string> line_reader::next(deadline until,
                                             std::error_code& failed) {
  failed.clear();
  for (;;) {
    if (auto line = cut_line()) return line;
    if (is_too_long()) {
      failed = std::make_error_code(std::errc::message_size);
      return std::nullopt;
    }
    if (ended_) return std::nullopt;
    std::array<char, 2048> chunk;
    const std::size_t bytes = from_.read_some(chunk, until, failed);
    if (failed) return std::nullopt;
    buffer_.append(chunk.data(), bytes);
    ended_ = bytes == 0;
  }
}

/// The line that begins the buffer, which has no end yet or one too far away.
/// A return at the limit may be half of its end.
bool line_reader::is_too_long() const {
  return buffer_.size() > limit_ &&
         (buffer_.back() != '\r' || buffer_.size() - limit_ > 1);
}

/// The first whole line of the buffer; at the end of the stream, the rest.
std::optional<std::string> line_reader::cut_line() {
  std::size_t end = buffer_.find('\n', searched_);
  if (end == std::string::npos && ended_ && !buffer_.empty())
    end = buffer_.size();
  searched_ = buffer_.size();
  if (end == std::string::npos) return std::nullopt;
  const bool with_return = end > 0 && buffer_[end - 1] == '\r';
  const std::size_t length = end - (with_return ? 1 : 0);
  if (length > limit_) return std::nullopt;
  std::string line = buffer_.substr(0, length);
  buffer_.erase(0, end + 1);
  searched_ = 0;
  return line;
}

} // namespace greenroom
