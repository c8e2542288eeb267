#include "inproc/support.hpp"

using namespace test;

namespace {

const std::string out_of_turn =
    "not in the state for it: sends and receives must alternate";

} // namespace

TEST_SUITE("inproc") {
  TEST_CASE("each request gets its reply") {
    in_hub([] {
      rep<int, std::string> server;
      server.bind("inproc://names");
      auto serving = spawn([&] {
        for (;;)
          server.send(std::to_string(server.receive()));
      });
      std::vector<greenroom::any_greenlet> clients;
      for (int i = 0; i < 5; ++i)
        clients.push_back(spawn([i] {
          req<int, std::string> names;
          names.connect("inproc://names");
          for (int j = 0; j < 100; ++j) {
            names.send(i * 100 + j);
            CHECK(names.receive() == std::to_string(i * 100 + j));
          }
        }));
      joinall(clients);
      serving.kill();
    });
  }

  TEST_CASE("several servers are asked in turn") {
    in_hub([] {
      req<int, int> asking;
      rep<int, int> one, two;
      one.bind("inproc://one");
      two.bind("inproc://two");
      asking.connect("inproc://one");
      asking.connect("inproc://two");
      for (auto* each : {&one, &two, &one}) {
        asking.send(1);
        CHECK(each->try_receive() == 1);
        each->send(2);
        CHECK(asking.receive() == 2);
      }
    });
  }

  TEST_CASE("a call out of turn is an error by name") {
    in_hub([] {
      req<int, int> asking;
      rep<int, int> server;
      server.bind("inproc://server");
      asking.connect("inproc://server");
      CHECK(error_of([&] { asking.receive(); }) ==
            "std::system_error: receive on req socket inproc://server: " +
                out_of_turn);
      CHECK(mentions(error_of([&] { server.send(1); }), out_of_turn));
      CHECK(mentions(error_of([&] { server.try_send(1); }), out_of_turn));
      asking.send(1);
      std::error_code failed;
      CHECK_FALSE(asking.send(2, {}, failed));
      CHECK(failed == inproc::errc::wrong_state);
      CHECK(failed.category().name() == std::string("greenroom.inproc"));
      CHECK(server.receive() == 1);
      CHECK_FALSE(server.receive({}, failed));
      CHECK(failed == inproc::errc::wrong_state);
      CHECK_THROWS_AS(server.try_receive(), std::system_error);
      server.send(3);
      CHECK(asking.receive() == 3);
    });
  }

  TEST_CASE("who runs out of time for a reply may still receive it") {
    in_hub([] {
      req<int, int> asking;
      rep<int, int> server;
      server.bind("inproc://server");
      asking.connect("inproc://server");
      asking.send(1);
      CHECK_THROWS_AS(asking.receive(1s), std::system_error);
      CHECK(mentions(error_of([&] { asking.send(2); }), out_of_turn));
      server.receive();
      server.send(5);
      CHECK(asking.receive(1s) == 5);
    });
  }

  TEST_CASE("the reply for a requester that went away is dropped") {
    in_hub([] {
      rep<int, int> server;
      server.bind("inproc://server");
      {
        req<int, int> asking;
        asking.connect("inproc://server");
        asking.send(1);
        SUBCASE("before the request was received") {
        }
        SUBCASE("after") {
          CHECK(server.receive() == 1);
          asking.close();
          server.send(2);
          CHECK(server.dropped() == 1);
          CHECK_FALSE(server.try_receive());
          return;
        }
      }
      CHECK(server.receive() == 1);
      server.send(2);
      CHECK(server.dropped() == 1);
      req<int, int> next;
      next.connect("inproc://server");
      next.send(3);
      CHECK(server.receive(1s) == 3);
      server.send(4);
      CHECK(next.receive(1s) == 4);
    });
  }

  TEST_CASE("a request that its server did not take goes to the next") {
    in_hub([] {
      req<int, int> asking;
      asking.connect("inproc://server");
      {
        rep<int, int> server;
        server.bind("inproc://server");
        asking.send(1);
      }
      rep<int, int> server;
      server.bind("inproc://server");
      CHECK(server.receive(1s) == 1);
      server.send(2);
      CHECK(asking.receive(1s) == 2);
    });
  }

  TEST_CASE("a kill while it waits for its reply leaves it whose turn it was") {
    in_hub([] {
      req<int, box> asking;
      rep<int, box> server;
      server.bind("inproc://server");
      asking.connect("inproc://server");
      auto client = spawn([&] {
        asking.send(1);
        asking.receive();
      });
      yield();
      client.kill();
      CHECK(server.receive() == 1);
      server.send(boxed(2));
      CHECK(*asking.receive(1s) == 2);
    });
  }

  TEST_CASE("of two that send on one req, the second is told") {
    in_hub([] {
      req<int, int> asking;
      asking.bind("inproc://asking");
      std::string errors;
      for (int i = 0; i < 2; ++i)
        spawn([&, i] { errors += error_of([&] { asking.send(int{i}); }); });
      yield();
      rep<int, int> server;
      server.connect("inproc://asking");
      yield();
      CHECK(server.receive() == 0);
      CHECK(mentions(errors, out_of_turn));
    });
  }
}
