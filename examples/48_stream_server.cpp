// Teaches: a server at a port, and one at a path: a function of one stream,
//          whichever it is. An end in good order: who is idle is told, who is
//          not may finish.
// Run:     build/dev/bin/48_stream_server
// Prints:  expected/48_stream_server.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/io/unix.hpp>
#include <greenroom/net/stream_server.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <stop_token>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

/// The tutorial's server.
void count(stream& peer) {
  peer.write("Hello from a telnet!\n");
  for (int i = 0; i < 5; ++i)
    peer.write(std::to_string(i) + "\n");
}

/// What the server says, to its end.
void show(stream& server) {
  buffered_reader lines{server};
  while (const auto line = lines.read_line())
    std::printf("%s\n", line->c_str());
}

void at_a_port() {
  stream_server server{"127.0.0.1:0", count};
  server.start();
  tcp_socket client = tcp_socket::connect(server.local());
  show(client);
}

/// With `{.secure = tls_acceptor(context)}` it would speak TLS.
void at_a_path() {
  const unix_address path{"/tmp/greenroom-example-" +
                          std::to_string(::getpid())};
  stream_server* running = nullptr;
  stream_server server{path, [&](stream& peer) {
                         const std::stop_callback idle{
                             running->stopping(),
                             [&] { peer.shutdown_read(); }};
                         copy(peer, peer); // until there is no more to read
                         peer.write("the server stops\n");
                       }};
  running = &server;
  server.start();
  unix_socket client = unix_socket::connect(path);
  const auto reader = spawn([&] { show(client); });
  client.write("an echo\n");
  sleep(1s);
  server.stop(1h); // would wait that long for who is not told
  reader.join();
}

int main() {
  at_a_port();
  at_a_path();
}
