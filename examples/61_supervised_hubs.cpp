// A tree over several hubs: a counter on a hub of its own, which its supervisor
// restarts there, an actor that monitors it from here, and servers on every
// hub that count their visitors with it.

#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/hub_group.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/net/server_group.hpp>
#include <greenroom/net/stream_server.hpp>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

using namespace greenroom;

struct visit {
  using reply = long; // the how manieth
};
struct spill_coffee {};

class visitors : public actor<visit, spill_coffee> {
  long receive(visit) override { return ++count_; }
  void receive(spill_coffee) override { throw std::runtime_error("coffee"); }
  long count_ = 0;
};

class guard : public actor<down> {
public:
  guard(actor_ref<visitors> whom, event& told) : told_(told) { monitor(whom); }

private:
  void receive(down news) override {
    std::printf("%s: %s%s\n", "the counter", to_string(news.why).c_str(),
                news.restarts ? ", and is restarted" : "");
    told_.set();
  }
  event& told_;
};

std::string ask_a_server(const tcp_address& at) {
  auto peer = tcp_socket::connect(at);
  char answer[16];
  return {answer, peer.read_some(answer)};
}

int main() {
  hub_group hubs{2};
  const work_guard outside; // what happens elsewhere wakes us

  supervisor tree{one_for_one, {.max_restarts = 3}};
  const auto counter =
      tree.add<visitors>("visitors", on(hubs[1]), {.shutdown = infinity});
  tree.start();

  server_group servers{hubs, {"127.0.0.1", 0}, [counter](listen_address port) {
                         return std::make_unique<stream_server>(
                             std::move(port), [counter](stream& peer) {
                               peer.write(
                                   std::to_string(counter.ask(visit{}).get()));
                             });
                       }};
  servers.start();
  for (int i = 0; i < 3; ++i)
    std::printf("visitor %s\n", ask_a_server(servers.local()).c_str());

  event told;
  const auto guarding = spawn<guard>(counter, told);
  yield();
  counter.send(spill_coffee{});
  told.wait();
  std::printf("visitor %s\n", ask_a_server(servers.local()).c_str());

  guarding.kill();
  std::printf("servers stopped: %s\n",
              servers.stop(deadline::never()) ? "yes" : "no");
  tree.stop();
  std::printf("hubs stopped: %s\n", hubs.stop() ? "yes" : "no");
}
