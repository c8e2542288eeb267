#include <greenroom/hub/local.hpp>

#include "extras.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/log.hpp>

namespace greenroom {

local_value::local_value(local_base& of, greenlet_base& in)
    : variable(of), owner(in),
      next_of_greenlet(std::exchange(in.rare_parts().locals, this)),
      next_of_variable(std::exchange(of.first_, this)) {
  if (next_of_variable) next_of_variable->previous_of_variable = this;
}

local_value::~local_value() {
  take_off();
}

/// Leaves both lists, before what it holds is destroyed: that may look for
/// this variable again, or wait while its owner ends.
void local_value::take_off() noexcept {
  if (!listed) return;
  listed = false;
  local_value** link = &owner.rare_parts().locals;
  while (*link != this)
    link = &(*link)->next_of_greenlet;
  *link = next_of_greenlet;
  if (next_of_variable)
    next_of_variable->previous_of_variable = previous_of_variable;
  (previous_of_variable ? previous_of_variable->next_of_variable
                        : variable.first_) = next_of_variable;
}

void local_base::drop(local_value* value) noexcept {
  if (!value) return;
  value->take_off();
  delete value;
}

local_base::~local_base() {
  while (first_)
    drop(first_);
}

local_value* local_base::find() const {
  const greenlet_base& here = current();
  local_value* value = here.extras_ ? here.extras_->locals : nullptr;
  while (value && &value->variable != this)
    value = value->next_of_greenlet;
  return value;
}

greenlet_base& local_owner() {
  return current();
}

/// Values whose destructors set locals again are dropped, too; not for ever.
void greenlet_base::drop_locals() noexcept {
  int left = 1000;
  while (extras_ && extras_->locals && left-- > 0)
    local_base::drop(extras_->locals);
  if (!extras_ || !extras_->locals) return;
  log_error("greenlet '" + name() +
            "': destructors of its locals keep setting locals");
  while (extras_->locals)
    extras_->locals->take_off(); // what it holds is left behind
}

} // namespace greenroom
