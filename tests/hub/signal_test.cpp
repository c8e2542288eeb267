#include "hub/support.hpp"

#include <greenroom/hub/signal.hpp>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

volatile std::sig_atomic_t reached_before = 0;

void handler_before(int) {
  reached_before = reached_before + 1;
}

/// What a signal does outside this, put back at the end.
struct with_handler_before {
  explicit with_handler_before(int number) : signal(number) {
    reached_before = 0;
    old = std::signal(number, &handler_before);
  }
  ~with_handler_before() { std::signal(signal, old); }
  int signal;
  void (*old)(int);
};

} // namespace

TEST_SUITE("hub") {
  TEST_CASE("a signal calls its function in a fresh greenlet, which may wait") {
    in_hub([] {
      std::string trace;
      auto handler = on_signal(SIGUSR1, [&] {
        CHECK(&current() != &hub::current().main_greenlet());
        sleep(1s);
        trace += "handled ";
      });
      std::raise(SIGUSR1);
      CHECK(trace.empty());
      sleep(2s);
      CHECK(trace == "handled ");
      std::raise(SIGUSR1);
      sleep(2s);
      CHECK(trace == "handled handled ");
      handler.cancel();
    });
  }

  TEST_CASE("a burst of one signal counts once") {
    in_hub([] {
      int count = 0;
      auto handler = on_signal(SIGUSR1, [&] { ++count; });
      for (int i = 0; i < 5; ++i)
        std::raise(SIGUSR1);
      idle();
      CHECK(count == 1);
      handler.cancel();
    });
  }

  TEST_CASE("a cancelled handler leaves the signal as it was before") {
    const with_handler_before before{SIGUSR1};
    in_hub([] {
      int count = 0;
      auto handler = on_signal(SIGUSR1, [&] { ++count; });
      std::raise(SIGUSR1);
      idle();
      handler.cancel();
      handler.cancel();
      std::raise(SIGUSR1);
      idle();
      CHECK(count == 1);
      CHECK(reached_before == 1);
    });
  }

  TEST_CASE("the end of a hub leaves its signals as they were before") {
    const with_handler_before before{SIGUSR2};
    in_hub([] { on_signal(SIGUSR2, [] {}); });
    std::raise(SIGUSR2);
    CHECK(reached_before == 1);
  }

  TEST_CASE("a later registration replaces the one before") {
    const with_handler_before before{SIGUSR1};
    in_hub([] {
      std::string trace;
      on_signal(SIGUSR1, [&] { trace += "first "; });
      auto handler = on_signal(SIGUSR1, [&] { trace += "second "; });
      std::raise(SIGUSR1);
      idle();
      CHECK(trace == "second ");
      handler.cancel();
      std::raise(SIGUSR1);
      CHECK(reached_before == 1);
    });
  }

  TEST_CASE("an arrival before a cancel is not a later handler's") {
    in_hub([] {
      int early = 0;
      int late = 0;
      auto first = on_signal(SIGUSR1, [&] { ++early; });
      std::raise(SIGUSR1);
      first.cancel();
      auto second = on_signal(SIGUSR1, [&] { ++late; });
      idle();
      CHECK(early == 0);
      CHECK(late == 0);
      second.cancel();
    });
  }

  TEST_CASE("two signals have two handlers") {
    in_hub([] {
      std::string trace;
      auto one = on_signal(SIGUSR1, [&] { trace += "1"; });
      auto two = on_signal(SIGUSR2, [&] { trace += "2"; });
      std::raise(SIGUSR2);
      idle();
      std::raise(SIGUSR1);
      idle();
      CHECK(trace == "21");
      one.cancel();
      two.cancel();
    });
  }

  TEST_CASE("a handler that throws stays installed") {
    test::captured_log log;
    in_hub([] {
      auto handler =
          on_signal(SIGUSR1, [] { throw std::runtime_error("in a handler"); });
      for (int i = 0; i < 2; ++i) {
        std::raise(SIGUSR1);
        idle();
      }
      handler.cancel();
    });
    CHECK(log.count("in a handler") == 2);
  }

  TEST_CASE("a signal that cannot be handled is an error") {
    in_hub([] {
      CHECK_THROWS_AS(on_signal(SIGKILL, [] {}), std::system_error);
      CHECK_THROWS_AS(on_signal(SIGKILL, [] {}), std::system_error);
      CHECK_THROWS_AS(on_signal(0, [] {}), std::system_error);
      CHECK_THROWS_AS(on_signal(1000, [] {}), std::system_error);
    });
  }

  TEST_CASE("a signal belongs to the hub that registered it first") {
    in_hub([] {
      auto handler = on_signal(SIGUSR1, [] {});
      in_hub([] { CHECK_THROWS_AS(on_signal(SIGUSR1, [] {}), wrong_hub); });
      handler.cancel();
      in_hub([] { on_signal(SIGUSR1, [] {}).cancel(); });
    });
  }

  TEST_CASE("a handler alone does not keep the hub from loop_exit") {
    in_hub([] {
      auto handler = on_signal(SIGUSR1, [] {});
      wait_list list;
      CHECK_THROWS_AS(list.wait({}, "list", nullptr), loop_exit);
      handler.cancel();
    });
  }

  TEST_CASE("a signal wakes a hub that sleeps") {
    in_hub([] {
      wait_list list;
      const work_guard guard;
      auto handler = on_signal(SIGUSR1, [&] { list.wake_one(); });
      hub& here = hub::current();
      std::thread other([&] {
        while (!here.is_asleep())
          std::this_thread::yield();
        std::raise(SIGUSR1); // on this thread: the handler tells the hub
      });
      CHECK(list.wait({}, "list", nullptr));
      other.join();
      handler.cancel();
    });
  }

  TEST_CASE("an interrupt is thrown in main at its waiting call") {
    in_hub([] {
      signals_interrupt_main({SIGUSR1});
      spawn([] { std::raise(SIGUSR1); });
      int caught = 0;
      try {
        sleep(1h);
      } catch (const interrupted& signal) {
        caught = signal.signal();
      }
      CHECK(caught == SIGUSR1);
      CHECK(test::time_of([] { sleep(1s); }) == 1s);
    });
  }

  TEST_CASE("an interrupt waits for main's next waiting call") {
    in_hub([] {
      signals_interrupt_main({SIGUSR1});
      std::raise(SIGUSR1);
      bool went_on = true;
      yield(); // the hub has not looked yet
      CHECK(went_on);
      CHECK_THROWS_AS(sleep(1h), interrupted);
    });
  }

  TEST_CASE("an interrupt is no std::exception") {
    CHECK_FALSE(std::is_base_of_v<std::exception, interrupted>);
  }

  TEST_CASE("an interrupt does not touch other greenlets") {
    in_hub([] {
      signals_interrupt_main({SIGUSR1, SIGUSR2});
      const auto other = spawn([] { sleep(2s); });
      spawn([] {
        sleep(1s);
        std::raise(SIGUSR2);
      });
      CHECK_THROWS_AS(other.join(), interrupted);
      CHECK(other.join());
      CHECK(other.successful());
    });
  }
}
