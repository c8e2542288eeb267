// Dealers and a router that answers, several greenlets at each: nothing is
// lost and nobody sleeps for ever. zmq_soak_stress [MESSAGES [ENDPOINT]]

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/socket.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace greenroom;
using namespace std::chrono_literals;

constexpr int dealers = 4;
constexpr long window = 500; // below the high-water mark, where a router drops

struct client {
  client(const zmq::context& in, const std::string& at, long share)
      : left_to_send(share), left_to_receive(share),
        end(in, zmq::socket_type::dealer) {
    end.connect(at);
  }

  void send() {
    while (left_to_send > 0) {
      if (left_to_receive - left_to_send >= window) {
        sleep(0ms);
        continue;
      }
      const long number = --left_to_send;
      end.send(std::to_string(number), 30s);
    }
  }

  void receive() {
    while (left_to_receive > 0) {
      --left_to_receive;
      sum += std::stol(end.receive(30s).text());
    }
  }

  long left_to_send;
  long left_to_receive;
  long sum = 0;
  zmq::socket end;
};

void answer(zmq::socket& router) {
  for (;;)
    router.send_multipart(router.receive_multipart());
}

bool soak(long messages, const std::string& endpoint) {
  const zmq::context own;
  zmq::socket router{own, zmq::socket_type::router};
  router.bind(endpoint);
  const long share = messages / dealers;
  std::vector<greenlet<void>> servers;
  for (int i = 0; i < 3; ++i)
    servers.push_back(spawn([&] { answer(router); }));
  std::vector<std::unique_ptr<client>> clients;
  std::vector<greenlet<void>> working;
  for (int i = 0; i < dealers; ++i) {
    auto& mine = *clients.emplace_back(
        std::make_unique<client>(own, router.last_endpoint(), share));
    for (int each = 0; each < 2; ++each) {
      working.push_back(spawn([&mine] { mine.send(); }));
      working.push_back(spawn([&mine] { mine.receive(); }));
    }
  }
  for (auto& each : working)
    each.get();
  bool well = true;
  for (const auto& each : clients)
    well &= each->sum == share * (share - 1) / 2;
  for (auto& each : servers)
    each.kill();
  return well;
}

} // namespace

int main(int argc, char** argv) {
  const long messages = argc > 1 ? std::stol(argv[1]) : 100'000;
  const std::string endpoint = argc > 2 ? argv[2] : "tcp://127.0.0.1:*";
  const auto begin = std::chrono::steady_clock::now();
  const bool well = spawn([&] { return soak(messages, endpoint); }).get();
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - begin;
  std::printf("%ld round trips in %.1f s: %s\n", messages, took.count(),
              well ? "none lost" : "LOST");
  return well ? 0 : 1;
}
