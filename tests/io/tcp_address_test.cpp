#include "hub/support.hpp"

#include <greenroom/io/tcp_address.hpp>
#include <greenroom/io/unix_address.hpp>

#include <string>
#include <system_error>

using namespace greenroom;

TEST_SUITE("io") {
  TEST_CASE("an address is read as people write it") {
    CHECK(tcp_address::parse("localhost:80") == tcp_address{"localhost", 80});
    CHECK(tcp_address::parse("10.0.0.1:0") == tcp_address{"10.0.0.1", 0});
    CHECK(tcp_address::parse("[::1]:65535") == tcp_address{"::1", 65535});
    CHECK(tcp_address::parse(":80") == tcp_address{"", 80});
    CHECK(tcp_address::parse("*:80") == tcp_address{"", 80});
    CHECK(tcp_address::parse("80") == tcp_address{"", 80});
  }

  TEST_CASE("what is no address is refused, and shown") {
    for (const char* text : {"", ":", "host", "host:", "host:x", "host:-1",
                             "host:65536", "host:80x", "::1:80", "[::1]",
                             "[]:80", "[:80", "a]:80", "host: 80"}) {
      CAPTURE(text);
      CHECK(test::error_of([&] { tcp_address::parse(text); }) ==
            "std::system_error: tcp_address::parse: \"" + std::string(text) +
                "\": Invalid argument");
    }
  }

  TEST_CASE("an address and its text are the same") {
    for (const tcp_address& each :
         {tcp_address{"::1", 1}, tcp_address{"a.test", 2}, tcp_address{"", 3}})
      CHECK(tcp_address::parse(each.text()) == each);
  }

  TEST_CASE("an abstract name is shown with an @") {
    const auto name = unix_address::abstract("service");
    CHECK(name.is_abstract());
    CHECK(name.text() == "@service");
    CHECK(unix_address{"/run/x"}.text() == "/run/x");
    CHECK_FALSE(unix_address{}.is_abstract());
  }
}
