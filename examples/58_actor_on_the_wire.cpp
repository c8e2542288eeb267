// Teaches: an actor that any ZeroMQ program may ask: served on a socket under a
// supervisor, and asked over TCP, by this program as if it were near.
// Run:     build/dev/bin/58_actor_on_the_wire
// Prints:  balances, an overdraft refused, what a stranger's nonsense gets.
//
// With a fixed port, and the program kept running, Python asks it so:
//
//     import msgpack, zmq
//     account = zmq.Context().socket(zmq.REQ)
//     account.connect("tcp://127.0.0.1:5000")
//     account.send(msgpack.packb(["deposit", [5]]))
//     print(msgpack.unpackb(account.recv()))          # ['ok', 5]

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/wire/remote_actor.hpp>
#include <greenroom/wire/serve.hpp>
#include <greenroom/zmq/socket.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

struct deposit {
  long amount = 0;
  using reply = long;
};
struct withdraw {
  long amount = 0;
  using reply = long;
};

class account : public actor<deposit, withdraw> {
  long receive(deposit d) override { return total_ += d.amount; }
  long receive(withdraw w) override {
    if (w.amount > total_) throw std::runtime_error("not so much there");
    return total_ -= w.amount;
  }
  long total_ = 0;
};

void talk(const std::string& at) {
  zmq::socket line{zmq::socket_type::dealer};
  line.connect(at);
  const wire::remote_actor<deposit, withdraw> account{std::move(line)};
  std::cout << "has " << account.ask(deposit{100}).get(5s) << '\n';
  std::cout << "has " << account.ask(withdraw{30}).get(5s) << '\n';
  try {
    account.ask(withdraw{1000}).get(5s);
  } catch (const wire::remote_error& refused) {
    std::cout << "refused: " << refused.what() << '\n';
  }
  std::cout << "has " << account.ask(deposit{1}).get(5s)
            << " after a restart\n";
}

void talk_nonsense(const std::string& at) {
  zmq::socket stranger{zmq::socket_type::req};
  stranger.connect(at);
  stranger.send(wire::encode(std::string("open sesame")));
  wire::reader reply{stranger.receive(5s).view(), {}};
  reply.array({});
  std::cout << "a stranger is told: " << reply.text({}) << '\n';
}

} // namespace

int main() {
  zmq::socket front{zmq::socket_type::router};
  front.bind("tcp://127.0.0.1:*");
  supervisor bank{one_for_one};
  const auto vault = bank.add<account>("account", permanent);
  bank.add("front", permanent, [&front, vault] {
    wire::serve<deposit, withdraw>(
        front, vault,
        {.on_bad_message = [](const wire::bad_message& why, const auto&) {
          std::cout << "told to the hook: " << why.what() << '\n';
        }});
  });
  bank.start();
  talk(front.last_endpoint());
  talk_nonsense(front.last_endpoint());
  bank.stop();
}
