#pragma once

#include <exception>

namespace greenroom {

class group;

/// A call on a group that lasts over waits: it learns when the group is gone
/// meanwhile, and which of the members failed first.
///
/// Ownership  In the frame of the call, or in what goes on for it.
/// Thread     Its hub's thread.
///
///     group_call call{workers};
///     sleep(1s);
///     call.on("resume").spawn(next);   // throws if workers is no more
class group_call {
public:
  explicit group_call(group& on);
  group_call(const group_call&) = delete;
  group_call& operator=(const group_call&) = delete;
  ~group_call();

  /// Throws `errc::destroyed`, naming `what`, when the group is gone.
  group& on(const char* what) const;

  /// Of the members that have ended during the call, the error of the first
  /// that failed.
  std::exception_ptr first_error() const { return first_error_; }

private:
  friend class group;

  group* on_; // null when it is gone
  group_call* previous_ = nullptr;
  group_call* next_ = nullptr;
  std::exception_ptr first_error_;
  std::exception_ptr kill_reason_;
  bool kills_ = false; // also whoever is added during the call
};

} // namespace greenroom
