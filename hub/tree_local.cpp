#include <greenroom/hub/tree_local.hpp>

#include "extras.hpp"

#include <greenroom/hub/greenlet.hpp>

#include <atomic>

namespace greenroom {
namespace {

std::uint64_t next_number() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

} // namespace

tree_local_base::tree_local_base() : number_(next_number()) {
}

void* tree_local_base::find() const {
  const tree_values* const values = current().handed_down();
  if (!values) return nullptr;
  for (const tree_values::entry& each : values->entries)
    if (each.variable == number_) return each.value.get();
  return nullptr;
}

void tree_local_base::put(std::shared_ptr<void> value) {
  greenlet_base& here = current();
  auto made = std::make_shared<tree_values>();
  if (const tree_values* const values = here.handed_down())
    for (const tree_values::entry& each : values->entries)
      if (each.variable != number_) made->entries.push_back(each);
  if (value) made->entries.push_back({number_, std::move(value)});
  if (made->entries.empty()) made.reset();
  here.hand_down(std::move(made));
}

void tree_local_base::drop() {
  if (find()) put(nullptr);
}

const tree_values* greenlet_base::handed_down() const {
  return extras_ ? extras_->tree.get() : nullptr;
}

/// The values before end in the caller, and may look for values themselves.
void greenlet_base::hand_down(std::shared_ptr<const tree_values> values) {
  rare_parts().tree.swap(values);
}

} // namespace greenroom
