// Teaches: a server is a function of one connection. It reads and writes as if
//          nobody else were there; each connection has its own greenlet.
// Run:     build/dev/bin/echo_server --port 5000, then `nc 127.0.0.1 5000`, any
//          number of times. Ctrl-C ends it.

#include <greenroom/hub/signal.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/net/stream_server.hpp>

#include <CLI/CLI.hpp>

#include <array>
#include <cstdio>
#include <exception>
#include <string_view>
#include <system_error>

using namespace greenroom;

/// Until the peer has no more to say, or is gone.
void echo(stream& peer) {
  std::array<char, 4096> buffer;
  std::error_code failed;
  while (const std::size_t bytes = peer.read_some(buffer, {}, failed)) {
    peer.write(std::string_view(buffer.data(), bytes), {}, failed);
    if (failed) return;
  }
}

void serve(const tcp_address& at) {
  signals_interrupt_main();
  stream_server server{at, echo};
  server.start();
  std::printf("listening on %s\n", server.local().text().c_str());
  std::fflush(stdout);
  try {
    server.serve_forever();
  } catch (const interrupted&) {
    // Ctrl-C or SIGTERM: it has stopped, and its connections are closed.
  }
}

int main(int argc, char** argv) try {
  CLI::App options{"Says everything twice."};
  tcp_address at{"127.0.0.1", 0};
  options.add_option("--host", at.host, "Address to listen on")
      ->capture_default_str();
  options.add_option("--port", at.port, "Port; 0 takes a free one")
      ->capture_default_str();
  CLI11_PARSE(options, argc, argv);
  serve(at);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "echo_server: %s\n", error.what());
  return 1;
}
