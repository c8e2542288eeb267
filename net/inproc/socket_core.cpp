#include <greenroom/inproc/socket_core.hpp>

#include "directory.hpp"

#include <greenroom/hub/greenlet.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace greenroom::inproc {
namespace {

/// A watch may have other plans: all are told, up to the first that is sure to
/// look.
void call_one(wait_list& waiting) {
  while (const wait_record* oldest = waiting.front()) {
    const bool looks = oldest->waiting();
    waiting.wake_one();
    if (looks) return;
  }
}

std::size_t sum_of(std::size_t one, std::size_t other) {
  return one && other ? one + other : lane_base::unbounded;
}

std::error_code check_endpoint(const std::string& text) {
  constexpr std::string_view scheme = "inproc://";
  const auto end = text.find("://");
  if (end == std::string::npos || text.size() == end + 3)
    return std::make_error_code(std::errc::invalid_argument);
  if (!std::string_view(text).starts_with(scheme))
    return std::make_error_code(std::errc::protocol_not_supported);
  return {};
}

std::error_code not_there() {
  return std::make_error_code(std::errc::no_such_file_or_directory);
}

} // namespace

std::string_view name_of(socket_type kind) {
  constexpr std::array<std::string_view, 8> names{
      "pub", "sub", "req", "rep", "dealer", "router", "pull", "push"};
  return names[static_cast<std::size_t>(kind)];
}

socket_core::socket_core(const profile& typed)
    : what(typed), home(hub::current()), directory_(directory::here()) {
}

socket_core::~socket_core() = default;

std::string socket_core::named(const char* call) const {
  return std::string(call) + " on " + std::string(name_of(what.kind)) +
         " socket" + (endpoint.empty() ? "" : " " + endpoint);
}

void socket_core::fail(std::error_code why, const char* call) const {
  throw std::system_error(why, named(call));
}

// --- waiting ----------------------------------------------------------------

void socket_core::give_way() {
  if (home.has_ready() && home.running()) yield();
}

/// Waiters keep their order: those of a router are all woken.
bool socket_core::wait(turn& mine, deadline until, bool again) {
  mine.woken_ = false;
  wait_list& side = mine.sending_ ? writers : readers;
  const char* const call =
      mine.sending_ ? "inproc socket::send" : "inproc socket::receive";
  const bool in_front = again && !(mine.sending_ && mandatory);
  mine.woken_ = side.wait_turn(until, call, this, in_front);
  return mine.woken_;
}

void socket_core::call_reader() {
  call_one(readers);
}

/// Each writer of a router waits for a peer of its own.
void socket_core::call_writer() {
  mandatory ? writers.wake_all() : call_one(writers);
}

void socket_core::taken_from_gone(lane_base& where) {
  if (where.size == 0 && where.of.over) forget(where.of);
}

// --- endpoints --------------------------------------------------------------

std::error_code socket_core::check(const std::string& at) const {
  home.check_thread("a socket of inproc");
  return closed_ ? make_error_code(greenroom::errc::closed)
                 : check_endpoint(at);
}

void socket_core::bind(const std::string& at, std::error_code& failed) {
  failed = check(at);
  if (failed) return;
  bound_.reserve(bound_.size() + 1);
  directory_->bind(at, *this, failed);
  if (failed) return;
  bound_.push_back(at);
  endpoint = at;
}

void socket_core::unbind(const std::string& at, std::error_code& failed) {
  failed = check(at);
  if (failed) return;
  const auto found = std::find(bound_.begin(), bound_.end(), at);
  if (found == bound_.end()) {
    failed = not_there();
    return;
  }
  directory_->unbind(at);
  bound_.erase(found);
}

void socket_core::connect(const std::string& at, std::error_code& failed) {
  failed = check(at);
  if (failed) return;
  auto made = what.connect();
  made->endpoint = at;
  made->connecter = this;
  made->there.from = made->back.to = this;
  made->there.limit = send_limit ? send_limit : lane_base::unbounded;
  connections.push_back(made);
  directory_->connect(made, failed);
  if (failed) {
    connections.pop_back();
    return;
  }
  endpoint = at;
  if (!writable.holds(made->there)) writable.append(made->there);
  writers.wake_all();
}

void socket_core::disconnect(const std::string& at, std::error_code& failed) {
  failed = check(at);
  if (failed) return;
  const auto found = std::find_if(
      connections.begin(), connections.end(), [&](const auto& each) {
        return each->connecter == this && !each->over && each->endpoint == at;
      });
  if (found == connections.end()) {
    failed = not_there();
    return;
  }
  const auto made = *found;
  hang_up(*made);
  if (made->back.size == 0) forget(*made);
}

// --- connections ------------------------------------------------------------

/// A peer has connected to this, which is bound.
void socket_core::attach(const std::shared_ptr<connection>& made) {
  connections.push_back(made);
  made->binder = this;
  socket_core& peer = *made->connecter;
  made->there.to = this;
  made->back.from = this;
  made->there.limit = sum_of(peer.send_limit, receive_limit);
  made->back.limit = sum_of(send_limit, peer.receive_limit);
  adopt(*made);
  peer.adopt(*made);
}

/// The other side is there: its lanes can be used.
void socket_core::adopt(connection& made) {
  lane_base& out = made.lane_from(*this);
  lane_base& in = &out == &made.there ? made.back : made.there;
  if (what.kind == socket_type::router) {
    std::string& name = made.peer_name(*this);
    name = out.to->routing_id;
    if (name.empty()) {
      const std::uint32_t number = ++last_name_;
      name.assign(1, '\0');
      name.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
    peers_.insert_or_assign(name, &made);
  }
  writable.remove_if_held(out);
  if (out.has_room()) writable.append(out);
  if (in.size > 0 && !readable.holds(in)) readable.append(in);
  writers.wake_all();
  readers.wake_all();
}

/// Its peer is not there any more.
void socket_core::lost(connection& made) {
  if (partner == &made && what.kind == socket_type::rep) partner = nullptr;
  if (what.kind != socket_type::router) return;
  const auto found = peers_.find(made.peer_name(*this));
  if (found != peers_.end() && found->second == &made) peers_.erase(found);
  writers.wake_all(); // one that waits for it fails
}

/// The connecter sends no more, nor does the other side, whose last messages
/// can still be received.
void socket_core::hang_up(connection& made) {
  made.over = true;
  writable.remove_if_held(made.there);
  made.there.from = nullptr;
  lost(made);
  socket_core* const peer = made.binder;
  if (!peer) return directory_->forget(made);
  peer->writable.remove_if_held(made.back);
  made.back.from = nullptr;
  peer->lost(made);
  if (made.there.size == 0) peer->forget(made);
}

void socket_core::leave_as_connecter(connection& made) {
  if (!made.over) {
    if (made.binder) made.binder->dropped += made.back.size;
    hang_up(made);
  }
  readable.remove_if_held(made.back);
  made.back.to = nullptr;
  made.connecter = nullptr;
}

void socket_core::leave_as_binder(const std::shared_ptr<connection>& made) {
  readable.remove_if_held(made->there);
  writable.remove_if_held(made->back);
  made->there.to = nullptr;
  made->back.from = nullptr;
  made->binder = nullptr;
  if (made->over) return;
  made->connecter->lost(*made);
  directory_->connect_again(made);
}

void socket_core::forget(connection& made) {
  if (partner == &made) partner = nullptr;
  const auto found =
      std::find_if(connections.begin(), connections.end(),
                   [&](const auto& each) { return each.get() == &made; });
  if (found == connections.end()) return;
  const auto dropped_last = std::exchange(*found, connections.back());
  connections.pop_back();
}

void socket_core::close() {
  if (std::exchange(closed_, true)) return;
  for (const std::string& each : std::exchange(bound_, {}))
    directory_->unbind(each);
  const auto all = std::exchange(connections, {});
  for (const auto& each : all)
    each->binder == this ? leave_as_binder(each) : leave_as_connecter(*each);
  partner = nullptr;
  readers.wake_all();
  writers.wake_all();
}

lane_base* socket_core::lane_to(std::string_view peer) {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : &found->second->lane_from(*this);
}

// --- subscriptions ----------------------------------------------------------

void socket_core::subscribe(std::string_view prefix) {
  home.check_thread("a socket of inproc");
  ++wanted_[std::string(prefix)];
}

void socket_core::unsubscribe(std::string_view prefix) {
  home.check_thread("a socket of inproc");
  const auto found = wanted_.find(prefix);
  if (found == wanted_.end()) fail(not_there(), "unsubscribe");
  if (--found->second == 0) wanted_.erase(found);
}

/// The last prefix in order that is not behind `topic` either begins it, or no
/// prefix of it is longer than what the two have in common.
bool socket_core::wants(std::string_view topic) const {
  for (;;) {
    auto found = wanted_.upper_bound(topic);
    if (found == wanted_.begin()) return false;
    const std::string& last = (--found)->first;
    if (topic.starts_with(last)) return true;
    const auto differs =
        std::mismatch(last.begin(), last.end(), topic.begin(), topic.end());
    topic = topic.substr(
        0, static_cast<std::size_t>(differs.second - topic.begin()));
  }
}

} // namespace greenroom::inproc
