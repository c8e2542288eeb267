#pragma once

namespace greenroom {

struct fiber;

/// Something the hub can run: one entry of the ready queue.
///
/// Either suspended code, or a step to call on the dispatcher's own stack: a
/// callback, a fresh greenlet, an actor with mail. In the ready queue at most
/// once. The members' names are such that no message of an actor, which is a
/// runnable, would have them.
///
/// Ownership  Borrowed by the queue; whoever makes it ready keeps it alive.
/// Thread     Its hub's thread only.
struct runnable {
  using step_function = void (*)(runnable&);

  explicit runnable(step_function first) : on_turn(first) {}
  runnable(const runnable&) = delete;
  runnable& operator=(const runnable&) = delete;

  runnable* next_ready = nullptr; // in the ready queue
  fiber* suspended_on = nullptr;  // the suspended code, if any
  step_function on_turn;          // what to call when there is none
};

/// The FIFO of work that can run now. Intrusive: never allocates.
class ready_queue {
public:
  bool empty() const { return head_ == nullptr; }
  runnable* front() const { return head_; }

  void push_back(runnable& item) {
    item.next_ready = nullptr;
    if (head_)
      tail_->next_ready = &item;
    else
      head_ = &item;
    tail_ = &item;
  }

  /// Ahead of everything: for what continues the item that runs now.
  void push_front(runnable& item) {
    item.next_ready = head_;
    if (!head_) tail_ = &item;
    head_ = &item;
  }

  runnable& pop() {
    runnable& item = *head_;
    head_ = item.next_ready;
    return item;
  }

  /// Takes `item` out, wherever it stands: a walk, for what ends early.
  void erase(runnable& item) {
    runnable* before = nullptr;
    for (runnable* each = head_; each != &item; each = each->next_ready)
      before = each;
    (before ? before->next_ready : head_) = item.next_ready;
    if (tail_ == &item) tail_ = before;
  }

private:
  runnable* head_ = nullptr; // oldest first
  runnable* tail_ = nullptr; // meaningful only while head_ is set
};

} // namespace greenroom
