#include "handler_set.hpp"

#include <greenroom/hub/hub.hpp>

#include <chrono>

namespace greenroom {
namespace {

using namespace std::chrono_literals;

constexpr auto cleanup_time = 1s; // for a handler that has been killed

} // namespace

handler_set::~handler_set() {
  for (handler& each : all_)
    each.greenlet->remove_link(each);
}

void handler_set::handler::ended(greenlet_link& link, greenlet_base&) {
  auto& self = static_cast<handler&>(link);
  handler_set& set = self.of;
  if (self.is_stopping) --set.stoppers_;
  set.all_.erase(self.place); // `self` is gone
  set.wake();
}

const handler_set::handler* handler_set::of_caller() const {
  const greenlet_base* const caller = hub::current().running();
  for (const handler& each : all_)
    if (&*each.greenlet == caller) return &each;
  return nullptr;
}

handler_set::handler* handler_set::of_caller() {
  return const_cast<handler*>(std::as_const(*this).of_caller());
}

void handler_set::stop(deadline grace) {
  handler* const own = of_caller();
  if (own && !own->is_stopping) {
    own->is_stopping = true;
    ++stoppers_;
    wake(); // others that do the same wait for one less
  }
  if (wait_for_all(grace, own)) return;
  end_all(own, [](greenlet_base& late) { late.kill_soon(); });
  if (wait_for_all(cleanup_time, own)) return;
  end_all(own, [](greenlet_base& refusing) { refusing.kill_brutally(); });
  wait_for_all(deadline::never(), own);
}

void handler_set::kill_soon() {
  const greenlet_base* const caller = hub::current().running();
  end_all(false, [&](greenlet_base& each) {
    if (&each != caller) each.kill_soon();
  });
}

void handler_set::kill_brutally() {
  end_all(false, [](greenlet_base& each) { each.kill_brutally(); });
}

bool handler_set::wait_for_all(deadline until, bool by_handler) {
  while (all_.size() > (by_handler ? stoppers_ : 0))
    if (!wait_for_end(until, stopping_, this)) return false;
  return true;
}

/// Their links are called later: none leaves the list meanwhile.
template <class End>
void handler_set::end_all(bool by_handler, End&& end) {
  for (handler& each : all_)
    if (!by_handler || !each.is_stopping) end(*each.greenlet);
}

} // namespace greenroom
