#include <greenroom/actors/notices.hpp>

#include "per_hub.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/mailbox/envelope.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace greenroom {

void hub_notices::quietly(const std::function<void()>& function) noexcept {
  if (std::exchange(telling_, true)) return;
  try {
    function();
  } catch (...) {
    log_error("a notice could not be told: " +
              describe(std::current_exception()));
  }
  telling_ = false;
}

hub_notices& notices() {
  return per_hub<hub_notices>::here();
}

hub_notices* notices_if_any() {
  return per_hub<hub_notices>::here_if_any();
}

void on_dead_letter(std::function<void(const dead_letter&)> hook) {
  notices().dead_letter_hook_ = std::move(hook);
}

bool lost_letters_are_told() {
  const hub_notices* const told = notices_if_any();
  return told &&
         (told->dead_letter_hook_ || told->dead_letters.subscribers() > 0);
}

void lose_letter(const reference_key& to, const envelope& mail,
                 const char* why) noexcept {
  count_dead_letter();
  if (!lost_letters_are_told()) return;
  hub_notices& told = *notices_if_any();
  told.quietly([&] {
    const dead_letter lost{to, type_name(mail.type()), why};
    told.dead_letters.publish(lost);
    if (const auto hook = told.dead_letter_hook_) { // which may change it
      const no_wait guard;
      hook(lost);
    }
  });
}

void tell_overload(const reference_key& who, const greenlet_base& actor,
                   const inbox_base& inbox) noexcept {
  hub_notices* const told = notices_if_any();
  if (!told) return;
  told->tell(told->overloads, [&] {
    return inbox_overload{who, actor.name(), inbox.size(), inbox.capacity(),
                          inbox.policy()};
  });
}

} // namespace greenroom
