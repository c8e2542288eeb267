// Teaches: a WebSocket is a loop that sends, and one that receives; here they
//          are two greenlets on the same socket.
// Run:     build/dev/bin/52_websocket
// Prints:  expected/52_websocket.txt

#include <greenroom/http/router.hpp>
#include <greenroom/http/server.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/ws/socket.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

/// Points for a page to plot, until the peer says that it has enough.
void points(http::request& asked, http::response& answer) {
  ws::socket peer = ws::socket::accept(asked, answer);
  const auto plotter = spawn([&] {
    for (int x = 0;; ++x) {
      peer.send("{\"x\": " + std::to_string(x) +
                ", \"y\": " + std::to_string(x * 3 % 5 + 1) + "}");
      sleep(500ms);
    }
  });
  while (const auto said = peer.receive())
    std::printf("the page said: %s\n", said->data.c_str());
  std::printf("the page has closed: %d\n", peer.peer_close_code());
  plotter.kill();
}

int main() {
  http::server server{{"127.0.0.1", 0}, http::router().get("/data", points)};
  server.start();
  auto page = ws::socket::connect("ws://" + server.local().text() + "/data");
  for (int i = 0; i < 4; ++i)
    std::printf("%s\n", page.receive()->data.c_str());
  page.send("enough");
  page.close();
  server.stop();
}
