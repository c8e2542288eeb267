#include "harness.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/inproc/pub_sub.hpp>
#include <greenroom/inproc/push_pull.hpp>
#include <greenroom/inproc/req_rep.hpp>

#ifdef GREENROOM_BENCH_ZMQ
#include <zmq.h>
#endif

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace bench {
namespace {

using namespace greenroom;

/// 16 bytes, as in the libzmq rows.
struct payload {
  std::int64_t number = 0;
  std::int64_t rest = 0;
};

std::string_view topic_of(const std::shared_ptr<const payload>&) {
  return "payload";
}

void expect(bool came) {
  if (!came) throw std::logic_error("a wrong message came");
}

figure inproc_push_pull(const setting& how) {
  return each_in_greenlet(how(30'000'000), [](long count) {
    inproc::push<payload> from;
    inproc::pull<payload> to;
    to.bind("inproc://bench");
    from.connect("inproc://bench");
    const auto sender = spawn([&] {
      for (long i = 0; i < count; ++i)
        from.send({i, 0});
    });
    for (long i = 0; i < count; ++i)
      expect(to.receive().number == i);
    sender.join();
  });
}

figure inproc_req_rep(const setting& how) {
  return each_in_greenlet(how(3'000'000), [](long count) {
    inproc::req<payload, payload> client;
    inproc::rep<payload, payload> server;
    server.bind("inproc://bench");
    client.connect("inproc://bench");
    const auto serving = spawn([&] {
      for (long i = 0; i < count; ++i)
        server.send(server.receive());
    });
    for (long i = 0; i < count; ++i) {
      client.send({i, 0});
      expect(client.receive().number == i);
    }
    serving.join();
  });
}

/// To three subscribers, each of which receives everything, shared.
figure inproc_pub_sub(const setting& how) {
  return each_in_greenlet(how(3'000'000), [](long count) {
    using message = std::shared_ptr<const payload>;
    inproc::pub<message> from;
    from.bind("inproc://bench");
    std::vector<greenlet<void>> readers;
    for (int i = 0; i < 3; ++i)
      readers.push_back(spawn([count] {
        inproc::sub<message> to;
        to.connect("inproc://bench");
        to.subscribe("pay");
        for (long j = 0; j < count; ++j)
          expect(to.receive()->number == 1);
      }));
    greenroom::yield();
    const auto shared = std::make_shared<const payload>(payload{1, 0});
    for (long i = 0; i < count; ++i)
      from.send(message(shared));
    for (const auto& each : readers)
      each.get();
  });
}

/// The copies and their queues alone.
figure three_deques(const setting& how) {
  return each_in_greenlet(how(3'000'000), [](long count) {
    constexpr long at_a_time = 1000;
    using message = std::shared_ptr<const payload>;
    std::array<std::deque<message>, 3> queues;
    const auto shared = std::make_shared<const payload>(payload{1, 0});
    for (long i = 0; i < count; ++i) {
      for (auto& each : queues)
        each.push_back(shared);
      if (i % at_a_time != at_a_time - 1) continue;
      for (auto& each : queues)
        for (; !each.empty(); each.pop_front())
          expect(each.front()->number == 1);
    }
  });
}

std::vector<yardstick> libzmq(work run) {
  if (!run) return {};
  return {{"libzmq inproc, two threads", run}};
}

#ifdef GREENROOM_BENCH_ZMQ

/// Two sockets of one context, the second for another thread. Wall time, as
/// there are two of them.
template <class Here, class There>
figure two_threads(int here, int there, long count, Here&& work,
                   There&& other) {
  void* const context = zmq_ctx_new();
  void* const bound = zmq_socket(context, here);
  void* const connected = zmq_socket(context, there);
  expect(zmq_bind(bound, "inproc://bench") == 0);
  expect(zmq_connect(connected, "inproc://bench") == 0);
  const auto begin = std::chrono::steady_clock::now();
  std::thread thread([&] { other(connected); });
  work(bound);
  thread.join();
  const std::chrono::duration<double, std::nano> time =
      std::chrono::steady_clock::now() - begin;
  zmq_close(bound);
  zmq_close(connected);
  zmq_ctx_term(context);
  return {time.count() / static_cast<double>(count)};
}

void pass_on(int (*call)(void*, payload&), void* socket, payload& message) {
  expect(call(socket, message) == static_cast<int>(sizeof message));
}
int send_one(void* socket, payload& message) {
  return zmq_send(socket, &message, sizeof message, 0);
}
int receive_one(void* socket, payload& message) {
  return zmq_recv(socket, &message, sizeof message, 0);
}

figure zmq_push_pull(const setting& how) {
  const long count = how(3'000'000);
  return two_threads(
      ZMQ_PULL, ZMQ_PUSH, count,
      [&](void* to) {
        payload got;
        for (long i = 0; i < count; ++i) {
          pass_on(&receive_one, to, got);
          expect(got.number == i);
        }
      },
      [&](void* from) {
        for (payload each; each.number < count; ++each.number)
          pass_on(&send_one, from, each);
      });
}

figure zmq_req_rep(const setting& how) {
  const long count = how(50'000);
  return two_threads(
      ZMQ_REP, ZMQ_REQ, count,
      [&](void* server) {
        payload each;
        for (long i = 0; i < count; ++i) {
          pass_on(&receive_one, server, each);
          pass_on(&send_one, server, each);
        }
      },
      [&](void* client) {
        for (payload each; each.number < count; ++each.number) {
          pass_on(&send_one, client, each);
          pass_on(&receive_one, client, each);
        }
      });
}

#else

constexpr work zmq_push_pull = nullptr;
constexpr work zmq_req_rep = nullptr;

#endif

} // namespace

std::vector<row> inproc_rows() {
  const auto push_pull = libzmq(zmq_push_pull);
  const auto req_rep = libzmq(zmq_req_rep);
  const goal tenth = push_pull.empty() ? goal{} : goal{goal_kind::ratio, 0.1};
  return {
      {"inproc_push_pull", "ns per message", tenth, &inproc_push_pull,
       push_pull},
      {"inproc_req_rep", "ns per round trip", tenth, &inproc_req_rep, req_rep},
      {"inproc_pub_sub",
       "ns per message to 3",
       {},
       &inproc_pub_sub,
       {{"three std::deque", &three_deques}}},
  };
}

} // namespace bench
