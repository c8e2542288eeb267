// Puts many people on a chat server, lets them talk, and checks that everybody
// heard everything, once and in order. Its exit status tells.
//
//   chat_load --server build/release/bin/chat_server
//   chat_load --connect 127.0.0.1:5000 --clients 100 --rooms 5
//   chat_load --web --server build/release/bin/chat_web
//
// One greenlet is one client.

#include "client.hpp"
#include "server_process.hpp"
#include "tally.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/hub/signal.hpp>

#include <CLI/CLI.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using greenroom::tcp_address;
using std::chrono::steady_clock;

namespace chat_load {
namespace {

constexpr auto closing_time = 10s;       // for the server to end
constexpr std::size_t other_files = 50;  // descriptors beside the clients'
constexpr std::size_t failures_told = 5; // the others are only counted

struct options {
  plan talk;
  std::string server;  // the program
  std::string connect; // or the address
  bool web = false;    // it is chat_web
};

std::string grouped(std::size_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t place = digits.size(); place > 3;)
    digits.insert(place -= 3, 1, ',');
  return digits;
}

tcp_address parsed(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  tcp_address made;
  if (colon != address.npos) {
    made.host = address.substr(0, colon);
    std::from_chars(address.data() + colon + 1, address.data() + address.size(),
                    made.port);
  }
  if (made.port == 0) throw std::runtime_error("not HOST:PORT: " + address);
  return made;
}

/// The server inherits it.
void raise_limit_of_open_files(std::size_t clients) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < clients + other_files)
    throw std::runtime_error(
        grouped(clients) + " clients need " + grouped(clients + other_files) +
        " open files, the limit is " + grouped(limit.rlim_max) +
        ": raise it (ulimit -Hn) or take fewer --clients");
}

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

/// Once a second; on a terminal always the same line.
void show_progress(const run& going) {
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  const std::size_t all = going.talk.deliveries();
  std::size_t before = 0;
  for (;;) {
    greenroom::sleep(1s);
    const std::size_t now = going.counts.delivered;
    if (going.all_in.is_open())
      std::printf("%sdelivered %s of %s (%zu %%), %s a second%s",
                  terminal ? "\r\x1b[K" : "", grouped(now).c_str(),
                  grouped(all).c_str(), all ? now * 100 / all : 100,
                  grouped(now - before).c_str(), terminal ? "" : "\n");
    else
      std::printf("%sconnected %zu of %zu%s", terminal ? "\r\x1b[K" : "",
                  going.counts.connected, going.talk.clients,
                  terminal ? "" : "\n");
    std::fflush(stdout);
    before = now;
  }
}

/// How many heard their room in another order than its first person did.
std::size_t different_orders(const run& done) {
  std::size_t different = 0;
  for (std::size_t client = 0; client < done.talk.clients; ++client)
    if (done.orders[client] != done.orders[done.talk.room_of(client)])
      ++different;
  return different;
}

struct times {
  double entering = 0; // seconds
  double talking = 0;
};

/// Everybody enters, talks, and hears the goodbye. How the server ended.
std::string let_talk(run& going, server_process* server, times& took) {
  std::string ending;
  greenroom::nursery([&](greenroom::nursery_scope& children) {
    const auto begin = steady_clock::now();
    const auto progress = children.spawn([&] { show_progress(going); });
    std::vector<greenroom::any_greenlet> clients;
    for (std::size_t number = 0; number < going.talk.clients; ++number)
      clients.push_back(children.spawn([&going, number] {
        client{going, number}.live();
      }));
    going.all_in.wait();
    took.entering = seconds_since(begin);
    going.all_done.wait();
    took.talking = seconds_since(begin) - took.entering;
    progress.kill();
    if (isatty(STDOUT_FILENO)) std::printf("\r\x1b[K");
    if (server) ending = server->end(closing_time);
    greenroom::joinall(clients);
  });
  return ending;
}

void summarise(run& done, const times& took) {
  tally& counts = done.counts;
  const auto row = [](const char* what, const std::string& value) {
    std::printf("%-22s %s\n", what, value.c_str());
  };
  const auto rate =
      static_cast<double>(counts.delivered) / std::max(took.talking, 1e-9);
  row("clients", grouped(done.talk.clients));
  row("rooms", grouped(done.talk.rooms));
  row("messages sent", grouped(counts.sent));
  row("messages delivered", grouped(counts.delivered));
  row("expected deliveries", grouped(done.talk.deliveries()));
  std::printf("%-22s connect %.1f s, talk %.1f s, %s deliveries a second\n",
              "time", took.entering, took.talking,
              grouped(static_cast<std::size_t>(rate)).c_str());
  std::printf("%-22s p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, max %.1f ms\n",
              "latency", counts.percentile_ms(0.5), counts.percentile_ms(0.9),
              counts.percentile_ms(0.99), counts.percentile_ms(1));
  row("lost", grouped(done.talk.deliveries() - counts.delivered));
  row("duplicates", grouped(counts.duplicates));
  row("out of order", grouped(counts.disordered + different_orders(done)));
  row("goodbyes heard", grouped(counts.goodbyes));
}

void tell_failures(const tally& counts) {
  const std::size_t told = std::min(counts.failures.size(), failures_told);
  for (std::size_t each = 0; each < told; ++each)
    std::fprintf(stderr, "%s\n", counts.failures[each].c_str());
  if (counts.failures.size() > told)
    std::fprintf(stderr, "and %zu other failures\n",
                 counts.failures.size() - told);
}

bool all_well(const run& done) {
  const tally& counts = done.counts;
  return counts.failures.empty() && counts.duplicates == 0 &&
         counts.disordered == 0 && different_orders(done) == 0 &&
         counts.delivered == done.talk.deliveries() &&
         counts.goodbyes == done.talk.clients;
}

bool put_on_load(const options& chosen) {
  greenroom::signals_interrupt_main();
  raise_limit_of_open_files(chosen.talk.clients);
  std::optional<server_process> server;
  const std::vector<std::string> fast{"--rate", "0"};
  if (chosen.connect.empty())
    server.emplace(chosen.server,
                   chosen.web ? fast : std::vector<std::string>{});
  run going{chosen.talk, server ? server->address() : parsed(chosen.connect)};
  going.quits = !server;
  if (chosen.web) {
    going.connect = &connect_page;
    std::printf("%-22s http://%s/\n", "chat", going.server.text().c_str());
  }
  times took;
  const std::string ending = let_talk(going, server ? &*server : nullptr, took);
  summarise(going, took);
  if (server)
    std::printf("%-22s %s; %ld MB at most, %.1f s of CPU time\n", "server",
                ending.c_str(), server->usage().ru_maxrss / 1024,
                static_cast<double>(server->usage().ru_utime.tv_sec +
                                    server->usage().ru_stime.tv_sec) +
                    static_cast<double>(server->usage().ru_utime.tv_usec +
                                        server->usage().ru_stime.tv_usec) /
                        1e6);
  tell_failures(going.counts);
  return all_well(going) && (!server || ending == "status 0");
}

} // namespace
} // namespace chat_load

int main(int argc, char** argv) try {
  CLI::App app{"Puts a load on a chat server and checks what comes back."};
  chat_load::options chosen;
  auto* server = app.add_option("--server", chosen.server,
                                "Chat server to start, load and end");
  auto* connect =
      app.add_option("--connect", chosen.connect, "HOST:PORT of one that runs");
  server->excludes(connect);
  app.add_flag("--web", chosen.web, "It is chat_web, not chat_server");
  app.add_option("--clients", chosen.talk.clients)
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--rooms", chosen.talk.rooms)
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--messages", chosen.talk.messages, "Of each client")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (chosen.server.empty() && chosen.connect.empty())
    throw std::runtime_error("--server or --connect, please");
  if (chosen.talk.rooms > chosen.talk.clients)
    throw std::runtime_error("more --rooms than --clients");
  const bool well = chat_load::put_on_load(chosen);
  std::puts(well ? "all well" : "NOT all well");
  return well ? 0 : 1;
} catch (const greenroom::interrupted&) {
  std::fputs("\nchat_load: interrupted\n", stderr);
  return 130;
} catch (const std::exception& error) {
  std::fprintf(stderr, "chat_load: %s\n", error.what());
  return 1;
}
