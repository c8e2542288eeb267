#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/curve.hpp>
#include <greenroom/zmq/error.hpp>
#include <greenroom/zmq/frame.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom::zmq {

enum class socket_type : std::uint8_t {
  pair,
  pub,
  sub,
  req,
  rep,
  dealer,
  router,
  pull,
  push,
  xpub,
  xsub,
  stream
};

std::string_view name_of(socket_type kind);

/// One direction of a socket, to be waited on with others: `wait`, `iwait`,
/// `when` of a `select`. A socket that is closed is ready.
class readiness {
public:
  bool ready() const;
  wait_list& watchers();

private:
  friend class socket;
  readiness(void* core, bool sending) : core_(core), sending_(sending) {}

  void* core_;
  bool sending_;
};

/// A ZeroMQ socket.
///
/// Ownership  Owns it and keeps its context. Moved, not copied. Its end, as
///            `close`, does not wait; what is sent goes out for a `linger`
///            more, which is a second unless set.
/// Thread     Its hub's only, else `wrong_hub`; it may be destroyed on any.
///            At the hub's end it is closed.
/// Waits      `send`, `receive` and their kin, only the calling greenlet, until
///            the deadline, else for the time that `set_send_timeout` or
///            `set_receive_timeout` gave, else for ever. Any number of
///            greenlets may wait in either direction, served oldest first; one
///            that comes when there is something goes ahead of them. Who never
///            has to wait lets others run at times.
/// Errors     Both forms: `greenroom::errc::timed_out`; `greenroom::errc::closed`
///            for one that is closed, also meanwhile; those of zmq::errc;
///            libzmq's as `std::errc`, such as `invalid_argument` of an address
///            that does not parse, `address_in_use`, `host_unreachable` of a
///            router that is `mandatory`. Options throw. A kill or timeout
///            loses no message: not yet sent, or still to be received.
/// Source     libzmq 4.3; zmq.green, GEVENT.md 1.15.
///
///     zmq::socket server{zmq::socket_type::rep};
///     server.bind("tcp://127.0.0.1:5000");
///     for (;;) server.send(answer(server.receive().view()));
class socket {
public:
  /// Of the program's context.
  explicit socket(socket_type kind);
  socket(const context& in, socket_type kind);
  socket(socket&&) noexcept;
  socket& operator=(socket&&) noexcept;
  ~socket();

  /// "tcp://127.0.0.1:5000", "tcp://*:0" (a free port: see `last_endpoint`),
  /// "ipc:///tmp/jobs", "inproc://jobs".
  void bind(const std::string& endpoint);
  void bind(const std::string& endpoint, std::error_code& failed);
  void unbind(const std::string& endpoint);
  void unbind(const std::string& endpoint, std::error_code& failed);
  /// Does not wait: the peer may come later.
  void connect(const std::string& endpoint);
  void connect(const std::string& endpoint, std::error_code& failed);
  void disconnect(const std::string& endpoint);
  void disconnect(const std::string& endpoint, std::error_code& failed);
  /// Of the last `bind` or `connect`, with the port that was found.
  std::string last_endpoint() const;

  /// Of a sub: what begins so is received. Each asks for one `unsubscribe`.
  void subscribe(std::string_view prefix = {});
  void unsubscribe(std::string_view prefix = {});

  /// A message of one frame. It is taken when it was sent; otherwise the
  /// caller still has it.
  void send(frame&& what, deadline until = {});
  void send(frame&& what, deadline until, std::error_code& failed);
  /// Whole, or not at all: a peer that goes meanwhile, or before it has read
  /// it, takes the message with it, and nobody is told.
  void send_multipart(message&& frames, deadline until = {});
  void send_multipart(message&& frames, deadline until,
                      std::error_code& failed);
  /// Do not wait: false when it would have to.
  bool try_send(frame&& what);
  bool try_send_multipart(message&& frames);

  /// The next frame. If it has `more` of its message behind it, the next calls
  /// return that.
  frame receive(deadline until = {});
  frame receive(deadline until, std::error_code& failed);
  /// All (other) frames of a message.
  message receive_multipart(deadline until = {});
  message receive_multipart(deadline until, std::error_code& failed);
  /// Do not wait: nothing when there is nothing.
  std::optional<frame> try_receive();
  std::optional<message> try_receive_multipart();

  /// Ready when a message can be received, or sent, or the socket is closed.
  /// Theirs is the socket's life.
  readiness& readable();
  readiness& writable();

  /// Who waits gets `greenroom::errc::closed`.
  void close();
  bool is_open() const;
  socket_type kind() const;
  /// For libzmq; null when it is closed. Who sends or receives by it may leave
  /// others asleep.
  void* native() const;

  // --- options: set before `bind` or `connect`, unless it says otherwise ---

  using milliseconds = std::chrono::milliseconds;

  /// How long what is unsent is kept after the end; at most a day.
  void set_linger(std::chrono::nanoseconds time);
  /// For calls without a deadline; 0 or less: for ever. At any time.
  void set_send_timeout(std::chrono::nanoseconds time);
  void set_receive_timeout(std::chrono::nanoseconds time);
  /// High-water marks, in messages for each peer; 1000 unless set, 0: none.
  void set_send_limit(int messages);
  void set_receive_limit(int messages);
  /// A peer that sends a longer frame is disconnected; none unless set.
  void set_most_bytes(std::int64_t bytes);
  /// Of a message of more frames `receive_multipart` drops all, and it is
  /// `std::errc::message_size`; 1000 unless set, at any time. libzmq itself
  /// holds a message of any number until its last has come: against strangers
  /// there is CURVE.
  void set_most_frames(std::size_t frames);
  /// By which a router knows it: 1 to 255 bytes, the first not 0.
  void set_routing_id(std::string_view id);
  std::string routing_id() const;
  /// That the next `connect` of a router gives its peer.
  void set_connect_routing_id(std::string_view id);
  /// Only the newest message is kept, in either direction; of one frame each.
  void set_conflate(bool enabled);
  /// Messages wait for connections that are made, not for those to come.
  void set_immediate(bool enabled);
  /// A send to nobody known is `std::errc::host_unreachable`, one to a peer
  /// that is full waits; unless set, both are dropped.
  void set_router_mandatory(bool enabled);
  /// A peer that comes with the routing id of another takes its place.
  void set_router_handover(bool enabled);
  void set_probe_router(bool enabled);
  /// A req may send again without having received, and ignores what answers
  /// an earlier request: set both.
  void set_req_relaxed(bool enabled);
  void set_req_correlate(bool enabled);
  /// An xpub receives every subscription, not only new ones.
  void set_xpub_verbose(bool enabled);
  /// As verbose, and every end of one.
  void set_xpub_verboser(bool enabled);
  /// An xpub subscribes for its peers itself, when it has received that one
  /// wants it: `subscribe` then is for that peer.
  void set_xpub_manual(bool enabled);
  /// A publisher waits for subscribers that are full, rather than drop.
  void set_xpub_nodrop(bool enabled);
  void set_xpub_welcome(std::string_view text);
  void set_invert_matching(bool enabled);
  /// A stream is told of connections and their ends, by an empty frame.
  void set_stream_notify(bool enabled);
  /// Asks peers whether they are there; those silent for `timeout` are given
  /// up, and the peer is told to do so after `time_to_live`.
  void set_heartbeat(milliseconds interval, milliseconds timeout = {},
                     milliseconds time_to_live = {});
  /// The pause before it connects again, doubled each time up to `longest`.
  void set_reconnect(milliseconds first, milliseconds longest = {});
  void set_connect_timeout(milliseconds time);
  void set_handshake_timeout(milliseconds time);
  void set_backlog(int connections);
  void set_ipv6(bool enabled);
  void set_tcp_keepalive(bool enabled);
  /// Plain text names and passwords, asked for by a ZAP handler.
  void set_plain_server(bool enabled);
  void set_plain_client(const std::string& name, const std::string& password);
  /// Only who knows the server's public key, and encrypts, may connect; who
  /// that is, a ZAP handler may ask.
  void set_curve_server(const curve_keys& mine);
  void set_curve_client(const std::string& server_key,
                        const curve_keys& mine = curve_keys::make());
  void set_zap_domain(std::string_view domain);

  /// Any other option: a ZMQ_... of zmq.h.
  void set_option(int option, int value);
  void set_option(int option, std::string_view value);
  int option(int which) const;

private:
  friend class monitor;
  friend class readiness;
  class core;

  // Shared with the calls that wait; never null, but when moved from.
  std::shared_ptr<core> core_;
};

} // namespace greenroom::zmq
