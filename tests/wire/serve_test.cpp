#include "wire/support.hpp"

#include <greenroom/actors/supervisor.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace test;

TEST_SUITE_BEGIN("wire");

TEST_CASE("an actor is asked over a socket as one that is near") {
  for (const auto kind : {socket_type::router, socket_type::rep})
    in_real_hub([kind] {
      served_account there{{}, kind};
      const auto account = there.client();
      account.ask(deposit{5}).get(10s);
      account.ask(deposit{7}).get(10s);
      CHECK(account.ask(balance{}).get(10s) == 12);
      CHECK(account.asked() == 0);
    });
}

TEST_CASE("many asks are under way, and answered as the actor likes") {
  in_real_hub([] {
    served_account there;
    const auto account = there.client();
    std::vector<async_result<int>> answers;
    for (int i = 0; i < 50; ++i)
      answers.push_back(account.ask(later{i}));
    for (int i = 0; i < 49; ++i)
      CHECK(answers[static_cast<std::size_t>(i)].get(10s) == i);
    CHECK(account.asked() == 1);
    CHECK(!answers.back().ready());
  });
}

TEST_CASE("a req client gets [status, value]") {
  in_real_hub([] {
    served_account there;
    CHECK(there.reply_to("\x92\xa7"
                         "deposit\x91\x05") == "\x92\xa2ok\xc0");
    CHECK(there.reply_to("\x92\xa7"
                         "balance\x90") == "\x92\xa2ok\x05");
  });
}

TEST_CASE("a body that cannot be decoded: the hook, a reply, and on it goes") {
  in_real_hub([] {
    std::vector<std::string> told;
    served_account there{{.on_bad_message = [&](const wire::bad_message& why,
                                                const zmq::message& frames) {
      told.push_back(frames.at(0).text() + " " + why.what());
    }}};
    for (const std::string body : {"", "\xc1",
                                   "\x92\xa7"
                                   "deposit\x91\xa1x",
                                   "\x92\xa6secret\x91\x05"}) // not let in
      CHECK(mentions(there.reply_to(body), "bad_message"));
    REQUIRE(told.size() == 4);
    CHECK(
        mentions(told[2], "deposit field 1: expected an integer, found text"));
    CHECK(mentions(told[3], "unknown tag secret"));
    CHECK(there.client().ask(balance{}).get(10s) == 0);
  });
}

TEST_CASE("a message of more frames than are taken ends no server") {
  for (const auto kind : {socket_type::router, socket_type::rep})
    in_real_hub([kind] {
      int told = 0;
      served_account there{
          {.on_bad_message = [&](const wire::bad_message&,
                                 const zmq::message&) { ++told; }},
          kind};
      auto stranger = there.connected(socket_type::req);
      stranger.send_multipart(zmq::message(2000, zmq::frame("x")));
      if (kind == socket_type::rep)
        CHECK(mentions(receive_text(stranger), "too many frames"));
      CHECK(there.client().ask(balance{}).get(10s) == 0);
      CHECK(told == 1);
    });
}

TEST_CASE("an actor that fails, and one that is dead, tell who asks") {
  in_real_hub([] {
    served_account there;
    const auto account = there.client();
    CHECK_THROWS_WITH_AS(account.ask(fail{"no luck"}).get(10s), "no luck",
                         wire::remote_error);
    CHECK(there.actor.dead());
    CHECK(failure_of(account.ask(balance{})) == errc::dead);
    CHECK(!there.server.dead());
  });
}

TEST_CASE("an actor that dies while it is asked tells who asks") {
  in_real_hub([] {
    served_account there;
    const auto account = there.client();
    const auto answer = account.ask(later{1});
    while (!there.holds)
      sleep(1ms);
    there.actor.kill();
    const auto code = failure_of(answer);
    CHECK((code == errc::dead || code == errc::no_reply));
  });
}

TEST_CASE("a reply that does not come in time is told by the server") {
  in_real_hub([] {
    served_account there{{.reply_within = 20ms}};
    const auto account = there.client();
    CHECK(failure_of(account.ask(later{1})) == errc::timed_out);
    CHECK(account.dropped() == 0); // it was told
  });
}

TEST_CASE("no more are asked at a time than allowed") {
  in_real_hub([] {
    served_account there{{.reply_within = 10s, .most_asks = 2}};
    const auto account = there.client();
    const auto first = account.ask(later{1});
    const auto second = account.ask(later{2});
    CHECK(first.get(10s) == 1);
    const auto third = account.ask(later{3});
    const auto fourth = account.ask(deposit{1});
    CHECK(second.get(10s) == 2);
    fourth.get(10s); // in the place of the first
    CHECK(third.ready() == false);
  });
}

TEST_CASE("who waits when the server is killed is told, and can go on") {
  for (const auto kind : {socket_type::router, socket_type::rep})
    in_real_hub([kind] {
      served_account there{{}, kind};
      const auto account = there.client();
      account.ask(deposit{1}).get(10s);
      const auto answer = account.ask(later{1});
      while (!there.holds)
        sleep(1ms);
      there.server.kill();
      CHECK(failure_of(answer) == errc::no_reply);
      const auto queued = account.ask(balance{}); // waits in the socket
      there.start();
      CHECK(queued.get(10s) == 1);
    });
}

TEST_CASE("a supervisor restarts the server, and asks are answered again") {
  in_real_hub([] {
    served_account there;
    there.server.kill();
    bool fails = true;
    supervisor tree{one_for_one};
    tree.add("front", permanent, [&] {
      const auto fail_once = [&](const auto&, const auto&) {
        if (std::exchange(fails, false)) throw std::runtime_error("hook");
      };
      wire::serve<deposit, balance>(there.front, there.actor,
                                    {.on_bad_message = fail_once});
    });
    tree.start();
    CHECK(mentions(there.reply_to("\xc1"), "no_reply"));
    CHECK(mentions(there.reply_to("\xc1"), "bad_message"));
    CHECK(there.client().ask(balance{}).get(10s) == 0);
    CHECK(tree.children().at(0).restarts == 1);
    tree.stop();
  });
}

TEST_CASE("a socket that is closed ends the server in good order") {
  in_real_hub([] {
    served_account there;
    yield();
    there.front.close();
    CHECK(there.server.join(10s));
    CHECK(there.server.successful());
  });
}

TEST_CASE("other sockets are refused") {
  in_real_hub([] {
    served_account there;
    auto push = make_socket(there.context, socket_type::push);
    CHECK_THROWS_AS(wire::serve<balance>(push, there.actor),
                    std::invalid_argument);
    CHECK_THROWS_AS(served_account::remote{std::move(push)},
                    std::invalid_argument);
  });
}

TEST_SUITE_END();
