#pragma once

#include <memory>

namespace greenroom::zmq {

struct context_options {
  int io_threads = 1; ///< of libzmq; one serves about a gigabyte a second
  int max_sockets = 1023;
  bool ipv6 = false; ///< for addresses of both kinds
};

/// Where sockets live: sockets of one context reach each other by "inproc:".
///
/// Ownership  A handle; its sockets keep it too. With the last of them it
///            ends, and waits, the whole thread, for what they have sent to go
///            out: a second at most, unless they have another `linger`.
/// Thread     Any.
/// Errors     `std::system_error`: an option out of bounds
///            (`std::errc::invalid_argument`), no more descriptors.
/// Source     zmq_ctx_new.
///
///     zmq::context own{{.io_threads = 2}};
///     zmq::socket jobs{own, zmq::socket_type::push};
class context {
public:
  explicit context(const context_options& how = {});

  /// That of the whole program, made when it is first used.
  static context shared();

  /// For libzmq.
  void* native() const;

private:
  friend class socket;
  struct core;

  std::shared_ptr<core> core_; // never null
};

} // namespace greenroom::zmq
