#pragma once

#include <greenroom/mailbox/alarm_clock.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/frame.hpp>
#include <greenroom/zmq/socket.hpp>
#include <greenroom/zmq_patterns/clone_endpoints.hpp>
#include <greenroom/zmq_patterns/handler.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace greenroom::zmq {

class clone_table;
struct clone_update;

struct clone_server_options {
  clone_endpoints at{};
  clone_collector collector = clone_collector::pull;
  std::chrono::nanoseconds heartbeat = std::chrono::seconds{1};
  std::size_t most_keys = 100'000;
  std::size_t most_bytes = 1 << 20; ///< of a key and its value
  int snapshots_at_once = 8;        ///< other clients wait
  /// Of one snapshot: who is slower has to ask again.
  std::chrono::nanoseconds snapshot_time = std::chrono::seconds{30};
  /// The number before the first change. Zero: microseconds of the calendar,
  /// so that a server begun anew counts on above the one before it, and its
  /// clients notice.
  std::uint64_t first_sequence = 0;
  socket_setup setup{};
};

struct clone_server_counts {
  std::uint64_t changes = 0; ///< published
  std::uint64_t expired = 0; ///< of these: keys whose time to live was over
  std::uint64_t refused = 0; ///< changes: no room, or too large
  std::uint64_t malformed = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t abandoned = 0; ///< snapshots whose client went or was too slow
};

/// Keeps keys and values that all its clients have copies of: see
/// `clone_client`. It numbers the changes; a snapshot is of one number.
///
/// Ownership  Its sockets, which are bound by the constructor; the context.
/// Thread     Its hub's.
/// Waits      `run`, until it is killed. It can be run again, with the keys it
///            has.
/// Errors     The constructor's: a socket's `bind`. Of `set`:
///            `std::errc::no_buffer_space`, `std::errc::invalid_argument` for
///            a key that is empty or a word of the protocol.
///            `greenroom::errc::busy`: `run` is for one at a time.
/// Source     RFC 12 of ZeroMQ (CHP); the guide's Clone. A heartbeat tells the
///            sequence number, which other programs ignore.
///
///     zmq::clone_server names{{.most_keys = 5000}};
///     tree.add("names", permanent, [&] { names.run(); });
class clone_server {
public:
  explicit clone_server(clone_server_options how = {});
  clone_server(const context& in, clone_server_options how);
  ~clone_server();

  void run();

  /// A change of its own; an empty value erases the key. Zero: it lives on.
  void set(const std::string& key, frame value,
           std::chrono::nanoseconds time_to_live = {});

  const clone_server_counts& counts() const { return counts_; }
  std::size_t size() const;
  std::uint64_t sequence() const; ///< of the last change
  /// As bound, with the ports that were found.
  clone_endpoints endpoints() const;

private:
  void serve_changes();
  bool collect();
  bool change(clone_update&& what);
  void publish(const clone_update& what);
  void serve_snapshots();
  void send_snapshot(const frame& to, const frame& subtree);

  const clone_server_options how_;
  clone_server_counts counts_;
  socket snapshots_;
  socket updates_;
  socket collector_;
  std::unique_ptr<clone_table> table_;
  alarm_clock expiry_;
  bool running_ = false;
};

} // namespace greenroom::zmq
