// A server that is destroyed while it is started: a mistake that ends the
// program, and names the server.

#include <greenroom/net/stream_server.hpp>

int main() {
  greenroom::stream_server server{{"127.0.0.1", 0},
                                  [](greenroom::tcp_socket&) {}};
  server.start();
}
