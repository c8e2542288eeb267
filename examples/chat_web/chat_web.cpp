// Teaches: a web application. What is shared is an actor, under a supervisor;
//          each connection is a greenlet with straight-line code.
//
//            routes.cpp          what can be asked, in HTTP
//            socket_session.cpp  one page, by WebSocket
//            room.cpp            actor: the last messages, and who is here
//            user.cpp            actor: somebody with a name, and all pages
//                                that he or she has open
//            house.cpp           actor: all names
//            outbox.cpp          what a page has not been sent yet
//            page/               what the browser gets; part of the program
//
// Run:     build/dev/bin/chat_web --port 5000, and open the URL that it prints
//          in as many browsers as you like. Ctrl-C ends it.
//
// A page that does not read never holds up the others: its outbox drops the
// oldest of 1,000 events. A page that loses its connection comes back by itself
// and asks for what it has missed; messages have numbers, so none is lost while
// the room keeps it, and none is shown twice. Where WebSockets do not get
// through, pages poll.

#include "house.hpp"
#include "routes.hpp"
#include "settings.hpp"

#include <greenroom/actors/supervisor.hpp>
#include <greenroom/http/server.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/signal.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <CLI/CLI.hpp>

#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <limits>

using namespace greenroom;
using namespace std::chrono_literals;

namespace chat_web {
namespace {

constexpr auto closing_time = 3s; // for everybody to hear the goodbye

/// One descriptor per page: as many as we may have.
void raise_limit_of_open_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// A user that fails is forgotten, and its pages come back to a new one; a
/// room that fails begins anew. Without the house nobody finds anybody.
house_ref add_house(supervisor& tree, const settings& chosen) {
  supervisor_options rooms{.max_restarts = 100};
  rooms.children.restart = transient;
  supervisor_options users;
  users.children.restart = temporary;
  return tree.add<house>(
      "house", permanent,
      tree.add_supervisor("rooms", permanent, dynamic, rooms),
      tree.add_supervisor("users", permanent, dynamic, users), chosen);
}

void run(const tcp_address& at, const settings& chosen) {
  async_result<int> signal;
  for (const int number : {SIGINT, SIGTERM})
    on_signal(number, [=]() mutable { signal.set(number); });

  supervisor tree{one_for_all};
  const house_ref house = add_house(tree, chosen);
  tree.start();
  http::server server{{at.host, at.port}, make_routes(house, chosen)};
  server.start();
  std::printf("listening on http://%s/\n", server.local().text().c_str());
  std::fflush(stdout);

  signal.get();
  house.send(close_house{});
  server.stop(closing_time);
  tree.stop();
}

} // namespace
} // namespace chat_web

int main(int argc, char** argv) try {
  CLI::App options{"A chat for everybody with a browser."};
  tcp_address at{"127.0.0.1", 0};
  chat_web::settings chosen;
  double poll_time = 10;
  double grace = 5;
  options.add_option("--host", at.host, "Address to listen on")
      ->capture_default_str();
  options.add_option("--port", at.port, "Port; 0 takes a free one")
      ->capture_default_str();
  options.add_option("--poll-time", poll_time, "Seconds that a poll waits")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  options
      .add_option("--grace", grace,
                  "Seconds until one without a connection has left")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  options
      .add_option("--rate", chosen.rate,
                  "Messages a second that one may say; 0: no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  CLI11_PARSE(options, argc, argv);
  using seconds = std::chrono::duration<double>;
  using std::chrono::milliseconds;
  chosen.poll_time =
      std::chrono::duration_cast<milliseconds>(seconds(poll_time));
  chosen.grace = std::chrono::duration_cast<milliseconds>(seconds(grace));
  chat_web::raise_limit_of_open_files();
  chat_web::run(at, chosen);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "chat_web: %s\n", error.what());
  return 1;
}
