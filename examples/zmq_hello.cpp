// Teaches: two ZeroMQ sockets that talk over TCP in one thread; each call that
// would block lets the other greenlet go on. The gevent tutorial's program.
// Run:     build/dev/bin/zmq_hello
// Prints:  Switched to Server for 1, Switched to Client for 1, ... 9.

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/zmq/socket.hpp>

#include <iostream>
#include <string>

using namespace greenroom;

namespace {

void server(zmq::socket& requests) {
  for (int request = 1; request < 10; ++request) {
    requests.send("Hello");
    std::cout << "Switched to Server for " << request << '\n';
    requests.receive(); // the other runs meanwhile
  }
}

void client(const std::string& at) {
  zmq::socket replies{zmq::socket_type::rep};
  replies.connect(at);
  for (int request = 1; request < 10; ++request) {
    replies.receive();
    std::cout << "Switched to Client for " << request << '\n';
    replies.send("World");
  }
}

} // namespace

int main() {
  zmq::socket requests{zmq::socket_type::req};
  requests.bind("tcp://127.0.0.1:*"); // the tutorial's is 5000
  auto publisher = spawn([&] { server(requests); });
  auto reader = spawn([&] { client(requests.last_endpoint()); });
  publisher.join();
  reader.join();
}
