#pragma once

namespace greenroom {

struct fiber;

/// Something the hub can run: one entry of the ready queue.
///
/// Either suspended code (`resume` is the fiber it keeps) or a step to call
/// on the dispatcher's own stack: a callback, a fresh greenlet, an actor with
/// mail. A runnable is in the ready queue at most once.
///
/// Ownership  Borrowed by the queue; whoever makes it ready keeps it alive.
/// Thread     Its hub's thread only.
struct runnable {
  using step_function = void (*)(runnable&);

  explicit runnable(step_function first) : step(first) {}
  runnable(const runnable&) = delete;
  runnable& operator=(const runnable&) = delete;

  runnable* next = nullptr; // in the ready queue
  fiber* resume = nullptr;  // the suspended code, if any
  step_function step;       // what to call when there is none
};

/// The FIFO of work that can run now. Intrusive: never allocates.
class ready_queue {
public:
  bool empty() const { return head_ == nullptr; }
  runnable* front() const { return head_; }

  void push_back(runnable& item) {
    item.next = nullptr;
    if (head_)
      tail_->next = &item;
    else
      head_ = &item;
    tail_ = &item;
  }

  /// Ahead of everything: for what continues the item that runs now.
  void push_front(runnable& item) {
    item.next = head_;
    if (!head_) tail_ = &item;
    head_ = &item;
  }

  runnable& pop() {
    runnable& item = *head_;
    head_ = item.next;
    return item;
  }

  /// Takes `item` out, wherever it stands: a walk, for what ends early.
  void erase(runnable& item) {
    runnable* before = nullptr;
    for (runnable* each = head_; each != &item; each = each->next)
      before = each;
    (before ? before->next : head_) = item.next;
    if (tail_ == &item) tail_ = before;
  }

private:
  runnable* head_ = nullptr; // oldest first
  runnable* tail_ = nullptr; // meaningful only while head_ is set
};

} // namespace greenroom
