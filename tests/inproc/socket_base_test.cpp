#include "inproc/support.hpp"

#include <thread>

using namespace test;

namespace {

std::error_code bind_error(const std::string& endpoint) {
  pull<int> worker;
  std::error_code failed;
  worker.bind(endpoint, failed);
  return failed;
}

} // namespace

TEST_SUITE("inproc") {
  TEST_CASE("a bad endpoint is an error by name") {
    in_hub([] {
      for (const char* each : {"", "jobs", "inproc://", "://"})
        CHECK(bind_error(each) == std::errc::invalid_argument);
      CHECK(bind_error("tcp://127.0.0.1:5000") ==
            std::errc::protocol_not_supported);
      push<int> jobs;
      CHECK(error_of([&] { jobs.connect("jobs"); }) ==
            "std::system_error: connect of push socket, jobs: "
            "Invalid argument");
    });
  }

  TEST_CASE("an endpoint is one socket's at a time") {
    in_hub([] {
      pull<int> worker;
      worker.bind("inproc://jobs");
      CHECK(worker.last_endpoint() == "inproc://jobs");
      CHECK(bind_error("inproc://jobs") == std::errc::address_in_use);
      SUBCASE("until it unbinds") {
        push<int> jobs;
        jobs.connect("inproc://jobs");
        worker.unbind("inproc://jobs");
        jobs.send(1);
        CHECK(worker.receive() == 1);
      }
      SUBCASE("until it closes") {
        worker.close();
      }
      CHECK_FALSE(bind_error("inproc://jobs"));
    });
  }

  TEST_CASE("what was not bound or connected cannot be undone") {
    in_hub([] {
      pull<int> worker;
      std::error_code failed;
      worker.unbind("inproc://jobs", failed);
      CHECK(failed == std::errc::no_such_file_or_directory);
      worker.disconnect("inproc://jobs", failed);
      CHECK(failed == std::errc::no_such_file_or_directory);
      CHECK_THROWS_AS(worker.unbind("inproc://jobs"), std::system_error);
      CHECK_THROWS_AS(worker.disconnect("inproc://jobs"), std::system_error);
      worker.close();
      worker.close();
      worker.bind("inproc://jobs", failed);
      CHECK(failed == greenroom::errc::closed);
    });
  }

  TEST_CASE("sockets that do not fit are refused, the second of them") {
    in_hub([] {
      std::error_code failed;
      SUBCASE("of types that do not talk") {
        pull<int> worker;
        sub<int> other;
        worker.bind("inproc://jobs");
        other.connect("inproc://jobs", failed);
        CHECK(failed == inproc::errc::incompatible);
      }
      SUBCASE("of other messages") {
        push<long> jobs;
        jobs.connect("inproc://jobs");
        pull<int> worker;
        worker.bind("inproc://jobs", failed);
        CHECK(failed == greenroom::errc::wrong_type);
        CHECK_FALSE(worker.try_receive());
        pull<long> other;
        other.bind("inproc://jobs");
      }
      SUBCASE("of a reply for a request") {
        req<int, std::string> asking;
        asking.bind("inproc://names");
        rep<std::string, int> server;
        server.connect("inproc://names", failed);
        CHECK(failed == greenroom::errc::wrong_type);
      }
      SUBCASE("with themselves") {
        dealer<int, int> both;
        both.bind("inproc://both");
        both.connect("inproc://both", failed);
        CHECK(failed == inproc::errc::incompatible);
      }
    });
  }

  TEST_CASE("one socket is bound and connected to several endpoints") {
    in_hub([] {
      pull<int> one, two;
      one.bind("inproc://one");
      one.bind("inproc://one too");
      two.bind("inproc://two");
      push<int> jobs;
      for (const char* each :
           {"inproc://one", "inproc://one too", "inproc://two"})
        jobs.connect(each);
      for (int i = 0; i < 3; ++i)
        jobs.send(int{i});
      CHECK(all_of(one) == numbers{0, 1});
      CHECK(all_of(two) == numbers{2});
      jobs.disconnect("inproc://one too");
      for (int i = 3; i < 7; ++i)
        jobs.send(int{i});
      CHECK(all_of(one).size() == 2);
      CHECK(all_of(two).size() == 2);
    });
  }

  TEST_CASE("a disconnected socket still receives what was sent to it") {
    in_hub([] {
      push<int> jobs;
      pull<int> worker;
      jobs.bind("inproc://jobs");
      worker.connect("inproc://jobs");
      jobs.send(1);
      jobs.send(2);
      worker.disconnect("inproc://jobs");
      CHECK_FALSE(jobs.try_send(3));
      CHECK(all_of(worker) == numbers{1, 2});
      worker.connect("inproc://jobs");
      jobs.send(4);
      worker.disconnect("inproc://jobs");
      jobs.close();
      CHECK(worker.receive() == 4);
    });
  }

  TEST_CASE("a connection that waits for nobody can be taken back") {
    in_hub([] {
      push<int> jobs;
      jobs.connect("inproc://jobs");
      jobs.send(1);
      jobs.disconnect("inproc://jobs");
      pull<int> worker;
      worker.bind("inproc://jobs");
      CHECK_FALSE(worker.try_receive());
      CHECK_FALSE(jobs.try_send(2));
    });
  }

  TEST_CASE("a socket is moved with all it has") {
    in_hub([] {
      push<int> jobs;
      jobs.bind("inproc://jobs");
      pull<int> worker;
      worker.connect("inproc://jobs");
      jobs.send(1);
      pull<int> moved = std::move(worker);
      CHECK(moved.receive() == 1);
      pull<int> other;
      other.bind("inproc://other");
      other = std::move(moved);
      CHECK_FALSE(bind_error("inproc://other"));
      jobs.send(2);
      CHECK(other.receive() == 2);
    });
  }

  TEST_CASE("a socket is its hub's, and so are endpoints") {
    in_hub([] {
      pull<int> worker;
      worker.bind("inproc://jobs");
      std::string error;
      std::error_code failed = greenroom::errc::closed;
      std::thread other([&] {
        error = error_of([&] { worker.try_receive(); });
        failed = bind_error("inproc://jobs");
      });
      other.join();
      CHECK(mentions(error, "greenroom::wrong_hub"));
      CHECK_FALSE(failed);
    });
  }

  TEST_CASE("peers may come and go while others wait") {
    in_hub([] {
      push<int> jobs;
      jobs.bind("inproc://jobs");
      int got = 0;
      auto sending = spawn([&] {
        for (int i = 0; i < 100; ++i)
          jobs.send(int{i});
      });
      while (!sending.ready()) {
        pull<int> worker;
        worker.set_receive_limit(1);
        worker.connect("inproc://jobs");
        yield();
        while (got % 7 < 6 && worker.try_receive())
          ++got;
        ++got;
        if (got > 10000) break;
      }
      sending.join(1s);
      CHECK(sending.ready());
    });
  }
}
