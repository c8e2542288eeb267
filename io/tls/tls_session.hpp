#pragma once

#include <memory>
#include <utility>

namespace greenroom {

/// What lets a later connection to the same server skip the certificates: a
/// value to keep and to give to `tls_socket::connect`. It serves a connection
/// of the same context to the same server name; others ignore it.
///
/// Source     RFC 8446, 2.2: resumption.
///
///     tls_session kept = first.session(); // after something was read
///     auto next = tls_socket::connect(context, to, 5s, {.session = kept});
///     next.resumed();
class tls_session {
public:
  /// None.
  tls_session() = default;

  bool empty() const { return state_ == nullptr; }

private:
  friend class tls_socket;
  struct state;
  explicit tls_session(std::shared_ptr<const state> kept)
      : state_(std::move(kept)) {}

  std::shared_ptr<const state> state_;
};

} // namespace greenroom
