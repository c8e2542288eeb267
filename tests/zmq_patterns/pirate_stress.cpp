// Paranoid Pirates in processes that are killed and frozen at random: every
// request is answered in the end, with the right reply.
//
//   zmq_pirate_stress [seed] [requests of each client]

#include "zmq_patterns/processes.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/zmq_patterns/pirate_broker.hpp>
#include <greenroom/zmq_patterns/pirate_worker.hpp>
#include <greenroom/zmq_patterns/reliable_client.hpp>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

constexpr int clients = 4;
constexpr std::size_t workers = 3;

int work(const std::string& broker) {
  zmq::pirate_worker worker{{.broker = broker,
                             .heartbeat = 20ms,
                             .first_pause = 10ms,
                             .longest_pause = 40ms},
                            [](zmq::message&& request) {
                              request.emplace_back("done");
                              return std::move(request);
                            }};
  worker.run();
  return 0;
}

std::uint64_t ask(const std::string& broker, int who, int requests) {
  zmq::reliable_client client{
      {.endpoints = {broker}, .timeout = 150ms, .retries = 100}};
  for (int i = 0; i < requests; ++i) {
    const std::string text = std::to_string(who) + "/" + std::to_string(i);
    const zmq::message reply = client.request({text});
    if (reply.size() != 2 || reply[0].text() != text)
      throw std::runtime_error("wrong reply to " + text);
  }
  return client.counts().retried;
}

int test(unsigned seed, int requests) {
  std::mt19937 random{seed};
  zmq::pirate_broker broker{{.clients = "tcp://127.0.0.1:*",
                             .workers = "tcp://127.0.0.1:*",
                             .heartbeat = 20ms}};
  processes children{{"worker", broker.workers_endpoint()}, workers};
  std::uint64_t retried = 0;
  auto serving = spawn([&] { broker.run(); });
  auto disturbing = spawn([&] {
    for (;;)
      children.disturb(random);
  });
  nursery([&](nursery_scope& all) {
    for (int who = 0; who < clients; ++who)
      all.spawn([&, who] {
        retried += ask(broker.clients_endpoint(), who, requests);
      });
  });
  disturbing->kill();
  serving->kill();
  const auto& counts = broker.counts();
  std::cout << clients * requests << " requests answered, none lost; "
            << retried << " asked again; workers: " << counts.expired
            << " expired, " << counts.gone << " gone; " << counts.dropped
            << " late replies dropped\n";
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  if (count == 3 && std::string(arguments[1]) == "worker")
    return work(arguments[2]);
  const unsigned seed = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 7;
  return test(seed, count > 2 ? std::atoi(arguments[2]) : 3000);
}
