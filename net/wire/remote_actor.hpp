#pragma once

#include <greenroom/actors/request.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/inbox.hpp>
#include <greenroom/wire/codec.hpp>
#include <greenroom/wire/limits.hpp>
#include <greenroom/wire/reply.hpp>
#include <greenroom/zmq/socket.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace greenroom::wire {

struct remote_options {
  /// After which a reply is given up.
  std::chrono::nanoseconds reply_within = std::chrono::seconds{5};
  /// Asks under way; who asks more waits.
  std::size_t most_asks = 1000;
  limits body{};
};

namespace inside {

/// What is behind a `remote_actor`, without its messages.
class remote_core {
public:
  /// Given the reply up to its value, or null and what went wrong.
  using taker = std::function<void(reader* reply, std::exception_ptr error)>;

  static std::shared_ptr<remote_core> make(zmq::socket over,
                                           const remote_options& how);
  virtual ~remote_core() = default;
  virtual void ask(std::string body, taker reply, deadline until) = 0;
  virtual void close() = 0;
  virtual std::size_t asked() const = 0;
  virtual std::uint64_t dropped() const = 0;
};

} // namespace inside

/// An actor that somebody else serves with `serve`, asked over a dealer socket.
///
/// Ownership  Owns the socket. Destroyed, those asks that are under way fail
///            with `errc::closed`.
/// Thread     Its hub's.
/// Waits      `ask`, while the socket takes no more or `most_asks` are under
///            way, until `until` (`errc::timed_out`).
/// Errors     `ask` as `zmq::socket::send`. The result fails with what the
///            actor's fails with: `errc::dead`, `errc::timed_out` also when
///            there was no reply in `reply_within`, and the like; with
///            `remote_error` where the actor threw; with `bad_message` for a
///            reply that cannot be decoded.
///
///     zmq::socket line{zmq::socket_type::dealer};
///     line.connect("tcp://127.0.0.1:5000");
///     wire::remote_actor<deposit, balance> account{std::move(line)};
///     account.ask(deposit{5}).get();
///     long now = account.ask(balance{}).get(1s);
template <class... Messages>
class remote_actor {
public:
  explicit remote_actor(zmq::socket over, const remote_options& how = {})
      : core_(inside::remote_core::make(std::move(over), how)) {}
  remote_actor(remote_actor&&) noexcept = default;
  remote_actor& operator=(remote_actor&&) = delete;
  ~remote_actor() {
    if (core_) core_->close();
  }

  template <class Message>
  async_result<reply_t<Message>> ask(Message message,
                                     deadline until = {}) const {
    static_assert(one_of<Message, Messages...>,
                  "ask: the remote actor has no such message");
    async_result<reply_t<Message>> answer;
    core_->ask(
        encode(std::variant<Messages...>{std::move(message)}),
        [answer](reader* reply, std::exception_ptr error) mutable {
          take<reply_t<Message>>(answer, reply, std::move(error));
        },
        until);
    return answer;
  }

  /// Asks under way.
  std::size_t asked() const { return core_->asked(); }
  /// Replies that came too late, or to nothing asked.
  std::uint64_t dropped() const { return core_->dropped(); }

private:
  template <class Reply>
  static void take(async_result<Reply>& answer, reader* reply,
                   std::exception_ptr error) {
    const place value{nullptr, "reply", {}, 2};
    if (!reply) {
      answer.set_exception(std::move(error));
    } else if constexpr (std::is_void_v<Reply>) {
      answer.set();
    } else {
      Reply made{};
      inside::read(*reply, made, value);
      answer.set(std::move(made));
    }
  }

  std::shared_ptr<inside::remote_core> core_; // null: moved from
};

} // namespace greenroom::wire
