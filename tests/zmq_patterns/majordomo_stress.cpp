// A Majordomo answers every one of 100,000 requests sent at once, and every
// request of clients that ask again while processes of workers are killed and
// frozen at random.
//
//   zmq_majordomo_stress [seed] [requests]

#include "zmq_patterns/processes.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/zmq_patterns/majordomo_broker.hpp>
#include <greenroom/zmq_patterns/majordomo_client.hpp>
#include <greenroom/zmq_patterns/majordomo_pipeline.hpp>
#include <greenroom/zmq_patterns/majordomo_worker.hpp>

#include <chrono>
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

const char* const any_port = "tcp://127.0.0.1:*";

zmq::majordomo_worker_options worker_of(const std::string& broker) {
  return {.broker = broker, .service = "echo"};
}

zmq::majordomo_worker_options hasty_worker_of(const std::string& broker) {
  auto how = worker_of(broker);
  how.heartbeat = 20ms;
  how.pause = 10ms;
  return how;
}

void work(zmq::majordomo_worker_options how) {
  zmq::majordomo_worker worker{std::move(how), [](zmq::message&& request) {
                                 return std::move(request);
                               }};
  worker.run();
}

void flood(int requests) {
  zmq::majordomo_broker broker{
      {.clients = any_port, .workers = any_port, .most_held = 500}};
  std::vector<any_greenlet> running{spawn([&] { broker.run(); })};
  for (int i = 0; i < 4; ++i)
    running.push_back(
        spawn([&] { work(worker_of(broker.workers_endpoint())); }));
  zmq::majordomo_pipeline client{{.broker = broker.clients_endpoint()}};
  std::vector<char> seen(static_cast<std::size_t>(requests));
  for (int i = 0; i < requests; ++i)
    client.send("echo", {std::to_string(i)}, 60s);
  for (int i = 0; i < requests; ++i)
    ++seen.at(std::stoul(client.receive(60s).body.at(0).text()));
  for (const char times : seen)
    if (times != 1) throw std::runtime_error("a request was not answered once");
  killall(running);
  const auto& counts = broker.counts();
  if (counts.dropped + counts.expired + counts.lost + counts.gone != 0)
    throw std::runtime_error("the broker dropped something");
  std::cout << requests << " requests sent at once, each answered once\n";
}

std::uint64_t ask(const std::string& broker, int who, int requests) {
  zmq::majordomo_client client{
      {.endpoints = {broker}, .timeout = 150ms, .retries = 100}};
  for (int i = 0; i < requests; ++i) {
    const std::string text = std::to_string(who) + "/" + std::to_string(i);
    const zmq::message reply = client.request("echo", {text});
    if (reply.size() != 1 || reply[0].text() != text)
      throw std::runtime_error("wrong reply to " + text);
  }
  return client.counts().retried;
}

void disturbed(unsigned seed, int requests) {
  std::mt19937 random{seed};
  zmq::majordomo_broker broker{
      {.clients = any_port, .workers = any_port, .heartbeat = 20ms}};
  processes children{{"worker", broker.workers_endpoint()}, 3};
  std::uint64_t retried = 0;
  auto serving = spawn([&] { broker.run(); });
  auto disturbing = spawn([&] {
    for (;;)
      children.disturb(random);
  });
  constexpr int clients = 4;
  nursery([&](nursery_scope& all) {
    for (int who = 0; who < clients; ++who)
      all.spawn([&, who] {
        retried += ask(broker.clients_endpoint(), who, requests / clients);
      });
  });
  disturbing->kill();
  serving->kill();
  std::cout << requests << " requests answered, none lost; " << retried
            << " asked again; " << broker.counts().lost
            << " lost with their worker\n";
}

} // namespace

int main(int count, char** arguments) {
  if (count == 3 && std::string(arguments[1]) == "worker")
    return work(hasty_worker_of(arguments[2])), 0;
  const unsigned seed = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 7;
  const int requests = count > 2 ? std::atoi(arguments[2]) : 100'000;
  flood(requests);
  disturbed(seed, requests / 20);
}
