// Links greenroom::zmq, and libzmq through it.

#include <greenroom/zmq/socket.hpp>

int main() {
  using namespace greenroom;
  zmq::socket left{zmq::socket_type::pair};
  zmq::socket right{zmq::socket_type::pair};
  left.bind("inproc://consumer");
  right.connect("inproc://consumer");
  left.send("hello");
  return right.receive() == "hello" ? 0 : 1;
}
