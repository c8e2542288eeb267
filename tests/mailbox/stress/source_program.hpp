#pragma once

// What the programs over queues and over channels have in common.

#include "stress/program.hpp"

#include <system_error>
#include <utility>

namespace stress {

/// Greenlets that put, greenlets that get, and somebody outside who does both.
class source_program : public program {
protected:
  explicit source_program(dice& random)
      : program(random), ends_(random.one_in(3)) {
    if (random.one_in(4)) parcel::slippery = &random;
  }

  virtual void put_one(name called) = 0;

  void put_some() {
    const int sender = senders_++;
    for (int number = 0; number < 6; ++number) {
      put_one({sender, number});
      pause();
    }
  }

  /// In one of its two forms; says what failed.
  template <class Source>
  std::error_code put_into(Source& source, parcel& item, deadline until) {
    const counted here{putting_};
    std::error_code failed;
    if (random_.one_in(2))
      source.put(std::move(item), until, failed);
    else
      try {
        source.put(std::move(item), until);
      } catch (const std::system_error& caught) {
        failed = caught.code();
      }
    check_failure(failed);
    return failed;
  }

  /// In one of its two forms, and calls `received` with what it got.
  template <class Source, class Receiver>
  std::error_code get_from(Source& source, deadline until, Receiver received) {
    std::error_code failed;
    if (random_.one_in(2)) {
      const auto got = source.get(until, failed);
      if (got) received(*got);
    } else {
      try {
        const parcel got = source.get(until);
        received(got);
      } catch (const std::system_error& caught) {
        failed = caught.code();
      }
    }
    check_failure(failed);
    return failed;
  }

  void check_failure(std::error_code failed) const {
    if (!failed) return;
    check(failed == errc::timed_out || failed == errc::closed, "an odd error");
    check(failed != errc::closed || closed_, "closed without shutdown");
  }

  name next_foreign() { return {100, foreign_++}; }

  const bool ends_; // may be shut
  bool closed_ = false;
  int putting_ = 0;
  int getting_ = 0;

private:
  int senders_ = 0;
  int foreign_ = 0;
};

} // namespace stress
