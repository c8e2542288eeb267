#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/socket.hpp>
#include <greenroom/zmq_patterns/handler.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace greenroom::zmq {

struct majordomo_broker_options {
  std::string clients = "tcp://*:5555"; ///< where they connect to
  std::string workers = "tcp://*:5556";
  std::chrono::nanoseconds heartbeat = std::chrono::milliseconds{2500};
  int liveness = 3; ///< heartbeats missed until a worker is given up
  /// Requests that wait for a worker and replies that wait for a client, of
  /// all. While there are so many, no requests are taken: they wait in the
  /// sockets, and in the end with the clients.
  std::size_t most_held = 10'000;
  std::size_t most_unserved = 1000; ///< requests, of a service without workers
  std::size_t most_owed =
      2500; ///< replies, to a client that does not take them
  /// What has waited for so long, for a worker or a client, is dropped.
  std::chrono::nanoseconds expire_after = std::chrono::minutes{1};
  socket_setup setup{};
};

struct majordomo_broker_counts {
  std::uint64_t requests = 0; ///< taken from clients
  std::uint64_t replies = 0;  ///< handed to clients
  std::uint64_t dropped = 0;  ///< requests and replies beyond a limit
  std::uint64_t expired = 0;  ///< requests and replies that waited too long
  std::uint64_t gone = 0;     ///< replies to clients that have left
  std::uint64_t lost = 0;     ///< requests whose worker was given up
  std::uint64_t refused = 0;  ///< messages that are not the protocol's
};

/// Hands clients' requests to the workers of the service they name, one at a
/// time each, and their replies back: a Majordomo. What waits is bounded, and
/// within the bounds nothing is dropped: it takes no more from clients than it
/// can hold.
///
/// A worker that ends with a request takes it along: clients ask again, as
/// `majordomo_client` does. "mmi.service" tells whether a service has workers:
/// "200" or "404".
///
/// Ownership  Its sockets, which stay bound when `run` ends, also by an error.
/// Thread     Its hub's.
/// Waits      `run`, until it is killed. A supervisor may run it again; it
///            holds nothing then, and its workers come again.
/// Errors     As binding a socket. `greenroom::errc::busy`: `run` is for one
///            at a time.
/// Source     RFC 7 (MDP 0.1) and 8 (MMI) of ZeroMQ. Clients and workers have
///            a socket each: so it can hear workers and no clients.
///
///     zmq::majordomo_broker broker;
///     tree.add("broker", permanent, [&] { broker.run(); });
class majordomo_broker {
public:
  explicit majordomo_broker(majordomo_broker_options how = {});
  majordomo_broker(const context& in, majordomo_broker_options how);

  void run();

  /// With the ports that were found.
  std::string clients_endpoint() const { return clients_.last_endpoint(); }
  std::string workers_endpoint() const { return workers_.last_endpoint(); }
  const majordomo_broker_counts& counts() const { return counts_; }
  std::size_t held() const { return held_; }
  std::size_t workers() const { return by_id_.size(); }
  /// That have workers, or requests that wait.
  std::size_t services() const { return services_.size(); }

private:
  struct worker;
  struct waiting {
    message what; // from the client's id on
    steady_time expires;
  };
  struct service {
    std::deque<waiting> requests;
    std::list<worker*> free; // the longest first
    std::size_t workers = 0;
  };
  struct worker {
    frame id;
    std::string service_name;
    service* of; // stays: services move in no map
    bool busy;
    steady_time expires;
  };
  using by_name = std::unordered_map<std::string, service>;

  void forget_all();
  void wait_for_mail();
  bool take_from_workers();
  void take_from_clients();

  void heard_client(message came);
  void answer_internal(message came);
  void hand_out(service& of);
  bool hand_to(worker& who, const message& what);
  void deliver(message reply);
  void send_owed();
  bool send_owed_to(std::deque<waiting>& owed);

  void heard_worker(message came);
  void heard_known(worker& from, message came);
  void is_ready(const frame& id, std::string name);
  void is_free(worker& who);
  void refuse(const frame& id);
  void forget(worker& who);
  void send_to_worker(const frame& id, std::string_view command);

  void beat();
  void expire();
  void expire(std::deque<waiting>& list);

  const majordomo_broker_options how_;
  socket clients_;
  socket workers_;
  majordomo_broker_counts counts_;
  by_name services_;
  std::unordered_map<std::string, worker> by_id_;
  std::unordered_map<std::string, std::deque<waiting>> owed_; // to full clients
  std::size_t held_ = 0; // in `services_` and `owed_`
  steady_time next_beat_;
  bool running_ = false;
};

} // namespace greenroom::zmq
