// Teaches: forwarding connections, one greenlet for each direction, and an end
//          in good order: at the first SIGTERM or Ctrl-C it accepts no more and
//          lets connections finish, for 30 s; at the second it cuts them off.
// Run:     build/dev/bin/port_forwarder :8080 example.org:80
// Source   gevent's portforwarder.py, with half-closed connections done right.

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/hub/signal.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/net/stream_server.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;

/// Until the end of `from`, which is passed on; or until either side fails,
/// and then neither can be told but by closing both.
void forward(stream& from, stream& to) {
  std::error_code failed;
  copy(from, to, {}, failed);
  if (!failed) return to.shutdown_write();
  from.reset();
  to.reset();
}

void serve(const std::string& at, const tcp_address& target) {
  stream_server server{at, [&](stream& client) {
                         auto site = tcp_socket::connect(target, 10s);
                         nursery([&](nursery_scope& both) {
                           both.spawn([&] { forward(client, site); });
                           both.spawn([&] { forward(site, client); });
                         });
                       }};
  server.start();
  std::printf("listening on %s\n", server.local_name().c_str());
  std::fflush(stdout);
  int signals = 0;
  const auto stop = [&] { server.stop(++signals == 1 ? 30s : 0s); };
  on_signal(SIGINT, stop);
  on_signal(SIGTERM, stop);
  server.serve_forever();
}

int main(int argc, char** argv) try {
  CLI::App options{"Forwards connections to another address."};
  std::string at;
  std::string target;
  options.add_option("LISTEN", at, "Where to listen: [HOST]:PORT or unix:PATH")
      ->required();
  options.add_option("TARGET", target, "Where to: HOST:PORT")->required();
  CLI11_PARSE(options, argc, argv);
  serve(at, tcp_address::parse(target));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "port_forwarder: %s\n", error.what());
  return 1;
}
