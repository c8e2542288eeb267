#include <greenroom/io/udp.hpp>

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/asio.hpp>
#include <greenroom/io/resolve.hpp>

#include "socket_address.hpp"
#include "socket_core.hpp"
#include "udp_endpoints.hpp"

#include <asio/buffer.hpp>
#include <asio/ip/multicast.hpp>
#include <asio/ip/v6_only.hpp>

#include <net/if.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace greenroom {
namespace {

using asio_socket = asio::basic_datagram_socket<udp, hub_executor>;

std::error_code last_error() {
  return {errno, std::system_category()};
}

/// In the order in which they are to be tried.
std::vector<udp::endpoint> endpoints_of(const udp_address& name, ip_family only,
                                        deadline until,
                                        std::error_code& failed) {
  std::vector<udp::endpoint> all;
  for (const std::string& each : resolve(name.host, until, failed, only))
    all.emplace_back(asio::ip::make_address(each), name.port);
  return all;
}

} // namespace

// --- udp_socket -----------------------------------------------------------

/// Shared with the calls that wait on it, which may outlive the socket.
struct udp_socket::state {
  state() : socket(hub::current().context().get_executor()) {}

  void bind(const udp_address& at, udp_options options,
            std::error_code& failed);
  void bind(const udp::endpoint& at, udp_options options, bool both_kinds,
            std::error_code& failed);
  void open_for(const udp::endpoint& peer, std::error_code& failed);
  void connect(const udp::endpoint& peer, std::error_code& failed);
  void send(std::string_view bytes, const udp::endpoint* to, deadline until,
            std::error_code& failed);
  void send_now(std::string_view bytes, const udp::endpoint* to, deadline until,
                std::error_code& failed);
  received receive(std::span<char> into, deadline until,
                   std::error_code& failed);

  void close() {
    std::error_code ignored; // the descriptor is released all the same
    closed = true;
    socket.close(ignored);
  }

  /// Which addresses of a host it can send to.
  ip_family family() const {
    std::error_code not_open;
    const auto endpoint = socket.local_endpoint(not_open);
    const bool four = !not_open && endpoint.protocol() == udp::v4();
    return four ? ip_family::v4 : ip_family::any;
  }

  std::error_code explained(std::error_code failed) const {
    const bool gone = failed == asio::error::operation_aborted ||
                      failed == asio::error::bad_descriptor;
    return gone && !socket.is_open() ? make_error_code(errc::closed)
                                     : standard(failed);
  }

  /// A kill or timeout disturbed the call, and was withdrawn since.
  bool disturbed(std::error_code failed) const {
    return failed == asio::error::operation_aborted && socket.is_open();
  }

  /// One who never has to wait; others must have their turn.
  void give_way_at_times() {
    constexpr unsigned sends_in_a_row = 64;
    if (++sends % sends_in_a_row == 0) yield();
  }

  std::string receiver() const {
    std::error_code failed;
    const auto endpoint = socket.local_endpoint(failed);
    return "receive" +
           (failed ? "" : " on " + text_of(endpoint.data(), endpoint.size()));
  }

  template <class Option>
  void set(const Option& option, const char* what) {
    std::error_code failed;
    socket.set_option(option, failed);
    if (failed) throw std::system_error(explained(failed), what);
  }
  template <class Option>
  int get(const char* what) const {
    std::error_code failed;
    Option option;
    socket.get_option(option, failed);
    if (failed) throw std::system_error(explained(failed), what);
    return option.value();
  }

  asio_socket socket;
  bool closed = false;
  bool receiving = false;
  bool sending = false;
  unsigned sends = 0;
};

void udp_socket::state::bind(const udp::endpoint& at, udp_options options,
                             bool both_kinds, std::error_code& failed) {
  socket.open(at.protocol(), failed);
  if (!failed && options.reuse_address)
    socket.set_option(asio_socket::reuse_address(true), failed);
  if (!failed && both_kinds)
    socket.set_option(asio::ip::v6_only(false), failed);
  if (!failed) socket.bind(at, failed);
}

void udp_socket::state::bind(const udp_address& at, udp_options options,
                             std::error_code& failed) {
  if (!at.host.empty()) {
    const auto found = endpoints_of(at, ip_family::any, {}, failed);
    if (!failed) bind(found.front(), options, false, failed);
    return;
  }
  bind({udp::v6(), at.port}, options, true, failed);
  if (failed == std::errc::address_family_not_supported ||
      failed == std::errc::address_not_available) { // no IPv6 here
    std::error_code ignored;
    socket.close(ignored);
    bind({udp::v4(), at.port}, options, false, failed);
  }
}

void udp_socket::state::open_for(const udp::endpoint& peer,
                                 std::error_code& failed) {
  failed.clear();
  if (!socket.is_open() && !closed) socket.open(peer.protocol(), failed);
}

void udp_socket::state::connect(const udp::endpoint& peer,
                                std::error_code& failed) {
  const bool opened = !socket.is_open();
  open_for(peer, failed);
  if (!socket.is_open()) return;
  if (!failed) socket.connect(peer, failed);
  std::error_code ignored;
  if (failed && opened) socket.close(ignored); // the next may be of IPv6
}

/// To `to`, or to the connected peer.
void udp_socket::state::send(std::string_view bytes, const udp::endpoint* to,
                             deadline until, std::error_code& failed) {
  give_way_at_times();
  if (sending) {
    failed = errc::busy;
    return;
  }
  const turn mine{sending};
  if (to) open_for(*to, failed);
  do
    send_now(bytes, to, until, failed);
  while (disturbed(failed));
  failed = explained(failed);
}

/// Asks the socket first, which nearly always has room.
void udp_socket::state::send_now(std::string_view bytes,
                                 const udp::endpoint* to, deadline until,
                                 std::error_code& failed) {
  ssize_t sent = 0;
  do
    sent = ::sendto(socket.native_handle(), bytes.data(), bytes.size(),
                    MSG_NOSIGNAL | MSG_DONTWAIT, to ? to->data() : nullptr,
                    to ? static_cast<socklen_t>(to->size()) : 0);
  while (sent < 0 && errno == EINTR);
  failed.clear();
  if (sent >= 0) return;
  if (errno != EAGAIN && errno != EWOULDBLOCK)
    return failed.assign(errno, asio::system_category());
  const auto token = use_greenlet[failed].until(until);
  if (to)
    socket.async_send_to(asio::buffer(bytes), *to, token);
  else
    socket.async_send(asio::buffer(bytes), token);
}

udp_socket::received udp_socket::state::receive(std::span<char> into,
                                                deadline until,
                                                std::error_code& failed) {
  if (receiving) {
    failed = errc::busy;
    return {};
  }
  const turn mine{receiving};
  std::size_t bytes = 0;
  udp::endpoint from;
  do
    bytes = socket.async_receive_from(
        asio::buffer(into.data(), into.size()), from,
        MSG_TRUNC, // tells the length of what did not fit, too
        use_greenlet[failed].until(until));
  while (disturbed(failed));
  failed = explained(failed);
  if (failed) return {};
  if (bytes > into.size())
    failed = std::make_error_code(std::errc::message_size);
  return {bytes, from_asio(from)};
}

udp_socket::udp_socket() : state_(std::make_shared<state>()) {
}

udp_socket::udp_socket(const udp_address& at, udp_options options)
    : udp_socket() {
  std::error_code failed;
  state_->bind(at, options, failed);
  if (failed) throw std::system_error(standard(failed), "bind " + at.text());
}

udp_socket::udp_socket(udp_socket&&) noexcept = default;

udp_socket& udp_socket::operator=(udp_socket&& other) noexcept {
  if (this != &other) {
    if (state_) close();
    state_ = std::move(other.state_);
  }
  return *this;
}

udp_socket::~udp_socket() {
  if (state_) close();
}

void udp_socket::connect(const udp_address& to, deadline until) {
  std::error_code failed;
  connect(to, until, failed);
  if (failed) throw std::system_error(failed, "connect to " + to.text());
}

void udp_socket::connect(const udp_address& to, deadline until,
                         std::error_code& failed) {
  const auto here = state_; // may be closed while we wait
  for (const auto& each : endpoints_of(to, here->family(), until, failed)) {
    here->connect(each, failed);
    if (!failed) break;
  }
  failed = here->closed ? errc::closed : standard(failed);
}

void udp_socket::send(std::string_view bytes, deadline until) {
  std::error_code failed;
  send(bytes, until, failed);
  if (failed) throw std::system_error(failed, "send to " + peer().text());
}

void udp_socket::send(std::string_view bytes, deadline until,
                      std::error_code& failed) {
  const auto here = state_;
  here->send(bytes, nullptr, until, failed);
}

void udp_socket::send_to(std::string_view bytes, const udp_endpoint& to,
                         deadline until) {
  std::error_code failed;
  send_to(bytes, to, until, failed);
  if (failed) throw std::system_error(failed, "send to " + to.address().text());
}

void udp_socket::send_to(std::string_view bytes, const udp_endpoint& to,
                         deadline until, std::error_code& failed) {
  const auto here = state_;
  const udp::endpoint endpoint = to_asio(to);
  here->send(bytes, &endpoint, until, failed);
}

void udp_socket::send_to(std::string_view bytes, const udp_address& to,
                         deadline until) {
  std::error_code failed;
  send_to(bytes, to, until, failed);
  if (failed) throw std::system_error(failed, "send to " + to.text());
}

void udp_socket::send_to(std::string_view bytes, const udp_address& to,
                         deadline until, std::error_code& failed) {
  const auto here = state_;
  std::error_code not_numeric;
  udp::endpoint endpoint = numeric_endpoint(to, not_numeric);
  if (not_numeric) {
    const auto found = endpoints_of(to, here->family(), until, failed);
    if (failed) {
      failed = standard(failed);
      return;
    }
    endpoint = found.front();
  }
  here->send(bytes, &endpoint, until, failed);
}

std::size_t udp_socket::receive(std::span<char> into, deadline until) {
  return receive_from(into, until).bytes;
}

std::size_t udp_socket::receive(std::span<char> into, deadline until,
                                std::error_code& failed) {
  return receive_from(into, until, failed).bytes;
}

udp_socket::received udp_socket::receive_from(std::span<char> into,
                                              deadline until) {
  const auto here = state_;
  std::error_code failed;
  const received got = here->receive(into, until, failed);
  if (failed == std::errc::message_size)
    throw std::system_error(failed, here->receiver() + " a datagram of " +
                                        std::to_string(got.bytes) + " bytes");
  if (failed) throw std::system_error(failed, here->receiver());
  return got;
}

udp_socket::received udp_socket::receive_from(std::span<char> into,
                                              deadline until,
                                              std::error_code& failed) {
  const auto here = state_; // may be closed while we wait
  return here->receive(into, until, failed);
}

void udp_socket::close() {
  state_->close();
}

bool udp_socket::is_open() const {
  return state_ && state_->socket.is_open();
}

udp_address udp_socket::local() const {
  std::error_code failed;
  const auto endpoint = state_->socket.local_endpoint(failed);
  return failed ? udp_address{} : tcp_address_of(endpoint.data());
}

udp_address udp_socket::peer() const {
  std::error_code failed;
  const auto endpoint = state_->socket.remote_endpoint(failed);
  return failed ? udp_address{} : tcp_address_of(endpoint.data());
}

int udp_socket::native_handle() const {
  return state_->socket.native_handle();
}

// --- options --------------------------------------------------------------

namespace {

unsigned index_of(const std::string& interface) {
  if (interface.empty()) return 0;
  const unsigned index = if_nametoindex(interface.c_str());
  if (index == 0)
    throw std::system_error(last_error(), "interface " + interface);
  return index;
}

/// `option` is MCAST_JOIN_GROUP or MCAST_LEAVE_GROUP: Asio's options name the
/// interface by an address in IPv4, by an index in IPv6.
void change_group(int descriptor, int option, const std::string& group,
                  const std::string& interface) {
  const udp_endpoint endpoint{udp_address{group, 0}};
  group_req request{};
  request.gr_interface = index_of(interface);
  std::memcpy(&request.gr_group, &endpoint.raw(), endpoint.size());
  const bool six = endpoint.raw().sa_family == AF_INET6;
  if (setsockopt(descriptor, six ? IPPROTO_IPV6 : IPPROTO_IP, option, &request,
                 sizeof request) != 0)
    throw std::system_error(last_error(), "group " + group);
}

} // namespace

void udp_socket::set_broadcast(bool allowed) {
  state_->set(asio_socket::broadcast(allowed), "set_broadcast");
}

void udp_socket::join_group(const std::string& group,
                            const std::string& interface) {
  change_group(native_handle(), MCAST_JOIN_GROUP, group, interface);
}

void udp_socket::leave_group(const std::string& group,
                             const std::string& interface) {
  change_group(native_handle(), MCAST_LEAVE_GROUP, group, interface);
}

void udp_socket::set_multicast_ttl(int hops) {
  if (hops < 0 || hops > 255) // Asio's throws another exception
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "set_multicast_ttl");
  state_->set(asio::ip::multicast::hops(hops), "set_multicast_ttl");
}

void udp_socket::set_multicast_loop(bool enabled) {
  state_->set(asio::ip::multicast::enable_loopback(enabled),
              "set_multicast_loop");
}

void udp_socket::set_multicast_interface(const std::string& interface) {
  const bool four = state_->family() == ip_family::v4;
  ip_mreqn request{};
  request.imr_ifindex = static_cast<int>(index_of(interface));
  const int status =
      four ? setsockopt(native_handle(), IPPROTO_IP, IP_MULTICAST_IF, &request,
                        sizeof request)
           : setsockopt(native_handle(), IPPROTO_IPV6, IPV6_MULTICAST_IF,
                        &request.imr_ifindex, sizeof request.imr_ifindex);
  if (status != 0)
    throw std::system_error(last_error(), "set_multicast_interface");
}

void udp_socket::set_receive_buffer_size(int bytes) {
  state_->set(asio_socket::receive_buffer_size(bytes),
              "set_receive_buffer_size");
}

void udp_socket::set_send_buffer_size(int bytes) {
  state_->set(asio_socket::send_buffer_size(bytes), "set_send_buffer_size");
}

int udp_socket::receive_buffer_size() const {
  return state_->get<asio_socket::receive_buffer_size>("receive_buffer_size");
}

int udp_socket::send_buffer_size() const {
  return state_->get<asio_socket::send_buffer_size>("send_buffer_size");
}

} // namespace greenroom
