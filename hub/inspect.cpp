// What a hub tells about itself: listings for people, debuggers and signals.

#include <greenroom/hub/hub.hpp>

#include "extras.hpp"
#include "stack.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>

namespace greenroom {
namespace {

/// "waits in queue::get", "is ready to run", ...
const char* state_text(const greenlet_base& greenlet) {
  switch (greenlet.state()) {
  case greenlet_state::unstarted:
    return "is not started";
  case greenlet_state::started:
    return "is about to begin";
  case greenlet_state::idle:
    return "waits for mail";
  case greenlet_state::dead:
    return "is dead";
  case greenlet_state::running:
    return greenlet.suspended_on ? "is ready to run" : "runs";
  }
  return "";
}

/// One line about `greenlet`; never allocates, so signal handlers may.
std::size_t describe_line(const greenlet_base& greenlet, char* line,
                          std::size_t size) {
  std::array<char, 96> name{};
  greenlet.name_to(name.data(), name.size());
  const wait_record* wait = greenlet.waiting_on();
  int length = 0;
  if (!wait)
    length = std::snprintf(line, size, "  '%s' %s\n", name.data(),
                           state_text(greenlet));
  else if (!wait->on)
    length = std::snprintf(line, size, "  '%s' waits in %s\n", name.data(),
                           wait->what);
  else
    length = std::snprintf(line, size, "  '%s' waits in %s on %p\n",
                           name.data(), wait->what, wait->on);
  return std::min(static_cast<std::size_t>(std::max(length, 0)), size - 1);
}

} // namespace

std::string hub::listing() const {
  constexpr std::size_t most = 1000; // lines
  std::string text;
  std::size_t lines = 0;
  std::array<char, 256> line{};
  for (greenlet_base* each = first_; each && lines < most;
       each = each->next_, ++lines)
    text.append(line.data(), describe_line(*each, line.data(), line.size()));
  if (greenlets() > lines)
    text += "  and " + std::to_string(greenlets() - lines) + " more\n";
  return text;
}

void hub::list_to(int descriptor) const noexcept {
  std::array<char, 256> line{};
  for (greenlet_base* each = first_; each; each = each->next_) {
    const std::size_t length = describe_line(*each, line.data(), line.size());
    if (write(descriptor, line.data(), length) < 0) return;
  }
}

bool hub::in_stack_guard(const void* address) const noexcept {
  return stack_pool::in_guard(*running_fiber_, address);
}

void hub::running_name(char* text, std::size_t size) const noexcept {
  if (running_)
    running_->name_to(text, size);
  else
    std::snprintf(text, size, "hub");
}

} // namespace greenroom
