#include "outbox.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/log.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <utility>

namespace greenroom {

hub_batch::hub_batch() {
  run = [](remote_task& self) {
    const std::unique_ptr<hub_batch> owned{static_cast<hub_batch*>(&self)};
    owned->deliver();
  };
  drop = [](remote_task& self) {
    const std::unique_ptr<hub_batch> owned{static_cast<hub_batch*>(&self)};
    owned->drop_all();
  };
}

/// What the items refer to is in the other CPU's cache: asked for a few ahead.
void hub_batch::deliver() const {
  constexpr std::size_t ahead = 6;
  for (std::size_t i = 0; i < count; ++i) {
    if (i + ahead < count) __builtin_prefetch(items[i + ahead].what, 1);
    try {
      kind->deliver(items[i]);
    } catch (...) {
      log_error("what another hub sent threw " +
                describe(std::current_exception()));
    }
  }
}

void hub_batch::drop_all() const noexcept {
  for (std::size_t i = 0; i < count; ++i)
    kind->drop(items[i]);
}

hub_outbox& hub_outbox::of(const hub_seat& from, hub_seat& to) {
  for (hub_outbox* each = to.inbound_.load(std::memory_order_acquire); each;
       each = each->next)
    if (&each->from == &from) return *each;
  // Nobody else makes one from our seat.
  auto* const made = new hub_outbox(from, to);
  made->next = to.inbound_.load(std::memory_order_relaxed);
  while (!to.inbound_.compare_exchange_weak(
      made->next, made, std::memory_order_acq_rel, std::memory_order_relaxed)) {
  }
  return *made;
}

std::size_t hub_outbox::add(const distant_kind& kind, distant_item item) {
  if (!spare_) spare_ = std::make_unique<hub_batch>();
  const locked held{*this};
  if (!collected_) {
    collected_ = std::move(spare_);
    collected_->kind = &kind;
  } else if (collected_->kind != &kind) {
    return 0;
  }
  collected_->items[collected_->count++] = item;
  return collected_->count;
}

// --- the sender's side ------------------------------------------------------

hub_outbox& hub::outbox_to(hub_seat& to) {
  for (hub_outbox* each : outboxes_)
    if (&each->to == &to) return *each;
  outboxes_.push_back(&hub_outbox::of(*address_.seat(), to));
  return *outboxes_.back();
}

/// To one that sleeps it goes at once. From a hub that is closed, too: it will
/// have no more turns.
void hub::send_away(hub_seat& to, const distant_kind& kind, distant_item item) {
  hub_outbox& box = outbox_to(to);
  std::size_t collected = 0;
  while ((collected = box.add(kind, item)) == 0)
    send_out(box); // of another kind
  unsent_ = true;
  if (collected == hub_batch::capacity || closed_ || to.sleeps()) send_out(box);
}

/// Under the lock, so that the batches come in the order of their making.
void hub::send_out(hub_outbox& box) noexcept {
  hub_batch* dropped = nullptr;
  const bool found = box.to.visit([&](hub& home) {
    {
      const hub_outbox::locked held{box};
      if (!held.collected()) return;
      home.push(*held.collected().release());
    }
    home.wake_up();
  });
  if (found) return;
  {
    const hub_outbox::locked held{box};
    dropped = held.collected().release();
  }
  if (dropped) dropped->drop(*dropped);
}

void hub::send_out_all() noexcept {
  unsent_ = false;
  for (std::size_t i = 0; i < outboxes_.size(); ++i) // dropped mail may send
    send_out(*outboxes_[i]);
}

// --- the other side ---------------------------------------------------------

/// Takes what others have not yet sent here; false when that is nothing.
bool hub::fetch_unsent() noexcept {
  bool any = false;
  for (hub_outbox* each =
           address_.seat()->inbound_.load(std::memory_order_acquire);
       each; each = each->next) {
    const hub_outbox::locked held{*each};
    if (!held.collected()) continue;
    push(*held.collected().release());
    any = true;
  }
  return any;
}

} // namespace greenroom
