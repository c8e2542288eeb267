#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/frame.hpp>
#include <greenroom/zmq/socket.hpp>
#include <greenroom/zmq_patterns/clone_endpoints.hpp>
#include <greenroom/zmq_patterns/handler.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::zmq {

struct clone_client_options {
  /// Servers that stand in for each other: the first one is asked first.
  std::vector<clone_endpoints> servers{};
  clone_collector collector = clone_collector::pull; ///< the servers'
  /// Only keys that begin so, such as "/rooms/"; empty: all.
  std::string subtree{};
  /// Without a word of the server: the next one is asked.
  std::chrono::nanoseconds silence = std::chrono::seconds{3};
  /// Until a snapshot must have come; then it is asked for again.
  std::chrono::nanoseconds snapshot_time = std::chrono::seconds{30};
  /// Before a new snapshot is asked for.
  std::chrono::nanoseconds snapshot_pause = std::chrono::milliseconds{100};
  std::size_t most_keys = 100'000;
  std::size_t most_bytes = 1 << 20; ///< of a frame
  /// Changes kept while a snapshot comes; more cost another snapshot.
  std::size_t most_pending = 10'000;
  /// Called for each change, when it has been made; with an empty value: the
  /// key is gone. When it waits, so does the client.
  std::function<void(const std::string& key, const frame& value)> on_change{};
  socket_setup setup{};
};

struct clone_client_counts {
  std::uint64_t snapshots = 0; ///< that have come
  std::uint64_t changes = 0;   ///< that came live, each once
  std::uint64_t doubles = 0;   ///< that a snapshot had already
  std::uint64_t gaps = 0;    ///< changes were missing: a snapshot was asked for
  std::uint64_t dropped = 0; ///< changes, while a snapshot came
  std::uint64_t fail_overs = 0;
  std::uint64_t malformed = 0;
  std::uint64_t sent = 0; ///< changes of its own
};

/// A copy of a clone server's keys and values, kept up to date.
///
/// Changes have consecutive numbers. It receives all of them, also those out of
/// its subtree, so that none can be missing unnoticed; heartbeats tell the
/// number of the last one. After a gap it has the copy of before, until it has
/// got a new snapshot, and the changes since then.
///
/// Its own changes are made by the server: they are in the copy when they come
/// back. What is on its way to a server that ends is lost.
///
/// Ownership  Its own; keeps the context.
/// Thread     Its hub's.
/// Waits      `run`, until it is killed; it can be run again, with the copy it
///            has. `wait_synchronized`. `set`, while the server has no room.
/// Errors     Of `run`: `std::length_error` when there are more than
///            `most_keys`; what `on_change` throws; those of `connect`; and
///            `greenroom::errc::busy`, since it is for one at a time. Of `set`:
///            `greenroom::errc::timed_out`, `greenroom::errc::closed` at a
///            fail-over, `std::errc::invalid_argument` for a key that is empty
///            or a word of the protocol. `std::errc::invalid_argument` for
///            options without servers.
/// Source     RFC 12 of ZeroMQ (CHP); the guide's Clone. A server of the
///            guide's is understood, but gaps at its end are not noticed: its
///            heartbeats tell no number.
///
///     zmq::clone_client names{{.servers = {{"tcp://10.0.0.1:5556",
///                                           "tcp://10.0.0.1:5557",
///                                           "tcp://10.0.0.1:5558"}}}};
///     tree.add("names", permanent, [&] { names.run(); });
///     names.wait_synchronized();
///     if (const auto port = names.find("/smtp")) connect(port->view());
///     names.set("/me", "here", 10s);
class clone_client {
public:
  explicit clone_client(clone_client_options how);
  clone_client(const context& in, clone_client_options how);

  void run();

  /// Has a snapshot, and nothing is known to be missing.
  bool synchronized() const { return synchronized_.is_set(); }
  bool wait_synchronized(deadline until = {}) {
    return synchronized_.wait(until);
  }

  std::optional<frame> find(std::string_view key) const;
  const std::map<std::string, frame, std::less<>>& values() const {
    return values_;
  }
  /// The last change that is in the copy.
  std::uint64_t sequence() const { return sequence_; }

  /// Asks the server for a change; an empty value erases the key. Zero: it
  /// lives on; other servers than ours know whole seconds only.
  void set(const std::string& key, frame value,
           std::chrono::nanoseconds time_to_live = {}, deadline until = {});
  void erase(const std::string& key, deadline until = {}) {
    set(key, {}, {}, until);
  }

  const clone_client_counts& counts() const { return counts_; }
  const clone_endpoints& server() const { return how_.servers[at_]; }

private:
  class follower;
  using copy = std::map<std::string, frame, std::less<>>;

  void connect_out();
  frame new_uuid();

  context in_;
  const clone_client_options how_;
  clone_client_counts counts_;
  copy values_;
  std::uint64_t sequence_ = 0;
  event synchronized_;
  std::size_t at_ = 0;        // in the servers
  std::optional<socket> out_; // always there after construction
  std::mt19937_64 random_{std::random_device{}()};
  bool running_ = false;
};

} // namespace greenroom::zmq
