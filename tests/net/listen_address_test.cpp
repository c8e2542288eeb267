#include <greenroom/net/listen_address.hpp>
#include <greenroom/net/stream_server.hpp>

#include <greenroom/io/tcp.hpp>
#include <greenroom/io/unix.hpp>

#include "hub/support.hpp"
#include "io/temporary_folder.hpp"
#include "net/server_support.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <string>
#include <string_view>
#include <system_error>
#include <utility>

using namespace greenroom;
using namespace test;

namespace {

std::string text_of(const listen_address& at) {
  return at.text();
}

std::error_code error_of_text(std::string_view text) {
  try {
    const listen_address at{text};
  } catch (const std::system_error& error) {
    CHECK(std::string_view(error.what()).find(text) != std::string_view::npos);
    return error.code();
  }
  return {};
}

std::string heard_at(const unix_address& at) {
  unix_socket visitor = unix_socket::connect(at);
  return read_all(visitor);
}

} // namespace

TEST_SUITE("net") {
  TEST_CASE("where to listen is said in many ways") {
    CHECK(text_of(0) == ":0");
    CHECK(text_of(5000) == ":5000");
    CHECK(text_of({"127.0.0.1", 5000}) == "127.0.0.1:5000");
    CHECK(text_of(tcp_address{"::1", 80}) == "[::1]:80");
    CHECK(text_of("127.0.0.1:5000") == "127.0.0.1:5000");
    CHECK(text_of(std::string("*:5000")) == ":5000");
    CHECK(text_of(":5000") == ":5000");
    CHECK(text_of("5000") == ":5000");
    CHECK(text_of("[::1]:80") == "[::1]:80");
    CHECK(text_of("unix:/run/service") == "unix:/run/service");
    CHECK(text_of("unix:@service") == "unix:@service");
    CHECK(text_of(unix_address{"/run/service"}) == "unix:/run/service");
  }

  TEST_CASE("what means no address is refused, and named") {
    for (const char* text : {"", "host", "host:", "host:99999", "host:-1",
                             "::1:80", "unix:", "unix:@", "host:80:90"}) {
      CAPTURE(text);
      CHECK(error_of_text(text) == std::errc::invalid_argument);
    }
    CHECK(test::error_of([] { listen_address{65536}; }).find("65536") !=
          std::string::npos);
    CHECK(test::error_of([] { listen_address{-1}; }).find("port -1") !=
          std::string::npos);
  }

  TEST_CASE("a server at a path") {
    in_hub([] {
      const temporary_folder folder;
      const unix_address at{folder.path() + "/door"};
      stream_server server{at, greet};
      for (int round = 0; round < 2; ++round) {
        server.start();
        CHECK(server.local() == tcp_address{});
        CHECK(server.local_name() == "unix:" + at.path);
        CHECK(heard_at(at) == "hello");
        server.stop();
        CHECK(::access(at.path.c_str(), F_OK) != 0);
      }
    });
  }

  TEST_CASE("a server with an abstract name") {
    in_hub([] {
      const std::string name = "greenroom-test-" + std::to_string(::getpid());
      stream_server server{"unix:@" + name, greet};
      server.start();
      CHECK(heard_at(unix_address::abstract(name)) == "hello");
    });
  }

  TEST_CASE("a ready listener is served, and its address again") {
    in_hub([] {
      tcp_listener ready{anywhere};
      const tcp_address at = ready.local();
      stream_server server{std::move(ready), greet};
      CHECK(server.local() == at);
      for (int round = 0; round < 2; ++round) {
        server.start();
        CHECK(server.local() == at);
        tcp_socket visitor = tcp_socket::connect(at);
        CHECK(read_all(visitor) == "hello");
        server.stop();
      }
    });
  }

  TEST_CASE("a ready listener at a path") {
    in_hub([] {
      const temporary_folder folder;
      const unix_address at{folder.path() + "/door"};
      stream_server server{unix_listener{at}, greet};
      server.start();
      CHECK(heard_at(at) == "hello");
      server.stop();
      server.start();
      CHECK(heard_at(at) == "hello");
    });
  }

  TEST_CASE("a server on port 0 is on the same port when it starts again") {
    in_hub([] {
      stream_server server{anywhere, greet};
      server.start();
      const tcp_address at = server.local();
      server.stop();
      CHECK(server.local() == at);
      server.start();
      CHECK(server.local() == at);
    });
  }
}
