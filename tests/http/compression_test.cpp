#include "http/gzip_support.hpp"
#include "http/support.hpp"
#include "io/temporary_folder.hpp"

#include <greenroom/http/compression.hpp>
#include <greenroom/http/error.hpp>
#include <greenroom/http/router.hpp>
#include <greenroom/http/server.hpp>
#include <greenroom/http/static_files.hpp>
#include <greenroom/io/process.hpp>
#include <greenroom/mailbox/event.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace test {
namespace {

using namespace std::chrono_literals;
using greenroom::http::compressed;
using greenroom::http::compression;
using greenroom::http::error;
using greenroom::http::router;
using greenroom::http::server;

/// Text that is not all the same.
std::string prose(std::size_t bytes) {
  std::minstd_rand generator{7};
  std::string all;
  while (all.size() < bytes)
    all += std::to_string(generator() % 1000) + " green rooms; ";
  all.resize(bytes);
  return all;
}

const std::string page = prose(3000);

handler squeezed(handler inner, compression how = {}) {
  return [around = compressed(std::move(how)),
          inner = std::move(inner)](request& asked, response& answer) {
    around(asked, answer, inner);
  };
}

std::string asking(const std::string& fields,
                   const std::string& line = "GET / HTTP/1.1") {
  return line + "\r\nHost: a\r\n" + fields + "\r\n";
}

const std::string in_gzip = asking("Accept-Encoding: gzip\r\n");

bool is_gzip(const std::string& answer) {
  return has(answer, "\r\nContent-Encoding: gzip\r\n");
}

bool has_vary(const std::string& answer) {
  return has(answer, "\r\nVary: Accept-Encoding\r\n");
}

} // namespace

TEST_CASE("a body is compressed for those who accept gzip") {
  const handler send = [](request&, response& answer) { answer.send(page); };
  const std::string answer = answer_to(in_gzip, squeezed(send));
  CHECK(is_gzip(answer));
  CHECK(has_vary(answer));
  const std::string body = body_of(answer);
  CHECK(has(answer, "Content-Length: " + std::to_string(body.size()) + "\r\n"));
  CHECK(body.size() < page.size() / 2);
  CHECK(gunzip(body).text == page);
  CHECK(gunzip(body).whole);
}

TEST_CASE("who accepts gzip is told by weights") {
  const handler send = [](request&, response& answer) { answer.send(page); };
  const handler serves = squeezed(send);
  const std::vector<std::pair<std::string, bool>> cases{
      {"gzip", true},
      {"GZip", true},
      {"x-gzip", true},
      {"deflate, gzip;q=1.0, *;q=0.5", true},
      {"br;q=1, gzip;q=0.001", true},
      {"gzip ; Q=0.5", true},
      {"*", true},
      {"*;q=0.1", true},
      {"gzip;q=0.5,identity;q=0.5", true},
      {"gzip\r\nAccept-Encoding: br", true},
      {"br\r\nAccept-Encoding: gzip", true},
      {"", false},
      {"br", false},
      {"gzipped", false},
      {"identity", false},
      {"gzip;q=0", false},
      {"gzip;q=0.000", false},
      {"gzip;q=0, *", false},
      {"*;q=0", false},
      {"gzip;q=0.5, identity", false},
      {"gzip;q=x", false},
      {"gzip;q=-1", false},
      {"gzip;q=2", false},
      {"gzip;q=nan", false},
      {"gzip;q=1x", false},
      {";;;,,=", false},
      {std::string(8000, ','), false}};
  for (const auto& each : cases) {
    const std::string& value = each.first;
    const bool wanted = each.second;
    CAPTURE(value);
    const std::string answer =
        answer_to(asking("Accept-Encoding: " + value + "\r\n"), serves);
    CHECK(is_gzip(answer) == wanted);
    CHECK(has_vary(answer));
    if (!wanted) CHECK(body_of(answer) == page);
  }
  CHECK_FALSE(is_gzip(answer_to(asking(""), serves)));
}

TEST_CASE("what is not worth it, or may not be, is left as it is") {
  struct left {
    std::string why;
    handler handle;
  };
  const std::vector<left> cases{
      {"small", [](request&, response& to) { to.send(page.substr(0, 1023)); }},
      {"empty", [](request&, response& to) { to.send(""); }},
      {"of another type",
       [](request&, response& to) { to.send(page, "image/png"); }},
      {"of no type", [](request&, response& to) { to.write(page); }},
      {"encoded",
       [](request&, response& to) {
         to.set("Content-Encoding", "br").send(page);
       }},
      {"a part",
       [](request&, response& to) {
         to.status(206).set("Content-Range", "bytes 0-2999/9000").send(page);
       }},
      {"no content", [](request&, response& to) { to.status(204).end(); }},
      {"an error", [](request&, response&) { throw error(404, page); }}};
  for (const left& each : cases) {
    CAPTURE(each.why);
    CHECK(answer_to(in_gzip, squeezed(each.handle)) ==
          answer_to(in_gzip, each.handle));
  }
}

TEST_CASE("HEAD, HTTP/1.0 and 304 get no body in gzip, but hear of it") {
  const handler send = [](request&, response& answer) { answer.send(page); };
  const std::string accept = "Accept-Encoding: gzip\r\n";
  for (const char* line : {"HEAD / HTTP/1.1", "GET / HTTP/1.0"}) {
    const std::string answer = answer_to(asking(accept, line), squeezed(send));
    CHECK_FALSE(is_gzip(answer));
    CHECK(has_vary(answer));
    CHECK(has(answer, "Content-Length: 3000\r\n"));
  }
  const std::string answer =
      answer_to(in_gzip, squeezed([](request&, response& to) {
                  to.status(304).set("ETag", "\"x\"").end();
                }));
  CHECK_FALSE(is_gzip(answer));
  CHECK(has_vary(answer));
}

TEST_CASE("a strong ETag becomes a weak one, and parts are not offered") {
  const auto headers = [](std::string tag, std::string vary) {
    return squeezed([=](request&, response& answer) {
      answer.set("ETag", tag).set("Vary", vary).set("Accept-Ranges", "bytes");
      answer.send(page, "text/html; charset=utf-8");
    });
  };
  const std::string strong = answer_to(in_gzip, headers("\"a\"", "Cookie"));
  CHECK(has(strong, "\r\nETag: W/\"a\"\r\n"));
  CHECK(has(strong, "\r\nVary: Cookie\r\n"));
  CHECK(has_vary(strong));
  CHECK_FALSE(has(strong, "Accept-Ranges"));
  const std::string weak =
      answer_to(in_gzip, headers("W/\"a\"", "Cookie, accept-encoding"));
  CHECK(has(weak, "\r\nETag: W/\"a\"\r\n"));
  CHECK_FALSE(has_vary(weak));
  CHECK_FALSE(has_vary(answer_to(in_gzip, headers("\"a\"", "*"))));
}

TEST_CASE("each piece can be read as soon as it was written") {
  const std::vector<std::string> pieces{"a", prose(10),    "", prose(200'000),
                                        "x", prose(65'536)};
  in_hub([&] {
    scripted_stream client{{in_gzip}};
    serve(client, squeezed([&](request&, response& answer) {
            answer.set("Content-Type", "text/plain");
            std::string so_far;
            for (const std::string& each : pieces) {
              answer.write(each);
              so_far += each;
              CHECK(gunzip(without_chunks(body_of(client.written()))).text ==
                    so_far);
            }
          }));
    const std::string answer = client.written();
    CHECK(is_gzip(answer));
    CHECK(has(answer, "Transfer-Encoding: chunked\r\n"));
    CHECK(gunzip(without_chunks(body_of(answer))).whole);
    CHECK(answer.ends_with("\r\n0\r\n\r\n"));
  });
}

TEST_CASE("a body of a length given beforehand has to have it") {
  const auto writes = [](std::size_t bytes) {
    return squeezed([=](request&, response& answer) {
      answer.set("Content-Type", "text/plain").set("Content-Length", "3000");
      answer.write(prose(bytes));
    });
  };
  const std::string answer = answer_to(in_gzip, writes(3000));
  CHECK(is_gzip(answer));
  CHECK_FALSE(has(answer, "Content-Length"));
  CHECK(gunzip(without_chunks(body_of(answer))).text == page);
  for (const std::size_t bytes : {2999, 3001}) {
    const std::string wrong = answer_to(in_gzip, writes(bytes));
    CHECK_FALSE(wrong.ends_with("0\r\n\r\n")); // it ends with the connection
  }
}

TEST_CASE("a handler that fails halfway leaves a body that is not whole") {
  const std::string answer =
      answer_to(in_gzip, squeezed([](request&, response& to) {
                  to.set("Content-Type", "text/plain").write(page);
                  throw error(500);
                }));
  const unzipped got = gunzip(without_chunks(body_of(answer)));
  CHECK(got.text == page);
  CHECK_FALSE(got.whole);
  CHECK_FALSE(answer.ends_with("0\r\n\r\n"));
}

TEST_CASE("others run while a large body is compressed") {
  in_hub([&] {
    for (const bool in_pieces : {false, true}) {
      int turns = 0;
      const auto other = greenroom::spawn([&] {
        for (;;) {
          ++turns;
          greenroom::yield();
        }
      });
      scripted_stream client{{in_gzip}};
      serve(client, squeezed([&](request&, response& answer) {
              answer.set("Content-Type", "text/plain");
              const std::string large = prose(1'000'000);
              in_pieces ? answer.write(large) : answer.send(large);
            }));
      CHECK(turns > 10);
      other.kill();
    }
  });
}

TEST_CASE("a body given up while it was compressed is not taken for whole") {
  const std::string large = prose(1'000'000);
  const auto late = [&](bool in_pieces, const handler& then) {
    return answer_to(in_gzip, squeezed([&](request& asked, response& answer) {
                       answer.set("Content-Type", "text/plain");
                       auto working = greenroom::spawn([&] {
                         in_pieces ? answer.write(large) : answer.send(large);
                       });
                       greenroom::yield();
                       CHECK_FALSE(working.dead());
                       working.kill();
                       then(asked, answer);
                     }));
  };
  const std::string other =
      late(false, [](request&, response& answer) { answer.send("late"); });
  CHECK_FALSE(is_gzip(other));
  CHECK(body_of(other) == "late");
  const std::string again =
      late(false, [](request&, response& answer) { answer.send(page); });
  CHECK(gunzip(body_of(again)).text == page);
  for (const bool goes_on : {false, true}) {
    const std::string cut = late(true, [&](request&, response& answer) {
      if (goes_on) answer.write("more");
    });
    CHECK(is_gzip(cut));
    CHECK_FALSE(cut.ends_with("\r\n0\r\n\r\n"));
  }
}

TEST_CASE("a second request is judged anew") {
  const std::string text = in_gzip + asking("") + in_gzip;
  int count = 0;
  in_hub([&] {
    scripted_stream client{{text}};
    serve(client, squeezed([&](request&, response& answer) {
            answer.send(++count == 3 ? "small" : page);
          }));
    const std::string all = client.written();
    const auto second = all.find("HTTP/1.1", 1);
    const auto third = all.find("HTTP/1.1", second + 1);
    CHECK(is_gzip(all.substr(0, second)));
    CHECK(body_of(all.substr(second, third - second)) == page);
    CHECK_FALSE(is_gzip(all.substr(third)));
  });
}

TEST_CASE("types, the least size and the level are chosen") {
  const handler send = [](request&, response& answer) {
    answer.send(page.substr(0, 100), "application/x-own");
  };
  compression how;
  how.types = {"Application/X-Own"};
  how.least = 100;
  how.level = 9;
  CHECK(is_gzip(answer_to(in_gzip, squeezed(send, how))));
  how.least = 101;
  CHECK_FALSE(is_gzip(answer_to(in_gzip, squeezed(send, how))));
  for (const int level : {-1, 0, 10}) {
    how.level = level;
    CHECK_THROWS_AS(compressed(how), std::invalid_argument);
  }
}

TEST_CASE("bodies of every size come through, at every level") {
  for (const int level : {1, 4, 9})
    for (const std::size_t bytes :
         {1, 200, 249, 250, 251, 1000, 7929, 7930, 32'768, 65'536, 65'537}) {
      compression how;
      how.least = 1;
      how.level = level;
      const std::string body = prose(bytes);
      const std::string answer = answer_to(
          in_gzip,
          squeezed([&](request&, response& to) { to.send(body); }, how));
      CHECK(gunzip(body_of(answer)).text == body);
    }
}

namespace {

/// A server that compresses: a page, one in pieces each of which waits until
/// `go` is asked for, a file.
router make_site(const std::filesystem::path& file, greenroom::event& go) {
  router routes;
  routes.use(compressed());
  routes.get("/page", [](request&, response& to) { to.send(page); });
  routes.get("/pieces", [&](request&, response& to) {
    to.set("Content-Type", "text/plain");
    for (const char* each : {"one", "two", "three"}) {
      to.write(each);
      go.wait();
      go.clear();
    }
  });
  routes.get("/go", [&](request&, response& to) {
    go.set();
    to.send("gone");
  });
  routes.get("/file", [file](request& asked, response& to) {
    greenroom::http::send_file(asked, to, file);
  });
  return routes;
}

const char* const reader = R"(
import sys, urllib.request, zlib
url = sys.argv[1]
asked = urllib.request.Request(url + "/pieces",
                               headers={"Accept-Encoding": "gzip"})
got = urllib.request.urlopen(asked)
assert got.headers["Content-Encoding"] == "gzip"
unpack = zlib.decompressobj(31)
for piece in [b"one", b"two", b"three"]:
    seen = b""
    while seen != piece:
        seen += unpack.decompress(got.read1(1))
    assert urllib.request.urlopen(url + "/go").read() == b"gone"
rest = unpack.decompress(got.read())
assert rest == b"" and unpack.eof and not unpack.unused_data
print("whole")
)";

} // namespace

TEST_CASE("curl and Python read what is compressed") {
  temporary_folder folder;
  const std::filesystem::path file = folder.path() + "/page.html";
  const std::string large = prose(300'000);
  std::ofstream(file) << large;
  in_hub_on(greenroom::clock_kind::real, [&] {
    greenroom::event go;
    server house{{"127.0.0.1", 0}, make_site(file, go)};
    house.start();
    const std::string url = "http://" + house.local().text();
    const auto curl = [&](std::vector<std::string> more) {
      more.insert(more.begin(), "-sS");
      const auto done = greenroom::run("curl", more, {}, 60s);
      CHECK(done.error == "");
      return done.output;
    };
    CHECK(curl({"--compressed", url + "/page"}) == page);
    CHECK(curl({url + "/page"}) == page);
    CHECK(curl({"--compressed", url + "/page", url + "/file"}) == page + large);
    CHECK(curl({"--compressed", "-r", "10-19", url + "/file"}) ==
          large.substr(10, 10));
    const std::string heads = curl({"--compressed", "-D", "-", url + "/file"});
    CHECK(is_gzip(heads));
    CHECK(has(heads, "\r\nETag: W/\""));
    const auto tag = heads.find("W/\"");
    const std::string again = curl(
        {"--compressed", "-i", "-H",
         "If-None-Match: " + heads.substr(tag, heads.find("\r\n", tag) - tag),
         url + "/file"});
    CHECK(status_line(again) == "HTTP/1.1 304 Not Modified");
    CHECK(has_vary(again));
    const auto done = greenroom::run("python3", {"-c", reader, url}, {}, 60s);
    CHECK(done.error == "");
    CHECK(done.output == "whole\n");
    house.stop(0s);
  });
}

} // namespace test
