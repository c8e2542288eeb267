#include "zmq_patterns/support.hpp"

#include <greenroom/actors/supervisor.hpp>
#include <greenroom/zmq_patterns/last_value_cache.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace test;

namespace {

struct cache_at_work {
  explicit cache_at_work(zmq::last_value_cache_options how = {})
      : target(context, with_ports(std::move(how))),
        running([this] { target.run(); }) {}

  static zmq::last_value_cache_options
  with_ports(zmq::last_value_cache_options how) {
    how.publishers = how.subscribers = any_port;
    return how;
  }

  zmq::socket publisher() {
    auto made = make_socket(context, socket_type::pub);
    made.connect(target.publishers());
    return made;
  }
  zmq::socket subscriber(const std::string& prefix) {
    auto made = make_socket(context, socket_type::sub);
    made.connect(target.subscribers());
    made.subscribe(prefix);
    return made;
  }
  /// Again until it has come: a publisher's first messages are lost.
  void publish(zmq::socket& by, const std::string& topic,
               const std::string& value) {
    const auto before = target.counts().published;
    REQUIRE(comes_true([&] {
      by.send_multipart({topic, value});
      return target.counts().published > before;
    }));
  }

  zmq::context context;
  zmq::last_value_cache target;
  beside running;
};

std::string value_of(zmq::socket& at) {
  return at.receive_multipart(10s).at(1).text();
}

} // namespace

TEST_SUITE_BEGIN("zmq_patterns");

TEST_CASE("who subscribes gets the last value of the topic") {
  in_real_hub([] {
    cache_at_work cache;
    auto from = cache.publisher();
    cache.publish(from, "rain", "wet");
    cache.publish(from, "sun", "hot");
    CHECK(cache.target.topics() == 2);
    auto rain = cache.subscriber("rain");
    CHECK(value_of(rain) == "wet");
    from.send_multipart({"rain", "dry"});
    while (value_of(rain) != "dry") {
    }
    auto late = cache.subscriber("rain");
    CHECK(value_of(late) == "dry");
  });
}

TEST_CASE("a prefix asks for all topics that begin so") {
  in_real_hub([] {
    cache_at_work cache;
    auto from = cache.publisher();
    for (const char* topic : {"a.1", "a.2", "b.1"})
      cache.publish(from, topic, topic);
    auto all_a = cache.subscriber("a.");
    CHECK(value_of(all_a) == "a.1");
    CHECK(value_of(all_a) == "a.2");
    auto all = cache.subscriber("");
    CHECK(value_of(all) == "a.1");
    CHECK(value_of(all) == "a.2");
    CHECK(value_of(all) == "b.1");
  });
}

TEST_CASE("the topic that was published longest ago makes room") {
  in_real_hub([] {
    cache_at_work cache{{.most_topics = 2}};
    auto from = cache.publisher();
    cache.publish(from, "a", "1");
    cache.publish(from, "b", "1");
    cache.publish(from, "a", "2");
    cache.publish(from, "c", "1");
    CHECK(cache.target.topics() == 2);
    CHECK(cache.target.counts().forgotten == 1);
    auto all = cache.subscriber("");
    CHECK(value_of(all) == "2");
    CHECK(all.receive_multipart(10s).at(0) == "c");
  });
}

TEST_CASE("a message with too much in all its frames is dropped") {
  in_real_hub([] {
    cache_at_work cache{{.most_bytes = 100}};
    auto from = cache.publisher();
    cache.publish(from, "a", "1");
    from.send_multipart({"b", std::string(60, 'x'), std::string(60, 'x')});
    CHECK(comes_true([&] { return cache.target.counts().too_large == 1; }));
    CHECK(cache.target.topics() == 1);
  });
}

TEST_CASE("a cache that is restarted has the values of before") {
  in_real_hub([] {
    const zmq::context own;
    zmq::last_value_cache cache{
        own, {.publishers = any_port, .subscribers = any_port}};
    supervisor tree{one_for_one};
    tree.add("cache", permanent, [&] { cache.run(); });
    tree.start();
    auto from = make_socket(own, socket_type::pub);
    from.connect(cache.publishers());
    CHECK(comes_true([&] {
      from.send_multipart({"a", "1"});
      return cache.topics() == 1;
    }));
    tree.terminate("cache");
    tree.restart("cache");
    auto to = make_socket(own, socket_type::sub);
    to.subscribe();
    to.connect(cache.subscribers());
    CHECK(value_of(to) == "1");
    CHECK(mentions(error_of([&] { cache.run(); }), "last_value_cache::run"));
    tree.stop();
  });
}

TEST_SUITE_END();
