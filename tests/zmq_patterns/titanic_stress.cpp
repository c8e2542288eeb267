// A Titanic's process is killed (SIGKILL) at random: every request that it has
// accepted is answered, once or more, and its reply is there to be fetched.
//
//   zmq_titanic_stress [seed] [requests]

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/process.hpp>
#include <greenroom/zmq_patterns/majordomo_broker.hpp>
#include <greenroom/zmq_patterns/majordomo_worker.hpp>
#include <greenroom/zmq_patterns/titanic.hpp>
#include <greenroom/zmq_patterns/titanic_client.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

int keep(char** arguments) {
  zmq::titanic titanic{{.clients = arguments[2],
                        .workers = arguments[3],
                        .folder = arguments[4],
                        .timeout = 500ms,
                        .pause = 20ms,
                        .heartbeat = 50ms}};
  titanic.run();
  return 0;
}

/// As seldom as a call may fail: the process is gone half of the time.
template <class Function>
auto insist(Function function) {
  for (;;)
    try {
      return function();
    } catch (const std::system_error& error) {
      if (error.code() != greenroom::errc::timed_out) throw;
    }
}

int test(unsigned seed, int requests) {
  std::mt19937 random{seed};
  std::string folder = fs::temp_directory_path() / "titanic-XXXXXX";
  if (!::mkdtemp(folder.data())) return 1;
  zmq::majordomo_broker broker{{.clients = "tcp://127.0.0.1:*",
                                .workers = "tcp://127.0.0.1:*",
                                .heartbeat = 50ms}};
  auto serving = spawn([&] { broker.run(); });
  std::map<std::string, int> served;
  zmq::majordomo_worker worker{{.broker = broker.workers_endpoint(),
                                .service = "count",
                                .heartbeat = 50ms,
                                .pause = 10ms},
                               [&](zmq::message&& request) {
                                 ++served[request.at(0).text()];
                                 return std::move(request);
                               }};
  auto working = spawn([&] { worker.run(); });
  int killed = 0;
  auto killing = spawn([&] {
    for (;; ++killed) {
      process titanic{"/proc/self/exe",
                      {"titanic", broker.clients_endpoint(),
                       broker.workers_endpoint(), folder}};
      sleep(std::chrono::milliseconds(30 + random() % 300));
      titanic.kill();
      titanic.wait();
    }
  });
  zmq::titanic_client client{{.endpoints = {broker.clients_endpoint()},
                              .timeout = 200ms,
                              .retries = 5}};
  std::vector<std::pair<std::string, std::string>> accepted;
  for (int i = 0; i < requests; ++i) {
    const std::string text = std::to_string(i);
    accepted.emplace_back(
        insist([&] { return client.request("count", {text}); }), text);
  }
  int lost = 0;
  for (const auto& request : accepted) {
    std::optional<zmq::message> reply;
    const deadline until{60s};
    while (!reply && deadline{now()} < until) {
      reply = insist([&] { return client.reply(request.first); });
      if (!reply) sleep(5ms);
    }
    const bool right = reply && reply->size() == 1 &&
                       (*reply)[0].text() == request.second &&
                       served[request.second] >= 1;
    if (!right) ++lost;
    insist([&] { return client.close(request.first), true; });
  }
  for (auto& each : {killing, working, serving})
    each->kill();
  fs::remove_all(folder);
  std::cout << accepted.size() << " requests accepted, " << lost
            << " lost; killed " << killed << " times\n";
  return lost == 0 ? 0 : 1;
}

} // namespace

int main(int count, char** arguments) {
  if (count == 5 && std::string(arguments[1]) == "titanic")
    return keep(arguments);
  const unsigned seed = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 7;
  return test(seed, count > 2 ? std::atoi(arguments[2]) : 300);
}
