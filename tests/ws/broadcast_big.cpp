// What is said to 10,000 WebSockets, of which one, and then a hundred, read
// nothing: the others get all of it without waiting, and those are dropped.

#include "crowd.hpp"

#include <greenroom/http/server.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/ws/socket.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

using test::plain_client;
using test::require;

constexpr int rounds = 8;
constexpr std::size_t message_bytes = 4096;
constexpr std::size_t queued = 4; // messages; whose queue is full, is dropped
constexpr std::size_t most_bytes = 24 * 1024; // of memory, for each socket

const std::string handshake =
    " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

using text = std::shared_ptr<const std::string>; // one for all

/// Whoever listens has a queue, from which its own greenlet sends.
class audience {
public:
  void listen(http::request& asked, http::response& answer) {
    auto peer = ws::socket::accept(asked, answer);
    listener self{any_greenlet{current()}};
    const struct member {
      member(audience& of, listener& who) : all(of.all_), self(who) {
        all.insert(&self);
      }
      ~member() { all.erase(&self); }
      std::set<listener*>& all;
      listener& self;
    } here{*this, self};
    if (asked.path() == "/deaf") self.out.put(much());
    for (;;)
      peer.send(*self.out.get());
  }

  /// Waits for nobody.
  void tell(const text& what) {
    for (listener* each : all_)
      if (!each->out.try_put(what)) each->greenlet.kill_soon();
  }

  std::size_t size() const { return all_.size(); }

private:
  /// More than the system takes on behalf of who does not read it.
  static text much() {
    static const text bytes = std::make_shared<std::string>(8 << 20, 'x');
    return bytes;
  }

  struct listener {
    any_greenlet greenlet;
    queue<text> out{queued};
  };
  std::set<listener*> all_;
};

void play(std::uint16_t port, const test::next_step& next, std::size_t count,
          std::size_t deaf) {
  next();
  std::vector<plain_client> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.emplace_back(port);
    all.back().say((i < deaf ? "GET /deaf" : "GET /") + handshake);
    require(all.back().hear().starts_with("HTTP/1.1 101"), "a WebSocket");
  }
  for (int round = 0; round < rounds; ++round) {
    next();
    for (std::size_t i = deaf; i < count; ++i)
      for (std::size_t left = message_bytes + 4; left > 0;) {
        const std::size_t came = all[i].hear(left).size();
        require(came > 0, "all that listen get all");
        left -= came;
      }
  }
  next();
}

void broadcast(std::size_t count, std::size_t deaf) {
  const test::crowd clients{
      [&](std::uint16_t port, const test::next_step& next) {
        play(port, next, count, deaf);
      }};
  audience all;
  http::server here{{"127.0.0.1", 0},
                    [&](http::request& asked, http::response& answer) {
                      all.listen(asked, answer);
                    }};
  here.start();
  clients.begin(here.local().port);
  const test::account cost{"WebSockets", count};
  clients.step();
  require(all.size() == count, "all are there");
  for (int round = 0; round < rounds; ++round) {
    all.tell(std::make_shared<const std::string>(message_bytes, 'x'));
    clients.step();
  }
  cost.check(most_bytes);
  require(all.size() == count - deaf, "who reads nothing is dropped");
  here.stop(0s);
}

} // namespace

int main() {
  const std::size_t count = test::affordable(10'000);
  for (const std::size_t deaf : {1, 100})
    test::apart([&] { broadcast(count, deaf); });
}
