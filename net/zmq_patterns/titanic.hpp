#pragma once

#include <greenroom/mailbox/queue.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq_patterns/handler.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace greenroom::zmq {

struct titanic_options {
  std::string clients{}; ///< a `majordomo_broker`'s endpoints
  std::string workers{};
  std::string folder{};              ///< of what it keeps; its alone
  std::size_t most_stored = 100'000; ///< requests that were not closed
  std::size_t most_bytes = 1 << 20;  ///< of a request
  int parallel = 4;                  ///< requests under way to their services
  /// How long a service may take; then it is asked again.
  std::chrono::nanoseconds timeout = std::chrono::seconds{30};
  /// Before a request that was not answered is tried again.
  std::chrono::nanoseconds pause = std::chrono::seconds{1};
  std::chrono::nanoseconds heartbeat = std::chrono::milliseconds{2500};
  socket_setup setup{};
};

struct titanic_counts {
  std::uint64_t accepted = 0;
  std::uint64_t answered = 0; ///< by their services
  std::uint64_t closed = 0;
  std::uint64_t refused = 0; ///< requests beyond a limit
  std::uint64_t retried = 0; ///< not served, or not answered in time
  std::uint64_t failed = 0;  ///< files that could not be read or written
};

/// Keeps requests on the disk until their services, behind a Majordomo, have
/// answered, and the replies until they are fetched and closed. What it has
/// accepted survives its end at any moment, `kill -9` and power cuts too: the
/// service gets it once or more.
///
/// It offers three services:
///
///     titanic.request  service, body...  ->  "200", id; "500": too much
///     titanic.reply    id  ->  "200", reply...; "300": not yet; "400": unknown
///     titanic.close    id  ->  "200"
///
/// and "400" to what means nothing; see `titanic_client`.
///
/// Ownership  The folder, which no other may use meanwhile.
/// Thread     Its hub's; files are read and written on `thread_pool::shared()`.
/// Waits      `run`, until it is killed.
/// Errors     A folder that cannot be used ends `run`, as `std::system_error`.
///            A file that cannot be written: "500", and `failed`.
///            `greenroom::errc::busy`: `run` is for one at a time.
/// Source     RFC 9 of ZeroMQ (TSP).
///
///     zmq::titanic keeper{{.clients = "tcp://10.0.0.1:5555",
///                          .workers = "tcp://10.0.0.1:5556",
///                          .folder = "/var/lib/titanic"}};
///     tree.add("titanic", permanent, [&] { keeper.run(); });
class titanic {
public:
  explicit titanic(titanic_options how);
  titanic(const context& in, titanic_options how);
  ~titanic();

  void run();

  const titanic_counts& counts() const { return counts_; }
  /// Requests that were not closed.
  std::size_t stored() const { return known_.size(); }

private:
  enum class state : std::uint8_t { coming, pending, answered };
  class dispatcher;

  void begin();
  void offer(const std::string& name, message (titanic::*service)(message&&));
  message accept(message&& request);
  message fetch(message&& request);
  message close(message&& request);

  void dispatch();
  void dispatch_one(dispatcher& by, const std::string& id);
  void answered(const std::string& id, const message& reply);
  void try_later();
  bool is_too_much(const message& request) const;

  context in_;
  const titanic_options how_;
  titanic_counts counts_;
  std::unordered_map<std::string, state> known_;
  std::unique_ptr<queue<std::string>> pending_;
  std::vector<std::string> later_;
  bool running_ = false;
};

} // namespace greenroom::zmq
