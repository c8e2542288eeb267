#include <greenroom/actors/topic.hpp>

#include <greenroom/hub/error.hpp>

#include <stdexcept>
#include <utility>

namespace greenroom {

topic_base::~topic_base() {
  for (const auto& [number, each] : std::exchange(places_, {})) {
    each->of = nullptr;
    each->topic_ended();
  }
}

void topic_base::place::ended(reference_end_link& link) {
  const auto& self = static_cast<place&>(link);
  self.of->remove(self);
}

void topic_base::add(std::shared_ptr<place> made) {
  if (made->is_actor && !made->stand_at(made->actor))
    throw_error(errc::dead, "topic::subscribe");
  made->of = this;
  made->number = ++last_number_;
  places_.emplace(made->number, std::move(made));
}

topic_base::place* topic_base::place_of(const reference_key& actor) const {
  for (const auto& [number, each] : places_)
    if (each->is_actor && each->actor == actor) return each.get();
  return nullptr;
}

/// Those who subscribe meanwhile do not get it; those who leave meanwhile may
/// have got it.
void topic_base::publish(const void* message) {
  const std::uint64_t last = last_number_;
  for (auto next = places_.begin();
       next != places_.end() && next->first <= last;) {
    const auto [number, each] = *next; // kept: it may leave
    if (!each->take(message)) {
      ++each->dropped;
      ++dropped_;
    }
    next = places_.upper_bound(number);
  }
}

void topic_base::check_policy(when_full policy) {
  if (policy != when_full::drop_oldest && policy != when_full::drop_newest)
    throw std::invalid_argument(
        "subscription: a publisher neither waits nor is refused");
}

} // namespace greenroom
