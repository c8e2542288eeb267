#include "hub/support.hpp"
#include "io/process_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/message_stream.hpp>
#include <greenroom/io/process.hpp>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

/// This program again, as the child below.
process echoing_child(process_options options = {}) {
  options.output = stdio::null;
  options.channel = true;
  return process{"/proc/self/exe",
                 {"--no-skip", "--test-case=a child that echoes messages"},
                 options};
}

} // namespace

TEST_SUITE("io") {
  TEST_CASE("a child that echoes messages" * doctest::skip()) {
    in_real_hub([] {
      auto parent = parent_channel();
      REQUIRE(parent);
      parent->send(parent_channel() || std::getenv("GREENROOM_CHANNEL")
                       ? "found twice"
                       : "begun");
      parent->send(printed("ls /proc/self/fd | wc -l; echo $GREENROOM_CHANNEL",
                           {.input = stdio::null, .error = stdio::null}));
      while (const auto message = parent->receive(20s))
        parent->send("echo " + *message);
    });
  }

  TEST_CASE("parent and child exchange messages") {
    in_real_hub([] {
      process child = echoing_child();
      message_stream& channel = child.channel();
      CHECK(channel.receive(20s) == "begun");
      CHECK(channel.receive(20s) == "4\n\n"); // 0, 1, 2 and ls' own
      channel.send("one");
      channel.send(std::string(1 << 20, 'x'));
      CHECK(channel.receive(20s) == "echo one");
      CHECK(channel.receive(20s)->size() == (1 << 20) + 5);
      channel.shutdown_write();
      CHECK_FALSE(channel.receive(20s));
      CHECK(child.wait(20s).success());
    });
    CHECK(has_no_children());
  }

  TEST_CASE("the parent sees the end of its child in the channel") {
    in_real_hub([] {
      process child = echoing_child();
      CHECK(child.channel().receive(20s) == "begun");
      CHECK(child.channel().receive(20s));
      child.kill();
      std::error_code failed;
      CHECK_FALSE(child.channel().receive(20s, failed));
      CHECK(child.wait(20s).signal == SIGKILL);
    });
  }

  TEST_CASE("several children have channels of their own") {
    in_real_hub([] {
      std::vector<process> children;
      for (int i = 0; i < 3; ++i)
        children.push_back(echoing_child());
      for (process& each : children) {
        each.channel().send(std::to_string(each.pid()));
        each.channel().shutdown_write(); // the others hold no end of it
      }
      for (process& each : children) {
        CHECK(each.channel().receive(20s) == "begun");
        CHECK(each.channel().receive(20s));
        CHECK(each.channel().receive(20s) ==
              "echo " + std::to_string(each.pid()));
        CHECK_FALSE(each.channel().receive(20s));
        CHECK(each.wait(20s).success());
      }
    });
  }

  TEST_CASE("a channel goes with its process") {
    in_real_hub([] {
      process child = echoing_child();
      std::error_code failed;
      auto reader = spawn([&] {
        while (!failed)
          child.channel().receive(20s, failed);
      });
      sleep(1ms);
      child = process{"true"};
      reader.join();
      CHECK(failed == errc::closed);
      CHECK_THROWS_AS(child.channel(), std::logic_error);
    });
    CHECK(has_no_children());
  }

  TEST_CASE("without a parent that gives one there is no channel") {
    in_real_hub([] {
      CHECK_FALSE(parent_channel());
      ::setenv("GREENROOM_CHANNEL", "none", 1);
      CHECK(printed("echo $GREENROOM_CHANNEL") == "\n"); // it is not for it
      CHECK_THROWS_AS(parent_channel(), std::system_error);
      CHECK_FALSE(parent_channel());
      const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      ::setenv("GREENROOM_CHANNEL", std::to_string(null).c_str(), 1);
      CHECK_THROWS_AS(parent_channel(), std::system_error);
      ::close(null);
    });
  }
}
