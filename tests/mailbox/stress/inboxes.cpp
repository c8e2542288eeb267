#include "mailbox/stress/inbox_model.hpp"
#include "mailbox/stress/programs.hpp"
#include "stress/program.hpp"

#include <greenroom/mailbox/inbox.hpp>
#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <cstddef>
#include <list>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

namespace stress {
namespace {

class inbox_program final : public program {
  using inbox_type = inbox<letter, bill>;

public:
  explicit inbox_program(dice& random)
      : program(random), slippery_(random.one_in(4)), ends_(random.one_in(4)),
        policy_(static_cast<when_full>(random.below(4))),
        model_(random.one_in(4)
                   ? inbox_type::unbounded
                   : static_cast<std::size_t>(1 + random.below(4))),
        shows_(!slippery_ && random.one_in(2)),
        inbox_(model_.capacity, policy_) {
    if (slippery_) parcel::slippery = &random;
    if (shows_)
      inbox_.on_drop([this](const inbox_type::any_message& gone) {
        shown_ = called(gone);
      });
  }

private:
  void begin() override {
    add_some(4, [this] { put_some(); });
    add_some(5, [this] { get_some(); });
  }

  // --- putting -------------------------------------------------------------

  void put_some() {
    const int sender = senders_++;
    for (int number = 0; number < 6; ++number) {
      if (random_.one_in(2))
        put_one(letter{parcel{{sender, number}}});
      else
        put_one(bill{parcel{{sender, number}}});
      pause();
    }
  }

  template <class Mail>
  void put_one(Mail&& item) {
    bool done = false;
    try {
      if (random_.one_in(4))
        done = attempt([&] { return put_at_once(item); });
      else
        done = attempt([&](deadline until) { return put(item, until); });
    } catch (const broken&) {
      throw;
    } catch (...) { // the greenlet is killed
      check(item.item.has_content(), "a kill lost what was put");
      throw;
    }
    check(item.item.has_content() != done || policy_ == when_full::drop_newest,
          "what was put is in two places, or nowhere");
  }

  template <class Mail>
  bool put_at_once(Mail& item) {
    const bool full = model_.full();
    if (!closed_ && random_.one_in(4)) {
      const bool first = random_.one_in(2);
      inbox_.put_system(std::move(item),
                        first ? system_order::first : system_order::in_turn);
      (first ? model_.system : model_.in_turn)
          .push_back({item.item.called(), Mail::kind, true});
      return true;
    }
    const bool done = inbox_.try_put(std::move(item));
    check(done == (!closed_ && (!full || policy_ == when_full::drop_oldest ||
                                policy_ == when_full::drop_newest)),
          "try_put was wrong");
    if (done) added({item.item.called(), Mail::kind});
    return done;
  }

  template <class Mail>
  bool put(Mail& item, deadline until) {
    const counted here{putting_};
    std::error_code failed;
    inbox_.put(std::move(item), until, failed);
    if (!failed)
      added({item.item.called(), Mail::kind});
    else
      check_failure(failed);
    return !failed;
  }

  void check_failure(std::error_code failed) const {
    check(failed == errc::timed_out || (failed == errc::closed && closed_) ||
              (failed == errc::full && policy_ == when_full::refuse),
          "an odd error");
  }

  /// Notes what the bound does with it.
  void added(const entry& fresh) {
    check(!closed_, "put into a closed inbox");
    if (model_.full() && policy_ == when_full::drop_newest) return drop(fresh);
    if (model_.full()) {
      check(policy_ == when_full::drop_oldest, "put into a full inbox");
      drop(model_.take_oldest());
    }
    model_.in_turn.push_back(fresh);
  }

  void drop(const entry& gone) {
    check(!shows_ || shown_ == gone.called, "the hook was shown another");
    shown_.reset();
    ++dropped_;
  }

  // --- getting -------------------------------------------------------------

  void get_some() {
    for (int i = 0; i < 8; ++i) {
      if (random_.one_in(4))
        attempt([&](deadline until) { return watch(until); });
      else if (random_.one_in(2))
        attempt([&](deadline until) { return get_any(until); });
      else if (random_.one_in(2))
        attempt([&](deadline until) { return get_kind<letter>(until); });
      else
        attempt([&](deadline until) { return get_kind<bill>(until); });
      pause();
    }
  }

  bool get_any(deadline until) {
    const filter wanted{-1, random_.below(4) - 1};
    const auto wants = [&](const auto& each) { return ask(wanted, each); };
    const bool choosy = wanted.remainder >= 0;
    if (random_.one_in(4))
      return received(choosy ? inbox_.try_get_if(wants) : inbox_.try_get(),
                      wanted, {});
    const looking here{getters_, wanted};
    std::error_code failed;
    const auto got = choosy ? inbox_.get_if(wants, until, failed)
                            : inbox_.get(until, failed);
    return received(got, wanted, failed);
  }

  template <class Mail>
  bool get_kind(deadline until) {
    const filter wanted{Mail::kind, random_.below(4) - 1};
    const auto wants = [&](const Mail& each) { return ask(wanted, each); };
    const bool choosy = wanted.remainder >= 0;
    if (random_.one_in(4))
      return received(choosy ? inbox_.try_get_if<Mail>(wants)
                             : inbox_.try_get<Mail>(),
                      wanted, {});
    const looking here{getters_, wanted};
    std::error_code failed;
    const auto got = choosy ? inbox_.get_if<Mail>(wants, until, failed)
                            : inbox_.get<Mail>(until, failed);
    return received(got, wanted, failed);
  }

  template <class Mail>
  static bool ask(const filter& wanted, const Mail& shown) {
    parcel::slip(); // a predicate may throw, too
    return wanted.wants(shown.item.called());
  }

  bool watch(deadline until) {
    const looking here{getters_, filter{}};
    if (random_.one_in(2))
      return select(until, from(
                               inbox_,
                               [this](const inbox_type::any_message& got) {
                                 taken(got, filter{});
                               },
                               [this] { check(closed_, "select: closed"); }))
          .has_value();
    return !wait({inbox_}, until).empty();
  }

  template <class Taken>
  bool received(const Taken& got, const filter& wanted,
                std::error_code failed) {
    if (got) {
      check(!failed, "both taken and failed");
      taken(*got, wanted);
    } else {
      check(!model_.find(wanted) || failed == errc::timed_out,
            "a getter did not see what was there");
      if (failed) check_failure(failed);
    }
    return got.has_value();
  }

  template <class Taken>
  void taken(const Taken& got, const filter& wanted) {
    check(content(got).has_content(), "mail came without its content");
    const std::optional<entry> expected = model_.find(wanted);
    check(expected && expected->called == called(got),
          "mail came out of order, or twice");
    model_.take(wanted);
    if (slippery_ || !random_.one_in(5)) return;
    if constexpr (requires { got.item; }) put_aside(got);
  }

  template <class Mail>
  void put_aside(const Mail& got) {
    model_.stash.push_back({got.item.called(), Mail::kind, true});
    inbox_.stash(std::move(const_cast<Mail&>(got)));
  }

  // --- the rest ------------------------------------------------------------

  void disturb() override {
    anywhere([this] {
      if (ends_ && random_.one_in(6)) return close();
      if (random_.one_in(3)) return unstash();
      letter item{parcel{{100, foreign_++}}};
      try {
        put_at_once(item);
      } catch (const parcel::slipped&) {
      }
    });
  }

  void unstash() {
    inbox_.unstash_all();
    model_.unstash();
  }

  void close() {
    closed_ = true;
    if (random_.one_in(2)) return inbox_.shutdown();
    inbox_.shutdown_now();
    model_.clear();
  }

  void check_at_rest() override {
    check(inbox_.size() == model_.size(), "size() is wrong");
    check(inbox_.stashed() == model_.stash.size(), "stashed() is wrong");
    check(inbox_.dropped() == dropped_, "dropped() is wrong");
    check(inbox_.full() == model_.full(), "full() is wrong");
    for (const filter& each : getters_)
      check(!closed_ && !model_.find(each), "a getter was forgotten");
    check(putting_ == 0 || (model_.full() && !closed_),
          "a putter was forgotten");
  }

  void check_at_end() override {
    check(putting_ == 0 && getters_.empty(), "a call was left open");
    check(inbox_.watchers().empty(), "somebody was left in the inbox");
    parcel::slippery = nullptr;
    unstash();
    while (const auto left = inbox_.try_get())
      received(left, filter{}, {});
    inbox_.unstash_all(); // some were put aside again
    inbox_.shutdown_now();
  }

  const bool slippery_;
  const bool ends_;
  const when_full policy_;
  inbox_model model_;
  const bool shows_; // what is dropped
  inbox_type inbox_;
  bool closed_ = false;
  int senders_ = 0;
  int foreign_ = 0;
  int putting_ = 0;
  std::list<filter> getters_; // what those who wait want
  std::size_t dropped_ = 0;
  std::optional<name> shown_;
};

} // namespace

void inboxes(dice& random) {
  run<inbox_program>(random);
}

} // namespace stress
