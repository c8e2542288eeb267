#include <greenroom/hub/local.hpp>

#include "extras.hpp"

#include <greenroom/hub/greenlet.hpp>

namespace greenroom {

local_value::local_value(local_base& of, greenlet_base& in)
    : variable(of), owner(in),
      next_of_greenlet(std::exchange(in.rare_parts().locals, this)),
      next_of_variable(std::exchange(of.first_, this)) {
  if (next_of_variable) next_of_variable->previous_of_variable = this;
}

local_value::~local_value() {
  local_value** link = &owner.rare_parts().locals;
  while (*link != this)
    link = &(*link)->next_of_greenlet;
  *link = next_of_greenlet;
  if (next_of_variable)
    next_of_variable->previous_of_variable = previous_of_variable;
  (previous_of_variable ? previous_of_variable->next_of_variable
                        : variable.first_) = next_of_variable;
}

local_base::~local_base() {
  while (first_)
    delete first_;
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

void greenlet_base::drop_locals() noexcept {
  while (extras_ && extras_->locals)
    delete extras_->locals;
}

} // namespace greenroom
