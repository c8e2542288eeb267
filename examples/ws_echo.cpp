// Teaches: the least WebSocket server, and the page that talks to it.
// Run:     build/release/bin/ws_echo --port 9000
//          and open http://127.0.0.1:9000/

#include <greenroom/http/router.hpp>
#include <greenroom/http/server.hpp>
#include <greenroom/hub/signal.hpp>
#include <greenroom/ws/socket.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>

using namespace greenroom;
using namespace std::chrono_literals;

constexpr const char* page = R"(<!doctype html>
<meta charset="utf-8"><title>echo</title>
<p>Status: <b id="status">Connecting</b></p>
<form><input autofocus><button>Send</button></form><pre></pre>
<script>
const socket = new WebSocket("ws://" + location.host + "/echo");
const status = text => document.querySelector("#status").textContent = text;
socket.onopen = () => status("Connected");
socket.onclose = () => status("Closed");
socket.onmessage = event =>
    document.querySelector("pre").append(event.data + "\n");
document.querySelector("form").onsubmit = event => {
  event.preventDefault();
  socket.send(document.querySelector("input").value);
};
</script>
)";

void echo(http::request& asked, http::response& answer) {
  ws::socket peer = ws::socket::accept(
      asked, answer, {.most_bytes = 64 * 1024 * 1024, .compress = true});
  while (const auto came = peer.receive()) {
    if (came->is_text)
      peer.send(came->data);
    else
      peer.send_bytes(came->data);
  }
}

int main(int argc, char** argv) {
  CLI::App options{"Sends every message back."};
  std::uint16_t port = 9000;
  options.add_option("--port", port, "where to listen; 0: a free port")
      ->capture_default_str();
  CLI11_PARSE(options, argc, argv);

  http::router routes;
  routes.get("/echo", echo);
  routes.get("/", [](http::request&, http::response& answer) {
    answer.send(page, "text/html; charset=utf-8");
  });
  http::server server{{"127.0.0.1", port}, routes};
  server.start();
  std::printf("http://%s/\n", server.local().text().c_str());
  std::fflush(stdout);
  on_signal(SIGTERM, [&] { server.stop(1s); });
  server.serve_forever();
}
