#include "bare.hpp"

#include <boost/context/detail/fcontext.hpp>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace bench {
namespace {

namespace context = boost::context::detail;

constexpr std::size_t stack_size = 16 * 1024; // bytes

class bare_stack {
public:
  context::fcontext_t make(void (*entry)(context::transfer_t)) {
    return context::make_fcontext(memory_.get() + stack_size, stack_size,
                                  entry);
  }

private:
  std::unique_ptr<std::byte[]> memory_{new std::byte[stack_size]};
};

void jump_back_for_ever(context::transfer_t from) {
  for (;;)
    from = context::jump_fcontext(from.fctx, nullptr);
}

} // namespace

figure bare_jump_pair(const setting& how) {
  bare_stack stack;
  context::fcontext_t other = stack.make(&jump_back_for_ever);
  return each_of(how(20'000'000), [&](long count) {
    for (long i = 0; i < count; ++i)
      other = context::jump_fcontext(other, nullptr).fctx;
  });
}

figure bare_context(const setting& how) {
  bare_stack stack;
  return each_of(how(10'000'000), [&](long count) {
    for (long i = 0; i < count; ++i)
      keep(context::jump_fcontext(stack.make(&jump_back_for_ever), nullptr));
  });
}

namespace {

/// A member of the FIFO; each jumps to the one behind it.
struct bare_fiber {
  context::fcontext_t suspended = nullptr;
  bare_fiber* next = nullptr;
};

struct bare_fifo {
  bare_fiber* oldest = nullptr;
  bare_fiber* newest = nullptr;

  void push(bare_fiber& item) {
    item.next = nullptr;
    (oldest ? newest->next : oldest) = &item;
    newest = &item;
  }
  bare_fiber& pop() {
    bare_fiber& item = *oldest;
    oldest = item.next;
    return item;
  }
  /// Suspends `self`; `data` tells the next one who that was.
  void yield(bare_fiber& self) {
    push(self);
    bare_fiber& next = pop();
    if (&next == &self) return;
    const auto from = context::jump_fcontext(next.suspended, &self);
    static_cast<bare_fiber*>(from.data)->suspended = from.fctx;
  }
};

bare_fifo fifo;

} // namespace

figure bare_jump_among_100(const setting& how) {
  std::vector<bare_stack> stacks(99);
  std::vector<bare_fiber> fibers(99);
  bare_fiber self;
  for (std::size_t i = 0; i < fibers.size(); ++i)
    fibers[i].suspended = stacks[i].make([](context::transfer_t from) {
      // Begun by the measuring context: goes back there at once.
      auto* own = static_cast<bare_fiber*>(from.data);
      from = context::jump_fcontext(from.fctx, nullptr);
      static_cast<bare_fiber*>(from.data)->suspended = from.fctx;
      for (;;)
        fifo.yield(*own);
    });
  for (bare_fiber& each : fibers) {
    each.suspended = context::jump_fcontext(each.suspended, &each).fctx;
    fifo.push(each);
  }
  const figure round = each_of(how(200'000), [&](long count) {
    for (long i = 0; i < count; ++i)
      fifo.yield(self);
  });
  return {round.value / 100};
}

// --- messages -------------------------------------------------------------

namespace {

struct letter {
  letter* next = nullptr;
  long content = 0;
};

class post_office;

class recipient {
public:
  explicit recipient(post_office& of) : office(of) {}
  virtual ~recipient() = default;
  virtual void receive(long content) = 0;

  post_office& office;
  letter* oldest = nullptr;
  letter* newest = nullptr;
  recipient* next = nullptr; // in the ready queue
  bool ready = false;        // there, or being run
};

class post_office {
public:
  ~post_office() {
    while (free_)
      delete std::exchange(free_, free_->next);
  }

  void send(recipient& to, long content) {
    letter& made = *take();
    made.content = content;
    made.next = nullptr;
    (to.oldest ? to.newest->next : to.oldest) = &made;
    to.newest = &made;
    if (!to.ready) push(to);
  }

  void run() {
    while (oldest_) {
      recipient& to = *oldest_;
      oldest_ = to.next;
      deliver(to);
    }
  }

private:
  void deliver(recipient& to) {
    while (letter* mail = to.oldest) {
      to.oldest = mail->next;
      const long content = mail->content;
      mail->next = free_;
      free_ = mail;
      to.receive(content);
    }
    to.ready = false;
  }

  letter* take() {
    if (!free_) return new letter;
    return std::exchange(free_, free_->next);
  }
  void push(recipient& item) {
    item.ready = true;
    item.next = nullptr;
    (oldest_ ? newest_->next : oldest_) = &item;
    newest_ = &item;
  }

  letter* free_ = nullptr;
  recipient* oldest_ = nullptr;
  recipient* newest_ = nullptr;
};

struct passer : recipient {
  using recipient::recipient;
  void receive(long left) override {
    if (left > 0) office.send(*to, left - 1);
  }
  recipient* to = nullptr;
};

figure bare_ring(std::size_t size, long count) {
  post_office office;
  std::vector<passer> ring(size, passer{office});
  for (std::size_t i = 0; i < size; ++i)
    ring[i].to = &ring[(i + 1) % size];
  return each_of(count, [&](long hops) {
    office.send(ring[0], hops);
    office.run();
  });
}

struct counter : recipient {
  using recipient::recipient;
  void receive(long content) override { total += content; }
  long total = 0;
};

} // namespace

figure bare_message_pair(const setting& how) {
  return bare_ring(2, how(20'000'000));
}

figure bare_message_ring_503(const setting& how) {
  return bare_ring(503, how(20'000'000));
}

namespace {

figure bare_batches_of(long most, long count) {
  post_office office;
  counter sink{office};
  return each_of(count, [&](long messages) {
    for (long sent = 0; sent < messages;) {
      for (long i = 0; i < most && sent < messages; ++i, ++sent)
        office.send(sink, sent);
      office.run();
    }
    keep(sink.total);
  });
}

} // namespace

figure bare_message_stream(const setting& how) {
  return bare_batches_of(1024, how(10'000'000));
}

figure bare_message_flood(const setting& how) {
  const long count = how(10'000'000);
  return bare_batches_of(count, count);
}

figure bare_object(const setting& how) {
  post_office office;
  return each_of(how(5'000'000), [&](long count) {
    for (long i = 0; i < count; ++i) {
      const auto made = std::make_unique<counter>(office);
      keep(made);
      office.send(*made, i);
      office.run();
    }
  });
}

// --- ask ------------------------------------------------------------------

namespace {

/// The context that asks, and what it is told.
struct asker {
  context::fcontext_t loop = nullptr;
  context::fcontext_t suspended = nullptr;
  long answer = 0;
};

struct answerer : recipient {
  using recipient::recipient;
  void receive(long question) override {
    from->answer = question + 1;
    from->suspended = context::jump_fcontext(from->suspended, nullptr).fctx;
  }
  asker* from = nullptr;
};

} // namespace

figure bare_ask(const setting& how) {
  struct shared {
    post_office office;
    asker self;
    answerer other{office};
    long left = 0;
  } all;
  all.other.from = &all.self;
  bare_stack stack;
  return each_of(how(10'000'000), [&](long count) {
    all.left = count;
    all.self.suspended = stack.make([](context::transfer_t from) {
      auto& given = *static_cast<shared*>(from.data);
      for (; given.left > 0; --given.left) {
        given.office.send(given.other, given.left);
        from = context::jump_fcontext(from.fctx, nullptr);
        keep(given.self.answer);
      }
      for (;;)
        from = context::jump_fcontext(from.fctx, nullptr);
    });
    all.self.suspended = context::jump_fcontext(all.self.suspended, &all).fctx;
    all.office.run();
  });
}

} // namespace bench
