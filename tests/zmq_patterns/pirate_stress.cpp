// Paranoid Pirates in processes that are killed and frozen at random: every
// request is answered in the end, with the right reply.
//
//   zmq_pirate_stress [seed] [requests of each client]

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/io/process.hpp>
#include <greenroom/zmq_patterns/pirate_broker.hpp>
#include <greenroom/zmq_patterns/pirate_worker.hpp>
#include <greenroom/zmq_patterns/reliable_client.hpp>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

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

std::unique_ptr<process> start_worker(const std::string& broker) {
  return std::make_unique<process>("/proc/self/exe",
                                   std::vector<std::string>{"worker", broker});
}

/// Kills one, or freezes it for longer than it is taken to be alive.
void disturb(std::vector<std::unique_ptr<process>>& all,
             const std::string& broker, std::mt19937& random) {
  auto& victim = all[random() % all.size()];
  if (random() % 2 == 0) {
    victim->kill();
    victim = start_worker(broker);
  } else {
    victim->send_signal(SIGSTOP);
    sleep(150ms);
    victim->send_signal(SIGCONT);
  }
  sleep(std::chrono::milliseconds(random() % 60));
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
  std::vector<std::unique_ptr<process>> children;
  for (std::size_t i = 0; i < workers; ++i)
    children.push_back(start_worker(broker.workers_endpoint()));
  std::uint64_t retried = 0;
  auto serving = spawn([&] { broker.run(); });
  auto disturbing = spawn([&] {
    for (;;)
      disturb(children, broker.workers_endpoint(), random);
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
