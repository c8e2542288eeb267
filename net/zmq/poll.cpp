#include <greenroom/zmq/poll.hpp>

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/io/poll.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <poll.h>

#include <vector>

namespace greenroom::zmq {
namespace {

short ready_of(const poll_item& item) {
  if (!item.of->is_open()) return POLLNVAL;
  int found = 0;
  if (item.events & POLLIN && item.of->readable().ready()) found |= POLLIN;
  if (item.events & POLLOUT && item.of->writable().ready()) found |= POLLOUT;
  return static_cast<short>(found);
}

std::vector<pollfd> descriptors_of(std::span<const poll_item> items) {
  std::vector<pollfd> all;
  for (const poll_item& each : items)
    if (!each.of) all.push_back({each.descriptor, each.events, 0});
  return all;
}

std::size_t look(std::span<poll_item> items) {
  std::vector<pollfd> descriptors = descriptors_of(items);
  if (!descriptors.empty()) greenroom::poll(descriptors, deadline{now()});
  std::size_t count = 0;
  auto next = descriptors.begin();
  for (poll_item& each : items) {
    each.revents = each.of ? ready_of(each) : (next++)->revents;
    if (each.revents != 0) ++count;
  }
  return count;
}

std::vector<any_waitable> sockets_of(std::span<poll_item> items) {
  std::vector<any_waitable> all;
  for (poll_item& each : items) {
    if (!each.of) continue;
    if (each.events & POLLIN) all.push_back(each.of->readable());
    if (each.events & POLLOUT) all.push_back(each.of->writable());
  }
  return all;
}

/// The descriptors have a greenlet of their own, which ends when one is ready.
void wait_for_one(std::span<poll_item> items, deadline until) {
  std::vector<any_waitable> all = sockets_of(items);
  std::vector<pollfd> descriptors = descriptors_of(items);
  if (descriptors.empty()) {
    wait(all, until, 1);
    return;
  }
  nursery([&](nursery_scope& scope) {
    auto watching = scope.spawn([&] { greenroom::poll(descriptors); });
    all.emplace_back(watching);
    wait(all, until, 1);
    watching.kill();
  });
}

} // namespace

std::size_t poll(std::span<poll_item> items, deadline until) {
  yield();
  std::size_t count = look(items);
  while (count == 0 && until > deadline{now()}) {
    wait_for_one(items, until);
    count = look(items);
  }
  return count;
}

} // namespace greenroom::zmq
