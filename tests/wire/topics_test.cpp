#include "wire/support.hpp"

#include <greenroom/wire/topics.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace greenroom;
using namespace test;

namespace {

struct price {
  std::string what;
  int cents = 0;
};

/// An xpub tells when it has been subscribed to.
struct wired_topics {
  wired_topics()
      : out(make_socket(context, socket_type::xpub)),
        in(make_socket(context, socket_type::sub)) {
    out.bind(any_port);
    in.connect(out.last_endpoint());
  }
  void start(const wire::topic_options& how = {}) {
    sender = spawn([=, this] { wire::publish(*here, out, "prices", how); });
    receiver = spawn([=, this] { wire::subscribe(in, there, "prices", how); });
    CHECK(receive_text(out) == "\x01prices");
    while (here->subscribers() == 0)
      yield();
  }
  ~wired_topics() {
    sender.kill();
    receiver.kill();
  }

  zmq::context context;
  zmq::socket out;
  zmq::socket in;
  std::optional<topic<price>> here{std::in_place};
  topic<price> there;
  greenlet<void> sender;
  greenlet<void> receiver;
};

} // namespace

TEST_SUITE_BEGIN("wire");

TEST_CASE("what is published here is published there, in order") {
  in_real_hub([] {
    wired_topics both;
    subscription<price> seen{both.there, 100};
    both.start();
    for (int i = 0; i < 50; ++i)
      both.here->publish({"nail", i});
    for (int i = 0; i < 50; ++i)
      CHECK(seen.get(10s).cents == i);
  });
}

TEST_CASE("longer names and bad bodies are left out, and on it goes") {
  in_real_hub([] {
    std::vector<std::string> told;
    wired_topics both;
    subscription<price> seen{both.there, 100};
    both.start({.on_bad_message = [&](const wire::bad_message& why,
                                      const zmq::message&) {
      told.emplace_back(why.what());
    }});
    both.out.send_multipart({"prices.old", wire::encode(price{"old", 1})});
    both.out.send("prices");
    both.out.send_multipart({"prices", "\x92\x01\x02"});
    both.out.send_multipart({"prices", wire::encode(price{"new", 2})});
    CHECK(seen.get(10s).what == "new");
    REQUIRE(told.size() == 2);
    CHECK(mentions(told[0], "[name, body]"));
    CHECK(mentions(told[1], "price field 1: expected text"));
  });
}

TEST_CASE("the end of a topic, and of a socket, ends its greenlet") {
  in_real_hub([] {
    wired_topics both;
    both.start();
    both.here.reset();
    CHECK(both.sender.join(10s));
    CHECK(both.sender.successful());
    both.in.close();
    CHECK(both.receiver.join(10s));
    CHECK(both.receiver.successful());
  });
}

TEST_SUITE_END();
