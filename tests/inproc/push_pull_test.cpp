#include "inproc/support.hpp"

#include <greenroom/mailbox/waiting.hpp>

#include <set>

using namespace test;

TEST_SUITE("inproc") {
  TEST_CASE("what is pushed is pulled, in order, and never copied") {
    in_hub([] {
      push<box> jobs;
      pull<box> worker;
      jobs.bind("inproc://jobs");
      worker.connect("inproc://jobs");
      for (int i = 0; i < 3; ++i)
        jobs.send(boxed(i));
      for (int i = 0; i < 3; ++i)
        CHECK(*worker.receive() == i);
      CHECK_FALSE(worker.try_receive());
    });
  }

  TEST_CASE("what is pushed before anybody is bound waits for it") {
    in_hub([] {
      push<int> jobs;
      jobs.connect("inproc://jobs");
      jobs.send(1);
      pull<int> worker;
      worker.bind("inproc://jobs");
      CHECK(worker.receive() == 1);
    });
  }

  TEST_CASE("push deals out to its peers in turn") {
    in_hub([] {
      push<int> jobs;
      pull<int> one, two, three;
      jobs.bind("inproc://jobs");
      for (auto* each : {&one, &two, &three})
        each->connect("inproc://jobs");
      for (int i = 0; i < 6; ++i)
        jobs.send(int{i});
      CHECK(all_of(one) == numbers{0, 3});
      CHECK(all_of(two) == numbers{1, 4});
      CHECK(all_of(three) == numbers{2, 5});
    });
  }

  TEST_CASE("push passes over a peer that is full") {
    in_hub([] {
      push<int> jobs;
      jobs.set_send_limit(1);
      pull<int> small, large;
      small.set_receive_limit(1);
      large.set_receive_limit(9);
      jobs.bind("inproc://jobs");
      small.connect("inproc://jobs");
      large.connect("inproc://jobs");
      int sent = 0;
      while (jobs.try_send(int{sent}))
        ++sent;
      CHECK(sent == 12);
      CHECK(all_of(small) == numbers{0, 2});
      CHECK(all_of(large).size() == 10);
    });
  }

  TEST_CASE("pull takes from its peers in turn") {
    in_hub([] {
      pull<int> worker;
      worker.bind("inproc://jobs");
      push<int> one, two;
      one.connect("inproc://jobs");
      two.connect("inproc://jobs");
      for (int i = 0; i < 3; ++i)
        one.send(int{i});
      for (int i = 10; i < 12; ++i)
        two.send(int{i});
      CHECK(all_of(worker) == numbers{0, 10, 1, 11, 2});
    });
  }

  TEST_CASE("a push without peers waits for one") {
    in_hub([] {
      push<int> jobs;
      jobs.bind("inproc://jobs");
      CHECK_FALSE(jobs.try_send(1));
      int mine = 7;
      std::error_code failed;
      CHECK_FALSE(jobs.send(std::move(mine), 1s, failed));
      CHECK(failed == greenroom::errc::timed_out);
      auto sender = spawn([&] { jobs.send(2); });
      yield();
      pull<int> worker;
      worker.connect("inproc://jobs");
      CHECK(worker.receive(1s) == 2);
      sender.join();
    });
  }

  TEST_CASE("a push whose peers are full waits until one has room") {
    in_hub([] {
      push<int> jobs;
      pull<int> worker;
      limit_each(jobs, worker, 1);
      jobs.bind("inproc://jobs");
      worker.connect("inproc://jobs");
      std::string order;
      auto sender = spawn([&] {
        for (int i = 0; i < 4; ++i) {
          jobs.send(int{i});
          order += 's';
        }
      });
      yield();
      CHECK(order == "ss");
      CHECK(worker.receive() == 0);
      yield();
      CHECK(order == "sss");
      CHECK(worker.receive() == 1);
      CHECK(worker.receive() == 2);
      CHECK(worker.receive() == 3);
      sender.join();
    });
  }

  TEST_CASE("those who wait are served oldest first") {
    in_hub([] {
      push<int> jobs;
      pull<int> worker;
      jobs.bind("inproc://jobs");
      worker.connect("inproc://jobs");
      std::string order;
      for (const char* name : {"a", "b", "c"})
        spawn([&, name] { order += name + std::to_string(worker.receive()); });
      yield();
      for (int i = 0; i < 3; ++i)
        jobs.send(int{i});
      yield();
      CHECK(order == "a0b1c2");
    });
  }

  TEST_CASE("a woken reader that finds nothing keeps its place") {
    in_hub([] {
      push<int> jobs;
      pull<int> worker;
      jobs.bind("inproc://jobs");
      worker.connect("inproc://jobs");
      std::string order;
      for (const char* name : {"a", "b"})
        spawn([&, name] { order += name + std::to_string(worker.receive()); });
      yield();
      jobs.send(1);
      CHECK(worker.receive() == 1); // was quicker
      yield();
      jobs.send(2);
      jobs.send(3);
      yield();
      CHECK(order == "a2b3");
    });
  }

  TEST_CASE("a killed reader leaves the message to the next") {
    in_hub([] {
      push<int> jobs;
      pull<int> worker;
      jobs.bind("inproc://jobs");
      worker.connect("inproc://jobs");
      numbers got;
      auto first = spawn([&] { got.push_back(worker.receive()); });
      auto second = spawn([&] { got.push_back(worker.receive()); });
      yield();
      SUBCASE("when it is killed before the message comes") {
        first->kill_soon();
        jobs.send(1);
      }
      SUBCASE("or is served when it is killed after") {
        jobs.send(1);
        first->kill_soon();
        jobs.send(2);
      }
      yield();
      yield();
      if (got.size() == 1) CHECK(second.ready());
      first.kill();
      second.kill();
      const auto left = worker.try_receive();
      CHECK_FALSE(left);
    });
  }

  TEST_CASE("a killed writer still has its message, and the next goes on") {
    in_hub([] {
      push<box> jobs;
      pull<box> worker;
      limit_each(jobs, worker, 1);
      jobs.bind("inproc://jobs");
      worker.connect("inproc://jobs");
      jobs.send(boxed(0));
      jobs.send(boxed(1));
      box mine = boxed(2);
      auto first = spawn([&] { jobs.send(std::move(mine)); });
      auto second = spawn([&] { jobs.send(boxed(3)); });
      yield();
      first.kill();
      CHECK(*mine == 2);
      for (const int expected : {0, 1, 3})
        CHECK(*worker.receive(1s) == expected);
      second.join();
    });
  }

  TEST_CASE("close wakes who waits, and the messages stay with them") {
    in_hub([] {
      push<box> jobs;
      pull<box> worker;
      jobs.bind("inproc://jobs");
      worker.bind("inproc://others");
      box mine = boxed(1);
      std::string sending, receiving;
      spawn([&] { sending = error_of([&] { jobs.send(std::move(mine)); }); });
      spawn([&] { receiving = error_of([&] { worker.receive(); }); });
      yield();
      jobs.close();
      worker.close();
      yield();
      CHECK(sending == "std::system_error: send on push socket inproc://jobs: "
                       "closed");
      CHECK(receiving == "std::system_error: receive on pull socket "
                         "inproc://others: closed");
      CHECK(*mine == 1);
      CHECK_FALSE(jobs.is_open());
      CHECK_THROWS_AS(worker.try_receive(), std::system_error);
      std::error_code failed;
      CHECK_FALSE(worker.receive({}, failed));
      CHECK(failed == greenroom::errc::closed);
    });
  }

  TEST_CASE("a socket destroyed under who waits is closed for them") {
    in_hub([] {
      auto worker = std::make_unique<pull<int>>();
      worker->bind("inproc://jobs");
      std::string error;
      auto waiter =
          spawn([&] { error = error_of([&] { worker->receive(); }); });
      yield();
      worker.reset();
      waiter.join();
      CHECK(mentions(error, "closed"));
    });
  }

  TEST_CASE("what was pushed can be pulled after the push is gone") {
    in_hub([] {
      pull<box> worker;
      auto jobs = std::make_unique<push<box>>();
      SUBCASE("when it had connected") {
        worker.bind("inproc://jobs");
        jobs->connect("inproc://jobs");
      }
      SUBCASE("when it was bound") {
        jobs->bind("inproc://jobs");
        worker.connect("inproc://jobs");
      }
      SUBCASE("when it was disconnected") {
        worker.bind("inproc://jobs");
        jobs->connect("inproc://jobs");
        jobs->send(boxed(1));
        jobs->disconnect("inproc://jobs");
        CHECK_FALSE(jobs->try_send(boxed(2)));
        CHECK(*worker.receive() == 1);
        jobs->connect("inproc://jobs");
      }
      jobs->send(boxed(1));
      jobs->send(boxed(2));
      jobs.reset();
      CHECK(*worker.receive() == 1);
      CHECK(*worker.receive() == 2);
      CHECK_FALSE(worker.try_receive());
    });
  }

  TEST_CASE("what a pull that was bound leaves goes to the next") {
    in_hub([] {
      push<int> jobs;
      jobs.connect("inproc://jobs");
      {
        pull<int> worker;
        worker.bind("inproc://jobs");
        for (int i = 0; i < 3; ++i)
          jobs.send(int{i});
        CHECK(worker.receive() == 0);
      }
      jobs.send(3);
      pull<int> worker;
      worker.bind("inproc://jobs");
      CHECK(all_of(worker) == numbers{1, 2, 3});
      jobs.send(4);
      CHECK(worker.receive() == 4);
    });
  }

  TEST_CASE("what a pull that had connected leaves is counted") {
    in_hub([] {
      push<int> jobs;
      jobs.bind("inproc://jobs");
      {
        pull<int> worker;
        worker.connect("inproc://jobs");
        jobs.send(1);
        jobs.send(2);
      }
      CHECK(jobs.dropped() == 2);
      CHECK_FALSE(jobs.try_send(3));
    });
  }

  TEST_CASE("without a high-water mark a push never waits for room") {
    in_hub([] {
      push<int> jobs;
      pull<int> worker;
      worker.set_receive_limit(0);
      jobs.bind("inproc://jobs");
      worker.connect("inproc://jobs");
      for (int i = 0; i < 5000; ++i)
        REQUIRE(jobs.try_send(int{i}));
      CHECK(all_of(worker).size() == 5000);
    });
  }

  TEST_CASE("who never has to wait lets others run") {
    in_hub([] {
      push<int> jobs;
      pull<int> worker;
      jobs.set_send_limit(0);
      jobs.bind("inproc://jobs");
      worker.connect("inproc://jobs");
      bool ran = false;
      spawn([&] { ran = true; });
      int sent = 0;
      while (!ran && sent < 1000)
        jobs.send(sent++);
      CHECK(ran);
      CHECK(sent < 100);
    });
  }

  TEST_CASE("a socket is waited on with others") {
    in_hub([] {
      push<int> jobs;
      pull<int> worker;
      pull<int> idle;
      jobs.bind("inproc://jobs");
      idle.bind("inproc://idle");
      CHECK_FALSE(jobs.writable().ready());
      worker.connect("inproc://jobs");
      CHECK(jobs.writable().ready());
      spawn([&] { jobs.send(1); });
      const auto ready =
          greenroom::wait({idle.readable(), worker.readable()}, 1s, 1);
      REQUIRE(ready.size() == 1);
      CHECK(ready.front() == greenroom::any_waitable(worker.readable()));
      CHECK(worker.receive() == 1);
    });
  }

  TEST_CASE("a watch does not swallow what a reader behind it waits for") {
    in_hub([] {
      push<int> jobs;
      pull<int> worker;
      jobs.bind("inproc://jobs");
      worker.connect("inproc://jobs");
      auto watcher =
          spawn([&] { return greenroom::wait({worker.readable()}).size(); });
      yield();
      auto reader = spawn([&] { return worker.receive(1s); });
      yield();
      jobs.send(1);
      CHECK(reader.get() == 1);
      CHECK(watcher.get() == 1);
    });
  }

  TEST_CASE("many senders and receivers, killed at random, lose nothing") {
    in_hub([] {
      pull<int> worker;
      worker.set_receive_limit(2);
      worker.bind("inproc://jobs");
      std::multiset<int> sent, got;
      std::vector<greenroom::any_greenlet> all;
      for (int i = 0; i < 8; ++i)
        all.push_back(spawn([&, i] {
          push<int> jobs;
          jobs.set_send_limit(2);
          jobs.connect("inproc://jobs");
          for (int j = 0; j < 200; ++j) {
            int message = 1000 * i + j;
            jobs.send(std::move(message));
            sent.insert(1000 * i + j);
          }
        }));
      for (int i = 0; i < 4; ++i)
        all.push_back(spawn([&] {
          for (;;)
            got.insert(worker.receive());
        }));
      for (const int victim : {8, 3, 9, 5}) {
        yield();
        yield();
        all[static_cast<std::size_t>(victim)]->kill();
      }
      for (int i = 0; i < 8; ++i)
        all[static_cast<std::size_t>(i)]->join();
      greenroom::sleep(1s);
      CHECK(sent.size() >= 1200);
      CHECK(got == sent);
      killall(all);
    });
  }
}
