#pragma once

// Operations that end as the tests of Asio want.

#include "hub/support.hpp"

#include <greenroom/hub/hub.hpp>
#include <greenroom/io/asio.hpp>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/io_context.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <tuple>
#include <utility>

namespace test {

using local_socket = asio::local::stream_protocol::socket;

/// By this thread, ever; 0 where a sanitizer allocates.
std::size_t allocations_made();

inline asio::io_context& context() {
  return greenroom::hub::current().context();
}

/// An operation that completes with these values, in the next poll.
template <class... Values, class Token>
auto complete_later(Token&& token, asio::error_code error, Values... values) {
  return asio::async_initiate<Token, void(asio::error_code, Values...)>(
      [&](auto handler) {
        asio::post(context(), [handler = std::move(handler), error,
                               bound = std::make_tuple(
                                   std::move(values)...)]() mutable {
          std::apply([&](auto&... each) { handler(error, std::move(each)...); },
                     bound);
        });
      },
      token);
}

/// An operation under the test's control.
template <class... Values>
class manual_operation {
public:
  using handler_type = greenroom::operation_handler<Values...>;

  /// Told when it is asked to end; may call `complete`.
  std::function<void()> on_cancel;

  typename greenroom::returned<Values...>::type
  start(const greenroom::use_greenlet_t& token) {
    return asio::async_initiate<const greenroom::use_greenlet_t,
                                void(asio::error_code, Values...)>(
        [this](auto handler) {
          if (on_cancel)
            asio::get_associated_cancellation_slot(handler).assign(
                [this](asio::cancellation_type kind) {
                  CHECK(kind == asio::cancellation_type::terminal);
                  on_cancel();
                });
          handler_.emplace(std::move(handler));
        },
        token);
  }

  void complete(asio::error_code error, Values... values) {
    auto handler = std::move(*handler_);
    handler_.reset();
    handler(error, std::move(values)...);
  }
  void drop() { handler_.reset(); }

private:
  std::optional<handler_type> handler_;
};

inline const auto aborted = asio::error_code(asio::error::operation_aborted);
inline const auto refused = asio::error_code(asio::error::connection_refused);

struct pair_of_sockets {
  pair_of_sockets() { asio::local::connect_pair(left, right); }
  local_socket left{context()};
  local_socket right{context()};
};

} // namespace test
