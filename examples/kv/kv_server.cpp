// Teaches: what is shared is owned by an actor, and what many ask of it at once
//          is asked in one message.
//
//            connection.cpp      reads one client's commands and answers them
//            command_reader.cpp  finds the commands in what it sends
//            rules.cpp           which commands there are
//            batch.cpp           the commands that stores are asked at once
//            store.cpp           actor: owns its part of the keys
//            switchboard.cpp     actor: who listens to which channel
//            outbox.cpp          what a subscriber has not been sent yet
//
// Run:     build/dev/bin/kv_server --port 6379, and `redis-cli`, or
//          `redis-benchmark -t set,get -P 16`. Ctrl-C ends it.
//
// It speaks Redis's protocol (RESP2), with its answers and errors. The keys are
// shared out among stores by their hashes, and nothing is kept on a disk. A
// command has at most 64 MiB. A client that does not read its answers
// gets no more of them; a subscriber is cut off when it is 8 MiB behind.

#include "connection.hpp"

#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/signal.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/net/stream_server.hpp>

#include <CLI/CLI.hpp>

#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

namespace kv {
namespace {

constexpr auto closing_time = 200ms; // for commands that have come

/// One descriptor a client: as many as we may have.
void raise_limit_of_open_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void run(const tcp_address& at, std::size_t stores) {
  async_result<int> signal;
  for (const int number : {SIGINT, SIGTERM})
    on_signal(number, [=]() mutable { signal.set(number); });

  service house;
  supervisor tree{one_for_one}; // a store that fails is made anew, empty
  for (std::size_t i = 0; i < stores; ++i)
    house.stores.push_back(
        tree.add<store>("store " + std::to_string(i), permanent, i));
  house.channels = tree.add<switchboard>("switchboard", permanent);
  tree.start();

  stream_server server{at, [&](stream& peer) {
                         connection{peer, house}.run();
                       }};
  server.start();
  std::printf("listening on %s\n", server.local().text().c_str());
  std::fflush(stdout);

  signal.get();
  server.stop(closing_time);
  tree.stop();
}

} // namespace
} // namespace kv

int main(int argc, char** argv) try {
  CLI::App options{"Keys and values for everybody with redis-cli."};
  tcp_address at{"127.0.0.1", 0};
  std::size_t stores = 4;
  options.add_option("--host", at.host, "Address to listen on")
      ->capture_default_str();
  options.add_option("--port", at.port, "Port; 0 takes a free one")
      ->capture_default_str();
  options.add_option("--stores", stores, "Actors that share the keys")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  CLI11_PARSE(options, argc, argv);
  kv::raise_limit_of_open_files();
  kv::run(at, stores);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "kv_server: %s\n", error.what());
  return 1;
}
