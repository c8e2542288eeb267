// ZeroMQ, beside libzmq used as its manual does. Wall time: there are several
// threads, one of them libzmq's.

#include "harness.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/socket.hpp>

#include <zmq.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>

namespace bench {
namespace {

using namespace greenroom;

constexpr std::string_view payload = "sixteen bytes...";
const std::string over_inproc = "inproc://bench";
const std::string over_tcp = "tcp://127.0.0.1:*";

constexpr long pushed = 2'000'000;
constexpr long asked = 20'000;

void check(bool well) {
  if (!well) throw std::runtime_error(zmq_strerror(zmq_errno()));
}

// --- ours -------------------------------------------------------------------

/// Each end in a hub of its own, on a thread of its own.
figure push_ours(const setting& how, const std::string& endpoint) {
  const long count = how(pushed);
  const zmq::context own;
  zmq::socket to{own, zmq::socket_type::pull};
  to.bind(endpoint);
  const std::string at = to.last_endpoint();
  std::thread sender;
  const figure done = wall_of(count, [&] {
    sender = std::thread([&] {
      zmq::socket from{own, zmq::socket_type::push};
      from.connect(at);
      spawn([&] {
        for (long i = 0; i < count; ++i)
          from.send(payload);
      }).join();
    });
    spawn([&] {
      for (long i = 0; i < count; ++i)
        keep(to.receive().size());
    }).join();
  });
  sender.join();
  return done;
}

/// Both ends in one hub.
figure ask_ours(const setting& how, const std::string& endpoint) {
  const long count = how(asked);
  const zmq::context own;
  zmq::socket server{own, zmq::socket_type::rep};
  zmq::socket client{own, zmq::socket_type::req};
  server.bind(endpoint);
  client.connect(server.last_endpoint());
  auto answers = spawn([&] {
    for (;;)
      server.send(server.receive());
  });
  return spawn([&] {
           const figure done = wall_of(count, [&] {
             for (long i = 0; i < count; ++i) {
               client.send(payload);
               keep(client.receive().size());
             }
           });
           answers.kill();
           return done;
         })
      .get();
}

// --- libzmq -----------------------------------------------------------------

/// Closed and ended in order.
struct plain {
  plain(void* context, int kind) : socket(zmq_socket(context, kind)) {
    check(socket);
  }
  plain(const plain&) = delete;
  plain& operator=(const plain&) = delete;
  ~plain() { zmq_close(socket); }

  void send() {
    check(zmq_send(socket, payload.data(), payload.size(), 0) >= 0);
  }
  void receive() {
    std::array<char, 64> bytes;
    check(zmq_recv(socket, bytes.data(), bytes.size(), 0) >= 0);
  }
  std::string bind(const std::string& endpoint) {
    check(zmq_bind(socket, endpoint.c_str()) == 0);
    std::array<char, 256> found;
    std::size_t size = found.size();
    check(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, found.data(), &size) == 0);
    return found.data();
  }
  void connect(const std::string& at) {
    check(zmq_connect(socket, at.c_str()) == 0);
  }

  void* socket;
};

struct plain_context {
  plain_context() : handle(zmq_ctx_new()) {}
  plain_context(const plain_context&) = delete;
  plain_context& operator=(const plain_context&) = delete;
  ~plain_context() { zmq_ctx_term(handle); }
  void* handle;
};

figure push_threads(const setting& how, const std::string& endpoint) {
  const long count = how(pushed);
  const plain_context own;
  plain to{own.handle, ZMQ_PULL};
  const std::string at = to.bind(endpoint);
  std::thread sender;
  const figure done = wall_of(count, [&] {
    sender = std::thread([&] {
      plain from{own.handle, ZMQ_PUSH};
      from.connect(at);
      for (long i = 0; i < count; ++i)
        from.send();
    });
    for (long i = 0; i < count; ++i)
      to.receive();
  });
  sender.join();
  return done;
}

figure ask_threads(const setting& how, const std::string& endpoint) {
  const long count = how(asked);
  const plain_context own;
  plain client{own.handle, ZMQ_REQ};
  std::promise<std::string> bound;
  std::thread answers([&] {
    plain server{own.handle, ZMQ_REP};
    bound.set_value(server.bind(endpoint));
    for (long i = 0; i < count; ++i) {
      server.receive();
      server.send();
    }
  });
  client.connect(bound.get_future().get());
  const figure done = wall_of(count, [&] {
    for (long i = 0; i < count; ++i) {
      client.send();
      client.receive();
    }
  });
  answers.join();
  return done;
}

/// One thread, which serves whichever end zmq_poll names.
figure ask_polled(const setting& how, const std::string& endpoint) {
  const long count = how(asked);
  const plain_context own;
  plain server{own.handle, ZMQ_REP};
  plain client{own.handle, ZMQ_REQ};
  client.connect(server.bind(endpoint));
  std::array<zmq_pollitem_t, 2> both{
      {{server.socket, 0, ZMQ_POLLIN, 0}, {client.socket, 0, ZMQ_POLLIN, 0}}};
  return wall_of(count, [&] {
    client.send();
    for (long i = 0; i < count;) {
      check(zmq_poll(both.data(), 2, -1) >= 0);
      if (both[0].revents) {
        server.receive();
        server.send();
      }
      if (both[1].revents) {
        client.receive();
        if (++i < count) client.send();
      }
    }
  });
}

// --- zmq.green --------------------------------------------------------------

/// zmq_green.py prints its nanoseconds.
figure green(const setting& how, const std::string& what, long count) {
  const std::string command = std::string("/usr/bin/python3 ") +
                              GREENROOM_BENCH_ZMQ_GREEN + " " + what + " " +
                              std::to_string(how(count));
  std::FILE* const out = popen(command.c_str(), "r");
  double value = 0;
  const bool told = out && std::fscanf(out, "%lf", &value) == 1;
  if (!out || pclose(out) != 0 || !told)
    throw std::runtime_error("zmq_green.py failed");
  return {value, 1e9 / value};
}

bool green_is_there() {
  return std::system("/usr/bin/python3 -c 'import zmq.green' 2>/dev/null") == 0;
}

constexpr const char* unit = "ns/message";
constexpr const char* round = "ns/round trip";
const goal as_libzmq{goal_kind::ratio, 1 / 0.9};
const goal as_polled{goal_kind::ratio, 1.0};
const char* const threads = "libzmq, blocking threads";
const char* const polled = "libzmq, one thread, zmq_poll";

std::vector<row> without_green() {
  return {
      {"zmq_push_inproc",
       unit,
       as_libzmq,
       [](const setting& how) { return push_ours(how, over_inproc); },
       {{threads,
         [](const setting& how) { return push_threads(how, over_inproc); }}}},
      {"zmq_push_tcp",
       unit,
       as_libzmq,
       [](const setting& how) { return push_ours(how, over_tcp); },
       {{threads,
         [](const setting& how) { return push_threads(how, over_tcp); }}}},
      {"zmq_req_inproc",
       round,
       as_polled,
       [](const setting& how) { return ask_ours(how, over_inproc); },
       {{polled,
         [](const setting& how) { return ask_polled(how, over_inproc); }},
        {threads,
         [](const setting& how) { return ask_threads(how, over_inproc); }}}},
      {"zmq_req_tcp",
       round,
       as_polled,
       [](const setting& how) { return ask_ours(how, over_tcp); },
       {{polled, [](const setting& how) { return ask_polled(how, over_tcp); }},
        {threads,
         [](const setting& how) { return ask_threads(how, over_tcp); }}}}};
}

} // namespace

std::vector<row> zmq_rows() {
  auto all = without_green();
  if (!green_is_there()) {
    std::fprintf(stderr, "bench: no zmq.green (python3-zmq, python3-gevent): "
                         "its lines are left out\n");
    return all;
  }
  const char* const name = "zmq.green";
  all[0].beside.push_back({name, [](const setting& how) {
                             return green(how, "push inproc", pushed / 20);
                           }});
  all[1].beside.push_back({name, [](const setting& how) {
                             return green(how, "push tcp", pushed / 20);
                           }});
  all[2].beside.push_back({name, [](const setting& how) {
                             return green(how, "req inproc", asked / 4);
                           }});
  all[3].beside.push_back({name, [](const setting& how) {
                             return green(how, "req tcp", asked / 4);
                           }});
  return all;
}

} // namespace bench
