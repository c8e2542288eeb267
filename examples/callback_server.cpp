// Teaches: a whole HTTP server can be one callback, which sees the request,
//          adds headers and replies.
// Run:     build/dev/bin/callback_server --port 8088
//          curl -i http://127.0.0.1:8088/

#include <greenroom/http/server.hpp>
#include <greenroom/hub/signal.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

void callback(http::request& asked, http::response& answer) {
  std::printf("%s %s from %s\n", std::string(asked.method()).c_str(),
              std::string(asked.target()).c_str(), asked.peer().c_str());
  std::fflush(stdout);
  answer.add("Content-Type", "text/plain");
  if (asked.target() == "/")
    answer.send("Hello World!");
  else
    answer.status(404).send("Not Found");
}

int main(int argc, char** argv) {
  CLI::App options{"Calls a function for every request."};
  std::uint16_t port = 8088;
  options.add_option("--port", port, "where to listen; 0: a free port")
      ->capture_default_str();
  CLI11_PARSE(options, argc, argv);

  http::server server{{"127.0.0.1", port}, callback};
  server.start();
  std::printf("Serving on %d...\n", server.local().port);
  std::fflush(stdout);
  on_signal(SIGTERM, [&] { server.stop(1s); });
  server.serve_forever();
}
