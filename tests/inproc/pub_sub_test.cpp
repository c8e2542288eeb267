#include "inproc/support.hpp"

#include <memory>
#include <string_view>

using namespace test;

namespace {

using texts = std::vector<std::string>;

struct price {
  std::string topic;
  double value;
};

struct counted {
  explicit counted(int& copied) : copies(copied) {}
  counted(const counted& other) : copies(other.copies) { ++copies; }
  counted(counted&&) noexcept = default;
  int& copies;
};
std::string_view topic_of(const counted&) {
  return "";
}

} // namespace

TEST_SUITE("inproc") {
  TEST_CASE("a subscriber receives what begins with what it asked for") {
    in_hub([] {
      pub<std::string> news;
      sub<std::string> weather, all, none;
      news.bind("inproc://news");
      for (auto* each : {&weather, &all, &none})
        each->connect("inproc://news");
      weather.subscribe("weather");
      all.subscribe();
      for (const char* text : {"weather: fog", "sports: none", "weath", ""})
        news.send(text);
      CHECK(all_of(weather) == texts{"weather: fog"});
      CHECK(all_of(all) == texts{"weather: fog", "sports: none", "weath", ""});
      CHECK(all_of(none).empty());
    });
  }

  TEST_CASE("prefixes of prefixes are all found") {
    in_hub([] {
      pub<std::string> news;
      sub<std::string> some;
      news.bind("inproc://news");
      some.connect("inproc://news");
      for (const char* each : {"a", "abc", "abd", "abcde", "x"})
        some.subscribe(each);
      for (const char* text : {"a", "ab", "abce", "abz", "b", "w", "xy", "z"})
        news.send(text);
      CHECK(all_of(some) == texts{"a", "ab", "abce", "abz", "xy"});
      some.unsubscribe("a");
      for (const char* text : {"a", "ab", "abce", "abcz", "abz", "abdz"})
        news.send(text);
      CHECK(all_of(some) == texts{"abce", "abcz", "abdz"});
    });
  }

  TEST_CASE("a prefix subscribed to twice is to be left twice") {
    in_hub([] {
      pub<std::string> news;
      sub<std::string> some;
      news.connect("inproc://news");
      some.bind("inproc://news");
      some.subscribe("a");
      some.subscribe("a");
      some.unsubscribe("a");
      news.send("a1");
      some.unsubscribe("a");
      news.send("a2");
      CHECK(all_of(some) == texts{"a1"});
      CHECK(error_of([&] { some.unsubscribe("a"); }) ==
            "std::system_error: unsubscribe on sub socket inproc://news: "
            "No such file or directory");
    });
  }

  TEST_CASE("a full subscriber loses messages, counted, and holds up nobody") {
    in_hub([] {
      pub<std::string> news;
      sub<std::string> slow, quick;
      news.set_send_limit(1);
      slow.set_receive_limit(1);
      quick.set_receive_limit(100);
      news.bind("inproc://news");
      for (auto* each : {&slow, &quick}) {
        each->connect("inproc://news");
        each->subscribe();
      }
      for (int i = 0; i < 5; ++i)
        news.send(std::to_string(i));
      CHECK(news.dropped() == 3);
      CHECK(slow.dropped() == 3);
      CHECK(quick.dropped() == 0);
      CHECK(all_of(quick) == texts{"0", "1", "2", "3", "4"});
      CHECK(all_of(slow) == texts{"0", "1"});
      news.send("5");
      CHECK(slow.receive() == "5");
    });
  }

  TEST_CASE("a message is copied for all subscribers but one") {
    in_hub([] {
      pub<counted> news;
      std::vector<sub<counted>> all(3);
      news.bind("inproc://news");
      int copies = 0;
      news.send(counted(copies));
      for (auto& each : all) {
        each.connect("inproc://news");
        each.subscribe();
      }
      CHECK(copies == 0);
      news.send(counted(copies));
      CHECK(copies == 2);
      for (auto& each : all)
        each.receive();
      CHECK(copies == 2);
    });
  }

  TEST_CASE("what is shared is not copied at all") {
    in_hub([] {
      pub<std::shared_ptr<const price>> prices;
      sub<std::shared_ptr<const price>> one, two;
      prices.bind("inproc://prices");
      for (auto* each : {&one, &two}) {
        each->connect("inproc://prices");
        each->subscribe("AC");
      }
      const auto sent = std::make_shared<const price>(price{"ACME", 12});
      prices.send(std::shared_ptr(sent));
      CHECK(one.receive() == sent);
      CHECK(two.receive() == sent);
    });
  }

  TEST_CASE("a plain struct is subscribed to by its topic") {
    in_hub([] {
      pub<price> prices;
      sub<price> mine;
      prices.bind("inproc://prices");
      mine.connect("inproc://prices");
      mine.subscribe("ACME");
      prices.send({"EMCA", 1});
      prices.send({"ACME", 2});
      CHECK(mine.receive().value == 2);
    });
  }

  TEST_CASE("a subscriber hears several publishers, and the next of a name") {
    in_hub([] {
      sub<std::string> news;
      news.subscribe();
      auto one = std::make_unique<pub<std::string>>();
      pub<std::string> two;
      one->bind("inproc://one");
      two.bind("inproc://two");
      news.connect("inproc://one");
      news.connect("inproc://two");
      one->send("1");
      two.send("2");
      CHECK(all_of(news) == texts{"1", "2"});
      one = std::make_unique<pub<std::string>>();
      one->bind("inproc://one");
      one->send("3");
      CHECK(news.receive() == "3");
    });
  }

  TEST_CASE("a publisher in a loop lets its subscribers run") {
    in_hub([] {
      pub<std::string> news;
      sub<std::string> reader;
      news.bind("inproc://news");
      reader.connect("inproc://news");
      reader.subscribe();
      int got = 0;
      auto reading = spawn([&] {
        for (;; ++got)
          reader.receive();
      });
      yield();
      for (int i = 0; i < 10000; ++i)
        news.send("x");
      yield();
      CHECK(news.dropped() == 0);
      CHECK(got == 10000);
      reading.kill();
    });
  }
}
