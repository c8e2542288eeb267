// Teaches: a response that has no end: each piece leaves when there is
//          something to tell, and the handler is an ordinary loop.
// Run:     build/dev/bin/51_long_polling
// Prints:  expected/51_long_polling.txt

#include <greenroom/http/client.hpp>
#include <greenroom/http/server.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

int main() {
  queue<std::string> news;
  const auto producer = spawn([&] {
    for (;;) {
      news.put("Hello World");
      sleep(1s);
    }
  });
  http::server server{{"127.0.0.1", 0},
                      [&](http::request&, http::response& answer) {
                        answer.set("Content-Type", "application/json");
                        for (;;)
                          answer.write('"' + news.get() + "\"\n");
                      }};
  server.start();

  http::client web;
  auto got = web.get("http://" + server.local().text() + "/");
  const auto began = now();
  std::array<char, 100> piece;
  for (int i = 0; i < 4; ++i) {
    const std::size_t bytes = got.read_some(piece);
    const auto after =
        std::chrono::duration_cast<std::chrono::seconds>(now() - began);
    std::printf("after %d s: %.*s", static_cast<int>(after.count()),
                static_cast<int>(bytes), piece.data());
  }
  producer.kill();
  server.stop(0s);
}
