#include "directory.hpp"

#include <greenroom/hub/error.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

namespace greenroom::inproc {
namespace {

bool talk(socket_type one, socket_type other) {
  using enum socket_type;
  constexpr std::array<std::pair<socket_type, socket_type>, 8> pairs{
      {{push, pull},
       {pub, sub},
       {req, rep},
       {req, router},
       {dealer, rep},
       {dealer, dealer},
       {dealer, router},
       {router, router}}};
  return std::any_of(pairs.begin(), pairs.end(), [&](const auto& each) {
    return each == std::pair{one, other} || each == std::pair{other, one};
  });
}

std::error_code check_pair(const socket_core& one, const socket_core& other) {
  if (&one == &other || !talk(one.what.kind, other.what.kind))
    return errc::incompatible;
  if (one.what.sends != other.what.receives ||
      one.what.receives != other.what.sends)
    return greenroom::errc::wrong_type;
  return {};
}

/// `router` has another peer of the name that `peer` brings.
bool name_is_taken(socket_core& router, const socket_core& peer) {
  return router.what.kind == socket_type::router && !peer.routing_id.empty() &&
         router.lane_to(peer.routing_id);
}

std::error_code check_names(socket_core& one, socket_core& other) {
  if (name_is_taken(one, other) || name_is_taken(other, one))
    return greenroom::errc::name_taken;
  return {};
}

} // namespace

std::shared_ptr<directory> directory::here() {
  static thread_local std::weak_ptr<directory> last;
  auto found = last.lock();
  if (!found) last = found = std::make_shared<directory>();
  return found;
}

void directory::bind(const std::string& endpoint, socket_core& binder,
                     std::error_code& failed) {
  place& at = places_[endpoint];
  if (at.binder) {
    failed = std::make_error_code(std::errc::address_in_use);
    return;
  }
  std::set<std::string_view> names;
  for (const auto& each : at.waiting) {
    const socket_core& peer = *each->connecter;
    failed = check_pair(peer, binder);
    if (!failed) failed = check_names(*each->connecter, binder);
    const bool twice = binder.what.kind == socket_type::router &&
                       !peer.routing_id.empty() &&
                       !names.insert(peer.routing_id).second;
    if (!failed && twice) failed = greenroom::errc::name_taken;
    if (failed) return;
  }
  at.binder = &binder;
  for (const auto& each : std::exchange(at.waiting, {}))
    binder.attach(each);
}

void directory::unbind(const std::string& endpoint) {
  const auto at = places_.find(endpoint);
  at->second.binder = nullptr;
  if (at->second.waiting.empty()) places_.erase(at);
}

void directory::connect(const std::shared_ptr<connection>& made,
                        std::error_code& failed) {
  place& at = places_[made->endpoint];
  if (!at.binder) {
    at.waiting.push_back(made);
    return;
  }
  failed = check_pair(*made->connecter, *at.binder);
  if (!failed) failed = check_names(*made->connecter, *at.binder);
  if (!failed) at.binder->attach(made);
}

void directory::connect_again(const std::shared_ptr<connection>& made) {
  std::error_code failed;
  connect(made, failed);
  if (failed) places_[made->endpoint].waiting.push_back(made);
}

void directory::forget(const connection& made) {
  const auto at = places_.find(made.endpoint);
  if (at == places_.end()) return;
  auto& waiting = at->second.waiting;
  std::erase_if(waiting, [&](const auto& each) { return each.get() == &made; });
  if (!at->second.binder && waiting.empty()) places_.erase(at);
}

} // namespace greenroom::inproc
