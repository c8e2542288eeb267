#include <greenroom/actors/actor.hpp>

#include <greenroom/hub/timeout.hpp>

namespace greenroom {

actor_base::actor_base()
    : greenlet_base(&first_step), key_(reference_key::enter(*this)) {
}

actor_base::~actor_base() {
  close_inbox();
}

void actor_base::deliver(actor_mail& mail) {
  mail.next = nullptr;
  (oldest_ ? newest_->next : oldest_) = &mail;
  newest_ = &mail;
  ++waiting_;
  if (state() == greenlet_state::idle) {
    set_state(greenlet_state::running);
    make_ready();
  }
}

void actor_base::first_step(runnable& self) {
  self.on_turn = &mail_step;
  auto& actor = static_cast<actor_base&>(self);
  actor.begun_ = true;
  actor.execute([&] {
    actor.on_start();
    actor.open_mail();
  });
  actor.rest_or_end();
}

void actor_base::mail_step(runnable& self) {
  auto& actor = static_cast<actor_base&>(self);
  actor.execute([&] { actor.open_mail(); });
  actor.rest_or_end();
}

/// Handles mail until there is none, or others must have their turn.
void actor_base::open_mail() {
  hub& here = home();
  do {
    if (kill_is_pending()) [[unlikely]]
      here.throw_pending();
    envelope* mail = oldest_;
    if (!mail) return;
    oldest_ = mail->next;
    --waiting_;
    static_cast<actor_mail*>(mail)->open(*this);
  } while (!stopping_ && here.another_item());
}

/// On the dispatcher's stack again: rests without one, or ends.
void actor_base::rest_or_end() {
  if (is_ending() || stopping_)
    end_actor();
  else if (oldest_ || kill_is_pending())
    go_on_later();
  else
    go_idle();
}

void actor_base::end_actor() noexcept {
  if (begun_) execute([&] { on_stop(); });
  {
    const shield guard; // what the mail's destructors do is not interrupted
    close_inbox();
  }
  finish();
}

/// From here on, mail to it is dead, and what it has is dropped.
void actor_base::close_inbox() noexcept {
  reference_key::leave(key_);
  while (envelope* mail = oldest_) {
    oldest_ = mail->next;
    count_dead_letter();
    delete mail;
  }
  waiting_ = 0;
}

} // namespace greenroom
