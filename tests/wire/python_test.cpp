// Python's pyzmq and msgpack at the other end.

#include "wire/support.hpp"

#include <greenroom/io/process.hpp>
#include <greenroom/wire/topics.hpp>
#include <greenroom/wire/work.hpp>

#include <array>
#include <string>
#include <vector>

using namespace greenroom;
using namespace test;

namespace {

const std::string script = GREENROOM_WIRE_PEER;

struct price {
  std::string what;
  double value = 0;
  std::vector<int> history{};
  static constexpr std::array wire_fields{"what", "value", "history"};
};

struct job {
  int number = 0;
  static constexpr std::array wire_fields{"number"};
};

class worker : public actor<job> {
public:
  explicit worker(std::vector<int>* done) : done_(done) {}

private:
  void receive(job one) override { done_->push_back(one.number); }
  std::vector<int>* done_;
};

/// Runs `body` in a hub if Python has what it takes.
template <class Body>
void with_python(Body&& body) {
  in_real_hub([&] {
    int code = 77;
    try {
      code = run("/usr/bin/python3", {script, "has"}, {}, 60s).status.code;
    } catch (const std::system_error&) { // no Python
    }
    if (code == 0)
      body();
    else
      MESSAGE("skipped: no python3 with zmq and msgpack");
  });
}

process python(const std::vector<std::string>& arguments) {
  std::vector<std::string> all{script};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return process{"/usr/bin/python3", all, {.output = stdio::pipe}};
}

std::string output_of(process& peer) {
  const std::string output = peer.communicate({}, 60s).output;
  CHECK(peer.wait(60s).success());
  return output;
}

} // namespace

TEST_SUITE_BEGIN("wire");

TEST_CASE("Python asks an actor") {
  with_python([] {
    served_account there{{.on_bad_message = [](const auto&, const auto&) {}}};
    process peer = python({"client", there.front.last_endpoint()});
    output_of(peer);
  });
}

TEST_CASE("an actor in Python is asked") {
  with_python([] {
    process peer = python({"server"});
    std::string endpoint;
    std::array<char, 1> next;
    while (peer.output().read_some(next, 60s) > 0 && next[0] != '\n')
      endpoint += next[0];
    const zmq::context own;
    auto line = make_socket(own, socket_type::dealer);
    line.connect(endpoint);
    const wire::remote_actor<deposit, balance, fail, secret> account{
        std::move(line)};
    account.ask(deposit{3}).get(60s);
    account.ask(deposit{4}).get(60s);
    CHECK(account.ask(balance{}).get(60s) == 7);
    CHECK_THROWS_WITH_AS(account.ask(fail{"no luck"}).get(60s), "no luck",
                         wire::remote_error);
    CHECK(failure_of(account.ask(secret{})) == std::errc::bad_message);
    output_of(peer);
  });
}

TEST_CASE("Python subscribes to a topic") {
  with_python([] {
    const zmq::context own;
    auto out = make_socket(own, socket_type::xpub);
    out.bind(any_port);
    topic<price> prices;
    auto sender = spawn([&] { wire::publish(prices, out, "prices"); });
    process peer = python({"news", out.last_endpoint()});
    CHECK(out.receive(60s) == "\x01prices");
    prices.publish({"nail", 0.25, {1, 2}});
    CHECK(output_of(peer) ==
          "{'what': 'nail', 'value': 0.25, 'history': [1, 2]}\n");
    sender.kill();
  });
}

TEST_CASE("Python pushes work") {
  with_python([] {
    const zmq::context own;
    auto in = make_socket(own, socket_type::pull);
    in.bind(any_port);
    std::vector<int> done;
    const auto one = spawn<worker>(&done);
    auto puller = spawn([&] { wire::pull_work<job>(in, one); });
    process peer = python({"push", in.last_endpoint()});
    output_of(peer);
    const deadline patience{60s};
    while (done.size() < 4 && deadline{0s} < patience)
      sleep(1ms);
    CHECK(done == std::vector<int>{0, 1, 2, 3});
    puller.kill();
    one.kill();
  });
}

TEST_SUITE_END();
