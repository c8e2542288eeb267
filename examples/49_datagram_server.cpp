// Teaches: a server of datagrams answers whoever sent one.
// Run:     build/dev/bin/49_datagram_server
// Prints:  expected/49_datagram_server.txt
// Source   gevent's udp_server.py and udp_client.py.

#include <greenroom/io/udp.hpp>
#include <greenroom/net/datagram_server.hpp>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <variant>

using namespace greenroom;

int main() {
  datagram_server server{
      {"127.0.0.1", 0},
      [&](std::string_view data, const datagram_sender& from) {
        const std::string host = std::get<udp_endpoint>(from).address().host;
        std::printf("%s: got '%.*s'\n", host.c_str(),
                    static_cast<int>(data.size()), data.data());
        server.send_to("Received " + std::to_string(data.size()) + " bytes",
                       from);
      }};
  server.start();

  udp_socket client;
  client.connect(server.local());
  for (const char* message : {"hello", "a longer message"}) {
    client.send(message);
    std::array<char, 100> answer;
    const std::size_t bytes = client.receive(answer);
    std::printf("the server says '%.*s'\n", static_cast<int>(bytes),
                answer.data());
  }
}
