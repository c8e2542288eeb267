#pragma once

#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/frame.hpp>
#include <greenroom/zmq/socket.hpp>
#include <greenroom/zmq_patterns/handler.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>

namespace greenroom::zmq {

struct last_value_cache_options {
  std::string publishers = "tcp://*:5557";  ///< bound; a pub connects to it
  std::string subscribers = "tcp://*:5558"; ///< bound; a sub connects to it
  /// Beyond, the topic that was published longest ago is forgotten.
  std::size_t most_topics = 10'000;
  std::size_t most_bytes = 1 << 20; ///< of a message; larger ones are dropped
  socket_setup setup{};
};

struct last_value_cache_counts {
  std::uint64_t published = 0; ///< messages that were passed on
  std::uint64_t replayed = 0;  ///< values sent again, for new subscribers
  std::uint64_t forgotten = 0; ///< topics, for want of room
  std::uint64_t too_large = 0; ///< messages dropped
};

/// Passes messages on from publishers to subscribers, and sends who subscribes
/// the last one of each topic that begins so. The first frame is the topic.
///
/// A value sent again reaches all who have subscribed to it: they may get the
/// newest one twice, never an older one after it. Values are kept in memory,
/// at most `most_topics` of `most_bytes`.
///
/// Ownership  Its sockets, which are bound by the constructor; the context.
/// Thread     Its hub's.
/// Waits      `run`, until it is killed. It can be run again, with the values
///            it has.
/// Errors     The constructor's: a socket's `bind`. `greenroom::errc::busy`:
///            `run` is for one at a time.
/// Source     The ZeroMQ guide's last value cache.
///
///     zmq::last_value_cache prices{{.most_topics = 500}};
///     tree.add("prices", permanent, [&] { prices.run(); });
class last_value_cache {
public:
  explicit last_value_cache(last_value_cache_options how = {});
  last_value_cache(const context& in, last_value_cache_options how);

  void run();

  const last_value_cache_counts& counts() const { return counts_; }
  std::size_t topics() const { return values_.size(); }
  /// As bound, with the ports that were found.
  std::string publishers() const { return publishers_.last_endpoint(); }
  std::string subscribers() const { return subscribers_.last_endpoint(); }

private:
  struct value;
  using values = std::map<std::string, value, std::less<>>;
  struct value {
    message frames;
    std::list<values::iterator>::iterator place;
  };

  bool pass_on();
  bool greet();
  void keep(const message& frames);
  void replay(std::string_view prefix);

  const last_value_cache_options how_;
  last_value_cache_counts counts_;
  socket publishers_;
  socket subscribers_;
  values values_;
  std::list<values::iterator> by_age_; // all, published longest ago first
  bool running_ = false;
};

} // namespace greenroom::zmq
