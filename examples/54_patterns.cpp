// Teaches  ZeroMQ's patterns inside one process, and the one line that takes
//          them to the wire. (It is built twice: 54_patterns_wire is over
//          libzmq and TCP, from the same code.)
// Run      build/dev/bin/54_patterns
// Prints   examples/expected/54_patterns.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/inproc/pattern.hpp>
#include <greenroom/inproc/pub_sub.hpp>
#include <greenroom/inproc/push_pull.hpp>
#include <greenroom/inproc/req_rep.hpp>

#ifdef GREENROOM_EXAMPLE_WIRE
#include <greenroom/zmq/socket.hpp>
#endif

#include <iostream>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

struct in_process {
  using text = std::string;
  using push = inproc::push<text>;
  using pull = inproc::pull<text>;
  using pub = inproc::pub<text>;
  using sub = inproc::sub<text>;
  using req = inproc::req<text, text>;
  using rep = inproc::rep<text, text>;
  static std::string endpoint(const char* name) {
    return std::string("inproc://") + name;
  }
};

#ifdef GREENROOM_EXAMPLE_WIRE
template <zmq::socket_type Kind>
struct wire_socket : zmq::socket {
  wire_socket() : zmq::socket(Kind) {}
};

struct wire {
  using text = zmq::frame;
  using push = wire_socket<zmq::socket_type::push>;
  using pull = wire_socket<zmq::socket_type::pull>;
  using pub = wire_socket<zmq::socket_type::pub>;
  using sub = wire_socket<zmq::socket_type::sub>;
  using req = wire_socket<zmq::socket_type::req>;
  using rep = wire_socket<zmq::socket_type::rep>;
  static std::string endpoint(const char*) { return "tcp://127.0.0.1:*"; }
};
using transport = wire; // this line
#else
using transport = in_process; // or this one
#endif

using text = transport::text;
static_assert(inproc::sends<transport::push, text>);
static_assert(inproc::subscribes<transport::sub, text>);

std::string plain(const text& from) {
  return {from.data(), from.size()};
}

/// A job for each worker in turn, and what they made of it.
void jobs_and_results() {
  transport::push jobs;
  transport::pull results;
  jobs.bind(transport::endpoint("jobs"));
  results.bind(transport::endpoint("results"));
  auto worker = spawn([&] {
    transport::pull mine;
    transport::push done;
    mine.connect(jobs.last_endpoint());
    done.connect(results.last_endpoint());
    for (int i = 0; i < 3; ++i)
      done.send(plain(mine.receive(5s)) + ", done");
  });
  for (const char* job : {"sweep", "paint", "lights"})
    jobs.send(job, 5s);
  for (int i = 0; i < 3; ++i)
    std::cout << plain(results.receive(5s)) << "\n";
  worker.join();
}

template <inproc::receives<text> Server>
void answer(Server& server) {
  static_assert(inproc::sends<Server, text>);
  for (int i = 0; i < 2; ++i)
    server.send("hello, " + plain(server.receive(5s)));
}

void questions() {
  transport::rep server;
  server.bind(transport::endpoint("greetings"));
  auto serving = spawn([&] { answer(server); });
  transport::req client;
  client.connect(server.last_endpoint());
  for (const char* name : {"Ophelia", "Yorick"}) {
    client.send(name, 5s);
    std::cout << plain(client.receive(5s)) << "\n";
  }
  serving.join();
}

void news() {
  transport::pub stage;
  transport::sub cues;
  stage.bind(transport::endpoint("cues"));
  cues.connect(stage.last_endpoint());
  cues.subscribe("light");
  // Over the wire a subscription takes a while to arrive.
  while (!cues.try_receive()) {
    stage.send("light: test");
    sleep(1ms);
  }
  stage.send("sound: thunder");
  stage.send("light: blackout");
  std::string cue = "light: test";
  while (cue == "light: test")
    cue = plain(cues.receive(5s));
  std::cout << cue << "\n";
}

} // namespace

int main() {
  jobs_and_results();
  questions();
  news();
}
