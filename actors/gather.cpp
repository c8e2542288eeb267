#include <greenroom/actors/gather.hpp>

#include <stdexcept>
#include <string>

namespace greenroom::inside {

std::optional<std::size_t> results_wait::next(deadline until) {
  if (!all_.wait(until)) return std::nullopt;
  watch* const ready = all_.take();
  ready->leave();
  return static_cast<std::size_t>(ready - places_.get());
}

void refuse_nobody(const char* what) {
  throw std::invalid_argument(std::string(what) + ": there is nobody to ask");
}

} // namespace greenroom::inside
