#include "wire/support.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace test;

namespace {

/// Who answers as the test says.
struct scripted {
  using remote = wire::remote_actor<balance, deposit>;

  scripted() : router(make_socket(context, socket_type::router)) {
    router.bind(any_port);
  }
  remote client(const wire::remote_options& how = {}) {
    auto line = make_socket(context, socket_type::dealer);
    line.connect(router.last_endpoint());
    return remote{std::move(line), how};
  }
  zmq::message take() { return router.receive_multipart(10s); }
  void reply(zmq::message asked, const std::string& body) {
    asked.back() = zmq::frame(body);
    router.send_multipart(std::move(asked));
  }

  zmq::context context;
  zmq::socket router;
};

const std::string ok_five = "\x92\xa2ok\x05";

} // namespace

TEST_SUITE_BEGIN("wire");

TEST_CASE("replies come in any order") {
  in_real_hub([] {
    scripted there;
    const auto client = there.client();
    const auto first = client.ask(balance{});
    const auto second = client.ask(balance{});
    zmq::message one = there.take();
    there.reply(there.take(), ok_five);
    CHECK(second.get(10s) == 5);
    CHECK(!first.ready());
    there.reply(std::move(one), "\x92\xa2ok\x06");
    CHECK(first.get(10s) == 6);
  });
}

TEST_CASE("a reply that is nonsense fails its asker only") {
  in_real_hub([] {
    scripted there;
    const auto client = there.client();
    for (const std::string nonsense :
         {"", "\xc1", "\x05", "\x92\xa2ok\xa1x", "\x91\xa2ok", "\x92\x01\x02",
          "\x92\xa6?????\x02"}) {
      const auto asked = client.ask(balance{});
      there.reply(there.take(), nonsense);
      CHECK(failure_of(asked) == std::errc::bad_message);
    }
    const auto asked = client.ask(balance{});
    zmq::message frames = there.take();
    for (const zmq::message& stray :
         {zmq::message{frames[0], "x"}, zmq::message{frames[0], "", "", ""},
          zmq::message{frames[0], "12345678", "", ok_five}})
      there.router.send_multipart(zmq::message(stray));
    there.reply(std::move(frames), ok_five);
    CHECK(asked.get(10s) == 5);
    CHECK(client.dropped() == 3);
  });
}

TEST_CASE("what a server says is what the asker gets") {
  in_real_hub([] {
    scripted there;
    const auto client = there.client();
    const auto said = [&](const std::string& body) {
      const auto asked = client.ask(balance{});
      there.reply(there.take(), body);
      return failure_of(asked);
    };
    CHECK(said("\x92\xa4"
               "dead\xa1x") == errc::dead);
    CHECK(said("\x92\xa4"
               "full\xa1x") == errc::full);
    CHECK(said("\x92\xa8no_reply\xa1x") == errc::no_reply);
    const auto asked = client.ask(deposit{1});
    there.reply(there.take(), "\x92\xa6"
                              "failed\xa3why");
    CHECK_THROWS_WITH_AS(asked.get(10s), "why", wire::remote_error);
  });
}

TEST_CASE("asks are given up in time, oldest first, and late replies dropped") {
  in_real_hub([] {
    scripted there;
    const auto client = there.client({.reply_within = 500ms});
    const auto first = client.ask(balance{});
    const auto second = client.ask(balance{});
    zmq::message late = there.take();
    CHECK(failure_of(second) == errc::timed_out);
    CHECK(first.ready());
    CHECK(client.asked() == 0);
    there.take();
    there.reply(std::move(late), ok_five);
    const auto third = client.ask(balance{});
    there.reply(there.take(), ok_five);
    CHECK(third.get(10s) == 5);
    CHECK(client.dropped() == 1);
  });
}

TEST_CASE("who asks more than allowed waits for a place") {
  in_real_hub([] {
    scripted there;
    const auto client = there.client({.most_asks = 1});
    const auto first = client.ask(balance{});
    try {
      client.ask(balance{}, 10ms);
      CHECK(false);
    } catch (const std::system_error& error) {
      CHECK(error.code() == errc::timed_out);
    }
    auto second = spawn([&] { return client.ask(balance{}).get(10s); });
    there.reply(there.take(), ok_five);
    CHECK(first.get(10s) == 5);
    there.reply(there.take(), ok_five);
    CHECK(second.get() == 5);
  });
}

TEST_CASE("one that is killed while it waits for a place leaves nothing") {
  in_real_hub([] {
    scripted there;
    const auto client = there.client({.most_asks = 1});
    const auto first = client.ask(balance{});
    auto second = spawn([&] { client.ask(balance{}); });
    yield();
    second.kill();
    CHECK(client.asked() == 1);
    there.reply(there.take(), ok_five);
    CHECK(first.get(10s) == 5);
    const auto third = client.ask(balance{}, 1s);
    there.reply(there.take(), ok_five);
    CHECK(third.get(10s) == 5);
  });
}

TEST_CASE("without a server asks wait in the socket until it is full") {
  in_real_hub([] {
    const zmq::context own;
    auto line = make_socket(own, socket_type::dealer);
    line.set_send_limit(1);
    line.bind(any_port); // nobody is there, and no room
    const scripted::remote client{std::move(line)};
    CHECK_THROWS_AS(client.ask(balance{}, 10ms), std::system_error);
    CHECK(client.asked() == 0);
    auto waits = spawn([&] { client.ask(balance{}); });
    yield();
    waits.kill();
    CHECK(client.asked() == 0);
  });
}

TEST_CASE("a client that ends fails what is under way") {
  in_real_hub([] {
    scripted there;
    std::optional<scripted::remote> client{there.client()};
    const auto asked = client->ask(balance{});
    there.take();
    auto more = spawn([answer = client->ask(balance{})] { answer.get(); });
    yield();
    client.reset();
    CHECK(failure_of(asked) == errc::closed);
    more.join();
    CHECK(!more.successful());
  });
}

TEST_CASE("an ask that waits when the client ends fails") {
  in_real_hub([] {
    scripted there;
    std::optional<scripted::remote> client{there.client({.most_asks = 1})};
    const auto first = client->ask(balance{});
    std::error_code code;
    auto second = spawn([&, asker = &*client] {
      try {
        asker->ask(balance{});
      } catch (const std::system_error& error) {
        code = error.code();
      }
    });
    yield();
    client.reset();
    second.join();
    CHECK(code == errc::closed);
    CHECK(failure_of(first) == errc::closed);
  });
}

TEST_SUITE_END();
