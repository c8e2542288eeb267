#pragma once

#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/socket.hpp>
#include <greenroom/zmq_patterns/handler.hpp>

#include <greenroom/hub/deadline.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace greenroom::zmq {

struct pirate_broker_options {
  std::string clients = "tcp://*:5555"; ///< where they connect to
  std::string workers = "tcp://*:5556";
  std::chrono::nanoseconds heartbeat = std::chrono::seconds{1};
  int liveness = 3;        ///< heartbeats missed until a worker is given up
  int most_waiting = 1000; ///< requests of one client that wait, in its socket
  std::size_t most_workers = 10'000; ///< that are free
  socket_setup setup{};
};

struct pirate_broker_counts {
  std::uint64_t requests = 0; ///< handed to workers
  std::uint64_t replies = 0;  ///< handed to clients
  std::uint64_t dropped = 0;  ///< replies to clients that are gone or full
  std::uint64_t expired = 0;  ///< workers that were silent
  std::uint64_t gone = 0;     ///< workers that had left when a request came
  std::uint64_t refused = 0;  ///< messages that mean nothing; too many workers
};

/// Hands requests to workers, to the one that has been free for longest first.
/// While none is free it takes no requests: they wait in the sockets, and in
/// the end with the clients. Workers of both kinds may come: `pirate_worker`s,
/// which exchange heartbeats with it (Paranoid Pirates), and sockets of type
/// req, which do not (Simple Pirates).
///
/// A worker that ends with a request takes it along: clients ask again, as
/// `reliable_client` does.
///
/// Ownership  Its sockets, which stay bound when `run` ends, also by an error.
/// Thread     Its hub's.
/// Waits      `run`, until it is killed. A supervisor may run it again; it
///            knows no workers then, and hears of them in a while.
/// Errors     As binding a socket. `greenroom::errc::busy`: `run` is for one
///            at a time.
/// Source     The ZeroMQ guide's load balancing broker, Simple and Paranoid
///            Pirate (PPP): workers send "\1" when ready, "\2" as a heartbeat.
///
///     zmq::pirate_broker broker{{.clients = "tcp://*:5555"}};
///     supervisor tree{one_for_one};
///     tree.add("broker", permanent, [&] { broker.run(); });
class pirate_broker {
public:
  explicit pirate_broker(pirate_broker_options how = {});
  pirate_broker(const context& in, pirate_broker_options how);

  void run();

  /// With the ports that were found.
  std::string clients_endpoint() const { return clients_.last_endpoint(); }
  std::string workers_endpoint() const { return workers_.last_endpoint(); }
  const pirate_broker_counts& counts() const { return counts_; }
  std::size_t free_workers() const { return free_.size(); }

private:
  struct worker {
    frame id;
    bool simple;         // a req: sends, and gets, one message in turn
    steady_time expires; // unless it is simple
  };
  using workers = std::list<worker>;

  void wait_for_mail();
  bool take_from_workers();
  void take_from_clients();
  void heard(message came);
  void is_free(const frame& id, bool simple);
  void deliver(message reply);
  void hand_out();
  void beat();
  void expire();
  void forget(workers::iterator which);

  const pirate_broker_options how_;
  socket clients_;
  socket workers_;
  pirate_broker_counts counts_;
  workers free_; // the longest first
  std::unordered_map<std::string, workers::iterator> by_id_;
  std::optional<message> request_; // taken, and its worker had left
  steady_time next_beat_;
  bool running_ = false;
};

} // namespace greenroom::zmq
