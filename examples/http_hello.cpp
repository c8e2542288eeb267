// Teaches: the least HTTP server; what the benchmark measures.
// Run:     build/release/bin/http_hello --port 8000
//          curl -i http://127.0.0.1:8000/

#include <greenroom/http/server.hpp>
#include <greenroom/hub/signal.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>

using namespace greenroom;
using namespace std::chrono_literals;

int main(int argc, char** argv) {
  CLI::App options{"Says hello to every request."};
  std::uint16_t port = 8000;
  options.add_option("--port", port, "where to listen; 0: a free port")
      ->capture_default_str();
  CLI11_PARSE(options, argc, argv);

  http::server server{{"127.0.0.1", port},
                      [](http::request&, http::response& answer) {
                        answer.send("Hello, World!", "text/plain");
                      }};
  server.start();
  std::printf("http://%s/\n", server.local().text().c_str());
  std::fflush(stdout);
  on_signal(SIGTERM, [&] { server.stop(10s); });
  server.serve_forever();
}
