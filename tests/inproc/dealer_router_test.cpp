#include "inproc/support.hpp"

using namespace test;

TEST_SUITE("inproc") {
  TEST_CASE("a router answers whom it names") {
    in_hub([] {
      router<std::string, int> broker;
      broker.bind("inproc://broker");
      dealer<int, std::string> one, two;
      one.set_routing_id("one");
      two.set_routing_id("two");
      one.connect("inproc://broker");
      two.connect("inproc://broker");
      one.send(1);
      two.send(2);
      for (int i = 0; i < 2; ++i) {
        const auto asked = broker.receive();
        broker.send({asked.peer, asked.peer + std::to_string(asked.message)});
      }
      CHECK(two.receive() == "two2");
      CHECK(one.receive() == "one1");
      broker.send({"one", "more"});
      CHECK(one.receive() == "more");
    });
  }

  TEST_CASE("a router makes up an id for one that has none") {
    in_hub([] {
      router<int, int> broker;
      broker.bind("inproc://broker");
      dealer<int, int> one, two;
      one.connect("inproc://broker");
      two.connect("inproc://broker");
      one.send(1);
      two.send(2);
      const auto first = broker.receive();
      const auto second = broker.receive();
      CHECK(first.peer.size() == 5);
      CHECK(first.peer[0] == '\0');
      CHECK(first.peer != second.peer);
      broker.send({second.peer, 2});
      CHECK(two.receive() == 2);
      CHECK_FALSE(one.try_receive());
    });
  }

  TEST_CASE("what is for nobody known is dropped, and counted") {
    in_hub([] {
      router<int, int> broker;
      broker.bind("inproc://broker");
      broker.send({"nobody", 1});
      CHECK(broker.try_send({"nobody", 1}));
      CHECK(broker.dropped() == 2);
      broker.set_router_mandatory(true);
      std::error_code failed;
      CHECK_FALSE(broker.send({"nobody", 1}, {}, failed));
      CHECK(failed == std::errc::host_unreachable);
      CHECK(mentions(error_of([&] {
                       broker.send({"nobody", 1});
                     }),
                     "send on router socket inproc://broker: "));
      CHECK_THROWS_AS(broker.try_send({"nobody", 1}), std::system_error);
      CHECK(broker.dropped() == 2);
    });
  }

  TEST_CASE("a peer that is full") {
    in_hub([] {
      router<int, int> broker;
      dealer<int, int> slow, quick;
      limit_each(broker, slow, 1);
      slow.set_routing_id("slow");
      quick.set_routing_id("quick");
      broker.bind("inproc://broker");
      slow.connect("inproc://broker");
      quick.connect("inproc://broker");
      broker.send({"slow", 1});
      broker.send({"slow", 2});
      SUBCASE("loses what is sent to it") {
        broker.send({"slow", 3});
        CHECK(broker.dropped() == 1);
        CHECK(slow.receive() == 1);
        CHECK(slow.receive() == 2);
        CHECK_FALSE(slow.try_receive());
      }
      SUBCASE("is waited for by a mandatory router, and holds up no other") {
        broker.set_router_mandatory(true);
        std::string order;
        for (int i = 3; i < 5; ++i)
          spawn([&, i] {
            broker.send({"slow", int{i}});
            order += std::to_string(i);
          });
        yield();
        broker.send({"quick", 9});
        CHECK(quick.receive() == 9);
        yield();
        CHECK(order.empty());
        for (int i = 1; i < 5; ++i)
          CHECK(slow.receive(1s) == i);
        CHECK(order == "34");
      }
      SUBCASE("that goes away fails who waits for it") {
        broker.set_router_mandatory(true);
        std::string error;
        spawn([&] { error = error_of([&] { broker.send({"slow", 3}); }); });
        yield();
        slow.close();
        yield();
        CHECK(mentions(error, "send on router socket"));
        CHECK(broker.dropped() == 2);
      }
    });
  }

  TEST_CASE("an id that another peer has is refused") {
    in_hub([] {
      router<int, int> broker;
      dealer<int, int> one, two;
      one.set_routing_id("same");
      two.set_routing_id("same");
      std::error_code failed;
      SUBCASE("when it connects") {
        broker.bind("inproc://broker");
        one.connect("inproc://broker");
        two.connect("inproc://broker", failed);
        CHECK(failed == greenroom::errc::name_taken);
        one.close();
        two.connect("inproc://broker");
      }
      SUBCASE("when both were there before") {
        one.connect("inproc://broker");
        two.connect("inproc://broker");
        broker.bind("inproc://broker", failed);
        CHECK(failed == greenroom::errc::name_taken);
        one.close();
        broker.bind("inproc://broker");
      }
      broker.send({"same", 1});
      CHECK(two.receive(1s) == 1);
    });
  }

  TEST_CASE("a req talks to a router, a dealer to a rep") {
    in_hub([] {
      router<int, int> broker;
      req<int, int> asking;
      broker.bind("inproc://broker");
      asking.connect("inproc://broker");
      asking.send(1);
      const auto asked = broker.receive();
      broker.send({asked.peer, asked.message + 1});
      CHECK(asking.receive() == 2);
      broker.send({asked.peer, 7}); // unasked
      asking.send(3);
      broker.receive();
      broker.send({asked.peer, 4});
      CHECK(asking.receive() == 4);
      CHECK(asking.dropped() == 1);

      rep<int, int> server;
      dealer<int, int> tasks;
      tasks.bind("inproc://tasks");
      server.connect("inproc://tasks");
      for (int i = 0; i < 3; ++i)
        tasks.send(int{i});
      for (int i = 0; i < 3; ++i)
        server.send(server.receive() * 10);
      for (int i = 0; i < 3; ++i)
        CHECK(tasks.receive() == i * 10);
    });
  }

  TEST_CASE("two dealers, and two routers") {
    in_hub([] {
      dealer<int, std::string> one;
      dealer<std::string, int> other;
      one.bind("inproc://dealers");
      other.connect("inproc://dealers");
      one.send(1);
      other.send("two");
      CHECK(other.receive() == 1);
      CHECK(one.receive() == "two");

      router<int, int> left, right;
      left.set_routing_id("left");
      right.set_routing_id("right");
      left.bind("inproc://routers");
      right.connect("inproc://routers");
      left.send({"right", 1});
      const auto got = right.receive();
      CHECK(got.peer == "left");
      right.send({got.peer, 2});
      CHECK(left.receive().message == 2);
    });
  }

  TEST_CASE("dealers and a router, all at once, lose nothing") {
    in_hub([] {
      router<int, int> echo;
      echo.set_router_mandatory(true);
      echo.bind("inproc://echo");
      auto serving = spawn([&] {
        for (;;) {
          auto asked = echo.receive();
          echo.send({std::move(asked.peer), asked.message});
        }
      });
      std::vector<greenroom::greenlet<void>> clients;
      for (int i = 0; i < 10; ++i)
        clients.push_back(spawn([] {
          dealer<int, int> client;
          client.set_receive_limit(5);
          client.connect("inproc://echo");
          auto sending = spawn([&] {
            for (int j = 0; j < 5000; ++j)
              client.send(int{j});
          });
          for (int j = 0; j < 5000; ++j)
            REQUIRE(client.receive() == j);
          sending.join();
        }));
      for (auto& each : clients)
        each.get();
      serving.kill();
    });
  }
}
