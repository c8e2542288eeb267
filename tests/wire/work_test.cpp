#include "wire/support.hpp"

#include <greenroom/actors/actor_pool.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/wire/work.hpp>

#include <string>
#include <variant>
#include <vector>

using namespace greenroom;
using namespace test;

namespace {

struct job {
  int number = 0;
};

struct bench {
  event open;
  std::vector<int> done;
};

class worker : public actor<job> {
public:
  explicit worker(bench* at) : at_(at) {}

private:
  void receive(job one) override {
    at_->open.wait();
    at_->done.push_back(one.number);
  }
  bench* at_;
};

using jobs_out = wire::typed_socket<std::variant<job>>;

/// Over inproc, where the high-water marks of both ends count exactly.
struct wired_work {
  wired_work()
      : in(make_socket(context, socket_type::pull)),
        out(make_socket(context, socket_type::push)) {
    in.set_receive_limit(1);
    out.raw().set_send_limit(1);
    in.bind("inproc://jobs");
    out.connect("inproc://jobs");
  }
  int push_all() {
    int pushed = 0;
    while (out.try_send(job{pushed}) || (sleep(1ms), out.try_send(job{pushed})))
      ++pushed;
    return pushed;
  }

  zmq::context context;
  zmq::socket in;
  jobs_out out;
};

} // namespace

TEST_SUITE_BEGIN("wire");

TEST_CASE("a pool that is full pulls no more, and loses nothing") {
  in_real_hub([] {
    bench at;
    wired_work wired;
    actor_pool<worker> pool{{.least = 2, .capacity = 3}, &at};
    auto puller =
        spawn([&] { wire::pull_work<job>(wired.in, pool.reference()); });
    yield();
    const int pushed = wired.push_all();
    CHECK(pushed >= 6);  // two in work, three wait, one in hand
    CHECK(pushed <= 10); // and what the socket holds
    at.open.set();
    for (int more = 0; more < 20; ++more)
      wired.out.send(job{pushed + more}, 10s);
    while (at.done.size() < static_cast<std::size_t>(pushed) + 20)
      sleep(1ms);
    for (int i = 0; i < pushed + 20; ++i)
      CHECK(at.done.at(static_cast<std::size_t>(i)) == i);
    wired.in.close();
    CHECK(puller.join(10s));
    CHECK(puller.successful());
    pool.stop();
  });
}

TEST_CASE("a bad body is told, and the next one done") {
  in_real_hub([] {
    bench at;
    at.open.set();
    wired_work wired;
    const auto one = spawn<worker>(&at);
    std::string told;
    auto puller = spawn([&] {
      wire::pull_work<job>(
          wired.in, one,
          {.on_bad_message = [&](const wire::bad_message& why,
                                 const zmq::message&) { told = why.what(); }});
    });
    wired.out.raw().send("\x92\xa3job\xc0", 10s);
    wired.out.send(job{1}, 10s);
    while (at.done.empty())
      sleep(1ms);
    CHECK(mentions(told, "job: expected an array, found nil"));
    puller.kill();
    one.kill();
  });
}

TEST_CASE("a worker that is dead ends it") {
  in_real_hub([] {
    bench at;
    wired_work wired;
    const auto one = spawn<worker>(&at);
    one.kill();
    CHECK_THROWS_AS(wire::pull_work<job>(wired.in, one), std::system_error);
  });
}

TEST_SUITE_END();
