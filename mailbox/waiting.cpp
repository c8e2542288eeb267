#include <greenroom/mailbox/waiting.hpp>

#include <greenroom/hub/error.hpp>

#include <algorithm>

namespace greenroom {

struct any_waitable::watched_greenlet final : target {
  explicit watched_greenlet(greenlet_base& of) : greenlet(of) {}
  bool ready() const override { return greenlet->dead(); }
  void stand(watch& place, watch_set& all) const override {
    place.stand_in(all, *greenlet);
  }
  const void* identity() const override { return &*greenlet; }
  any_greenlet greenlet;
};

any_waitable::any_waitable(greenlet_base& greenlet)
    : target_(std::make_shared<watched_greenlet>(greenlet)) {
}

ready_ones::ready_ones(std::span<const any_waitable> objects, deadline until,
                       std::size_t count)
    : watches_("wait"), until_(until), left_(std::min(count, objects.size())) {
  for (const any_waitable& each : objects) {
    entry& added = entries_.emplace_back(each);
    each.target_->stand(added, watches_); // refuses another thread's
    if (each.ready()) added.notice(watches_);
  }
}

std::optional<any_waitable> ready_ones::next() {
  if (left_ == 0 || !watches_.wait(until_)) return std::nullopt;
  auto& ready = static_cast<entry&>(*watches_.take());
  if (ready.object_gone()) throw_error(errc::destroyed, "wait");
  --left_;
  ready.leave();
  return ready.object;
}

std::vector<any_waitable> wait(std::span<const any_waitable> objects,
                               deadline until, std::size_t count) {
  ready_ones all{objects, until, count};
  std::vector<any_waitable> ready;
  while (auto next = all.next())
    ready.push_back(*std::move(next));
  return ready;
}

std::vector<any_waitable> wait(std::initializer_list<any_waitable> objects,
                               deadline until, std::size_t count) {
  return wait(std::span(objects.begin(), objects.size()), until, count);
}

ready_ones iwait(std::span<const any_waitable> objects, deadline until,
                 std::size_t count) {
  return ready_ones{objects, until, count};
}

ready_ones iwait(std::initializer_list<any_waitable> objects, deadline until,
                 std::size_t count) {
  return iwait(std::span(objects.begin(), objects.size()), until, count);
}

} // namespace greenroom
