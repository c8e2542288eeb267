#include <greenroom/io/udp.hpp>

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/asio.hpp>
#include <greenroom/io/resolve.hpp>

#include "datagram_core.hpp"
#include "udp_endpoints.hpp"

#include <asio/ip/multicast.hpp>
#include <asio/ip/v6_only.hpp>

#include <net/if.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace greenroom {
namespace {

using asio_socket = datagram_core<udp>::asio_socket;

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

struct udp_socket::state : datagram_core<udp> {
  void bind(const udp_address& at, udp_options options,
            std::error_code& failed);
  void bind(const udp::endpoint& at, udp_options options, bool both_kinds,
            std::error_code& failed);
  void connect(const udp::endpoint& peer, std::error_code& failed);

  /// Which addresses of a host it can send to.
  ip_family family() const {
    std::error_code not_open;
    const auto here = socket.local_endpoint(not_open);
    const bool four = !not_open && here.protocol() == udp::v4();
    return four ? ip_family::v4 : ip_family::any;
  }
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

void udp_socket::state::connect(const udp::endpoint& peer,
                                std::error_code& failed) {
  const bool opened = !socket.is_open();
  open_for(peer, failed);
  if (!socket.is_open()) return;
  if (!failed) socket.connect(peer, failed);
  std::error_code ignored;
  if (failed && opened) socket.close(ignored); // the next may be of IPv6
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
  const auto here = state_; // may be closed, and gone, while we wait
  std::error_code failed;
  here->send(bytes, nullptr, until, failed);
  if (failed) throw std::system_error(failed, here->sender());
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
  udp::endpoint from;
  const std::size_t bytes = here->receive(into, from, until, failed);
  if (failed == std::errc::message_size)
    throw std::system_error(failed, here->receiver() + " a datagram of " +
                                        std::to_string(bytes) + " bytes");
  if (failed) throw std::system_error(failed, here->receiver());
  return {bytes, from_asio(from)};
}

udp_socket::received udp_socket::receive_from(std::span<char> into,
                                              deadline until,
                                              std::error_code& failed) {
  const auto here = state_; // may be closed while we wait
  udp::endpoint from;
  const std::size_t bytes = here->receive(into, from, until, failed);
  if (failed && failed != std::errc::message_size) return {};
  return {bytes, from_asio(from)};
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
