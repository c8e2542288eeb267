#pragma once

// Private to the tls room.

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/wait.hpp>

#include <system_error>

namespace greenroom {

/// The wait for one direction of a socket. Several greenlets may need the same
/// one, as a TLS read may have to write and a write to read: the first waits
/// on the socket, the others for the first to come back, however that ends;
/// then each tries again, and again one of them is the first.
///
/// Ownership  Must outlive who waits.
class shared_wait {
public:
  /// `how(until, failed)` waits on the socket.
  template <class How>
  void wait(How&& how, deadline until, std::error_code& failed) {
    failed.clear();
    if (!taken_) {
      const first mine{*this};
      how(until, failed);
    } else if (!others_.wait_turn(until, "a TLS connection", this)) {
      failed = errc::timed_out;
    }
  }

private:
  struct first {
    explicit first(shared_wait& in) : of(in) { of.taken_ = true; }
    first(const first&) = delete;
    first& operator=(const first&) = delete;
    ~first() {
      of.taken_ = false;
      of.others_.wake_all();
    }
    shared_wait& of;
  };

  bool taken_ = false;
  wait_list others_; // non-empty only while taken_
};

} // namespace greenroom
