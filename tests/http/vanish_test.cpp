// Clients and servers that vanish after any byte.

#include "http/support.hpp"
#include "io/tcp_support.hpp"

#include <greenroom/http/client.hpp>

#include <doctest/doctest.h>

#include <string>
#include <system_error>
#include <vector>

namespace test {
namespace {

using greenroom::spawn;
using greenroom::http::client;

enum class end { closed, reset };
constexpr std::array both_ends{end::closed, end::reset};

void leave(tcp_socket& peer, end how) {
  how == end::reset ? peer.reset() : peer.close();
}

/// How many of the requests were handled to their end.
int handled(const std::string& said, end how) {
  int count = 0;
  connection both;
  if (!said.empty()) both.near.write(said);
  leave(both.near, how);
  greenroom::sleep(1ms); // so that the reset is there
  serve(both.far, [&](request& asked, response& answer) {
    answer.send(asked.body());
    ++count;
  });
  return count;
}

/// What a client makes of a reply that ends so: its body, or the error.
std::string reply_of(const std::string& said, end how, std::error_code& why) {
  tcp_listener door{{"127.0.0.1", 0}};
  const auto serving = spawn([&] {
    auto peer = door.accept();
    std::array<char, 4096> request;
    peer.read_some(request);
    if (!said.empty()) peer.write(said);
    greenroom::sleep(1ms); // so that it was read
    leave(peer, how);
  });
  client web;
  std::string body;
  try {
    body = web.get("http://" + door.local().text() + "/").body();
  } catch (const std::system_error& failed) {
    why = failed.code();
  }
  serving.join();
  return body;
}

bool is_clear(const std::error_code& why) {
  return why == greenroom::errc::closed || why == std::errc::connection_reset ||
         why == std::errc::protocol_error;
}

TEST_SUITE("http") {
  TEST_CASE("a request that is cut off after any byte is not handled") {
    const std::string length =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    const std::string chunks =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n0\r\n\r\n";
    for (const std::string& each : {get, length, chunks, get + length})
      in_hub([&] {
        const int all = each.starts_with(get + "P") ? 2 : 1;
        for (std::size_t cut = 0; cut <= each.size(); ++cut) {
          CAPTURE(each);
          CAPTURE(cut);
          const bool first = all == 2 && cut >= get.size();
          CHECK(handled(each.substr(0, cut), end::closed) == (cut == each.size()
                                                                  ? all
                                                              : first ? 1
                                                                      : 0));
          CHECK(handled(each.substr(0, cut), end::reset) <= all);
        }
      });
  }

  TEST_CASE("a reply that is cut off after any byte is an error") {
    const std::string head = "HTTP/1.1 200 OK\r\n";
    const std::vector<std::string> replies{
        head + "Content-Length: 3\r\n\r\nabc",
        head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n" + head + "Content-Length: 3\r\n\r\nabc",
    };
    for (const std::string& each : replies)
      in_hub([&] {
        for (const end how : both_ends)
          for (std::size_t cut = 0; cut <= each.size(); ++cut) {
            CAPTURE(each);
            CAPTURE(cut);
            std::error_code why;
            const std::string body = reply_of(each.substr(0, cut), how, why);
            const bool whole = cut == each.size();
            CHECK(body == (whole ? "abc" : ""));
            CHECK((whole ? !why : is_clear(why)));
          }
      });
  }

  TEST_CASE("a reply up to the end of the connection is cut off by a reset") {
    const std::string reply = "HTTP/1.1 200 OK\r\n\r\nabc";
    for (std::size_t cut = 0; cut <= reply.size(); ++cut)
      in_hub([&] {
        CAPTURE(cut);
        std::error_code why;
        reply_of(reply.substr(0, cut), end::reset, why);
        CHECK(is_clear(why));
        const bool has_head = cut >= reply.size() - 3;
        why.clear();
        const std::string body =
            reply_of(reply.substr(0, cut), end::closed, why);
        CHECK(body ==
              (has_head ? reply.substr(reply.size() - 3, cut + 3 - reply.size())
                        : ""));
        CHECK((has_head ? !why : is_clear(why)));
      });
  }
}

} // namespace
} // namespace test
