#include "http/support.hpp"
#include "io/temporary_folder.hpp"

#include <greenroom/http/router.hpp>
#include <greenroom/http/static_files.hpp>
#include <greenroom/io/unix.hpp>

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace test {
namespace {

using greenroom::http::router;
using greenroom::http::static_files;

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

/// A folder with files in it, and a secret beside it.
struct site {
  site() {
    write(in("www/a.txt"), "0123456789");
    write(in("www/index.html"), "<p>");
    write(in("www/sub/index.html"), "<b>");
    write(in("www/empty.css"), "");
    write(in("www/.hidden"), "secret");
    write(in("www/big"), std::string(300'000, 'x'));
    write(in("secret"), "secret");
    std::filesystem::create_directory(in("www/bare"));
    std::filesystem::create_symlink("../secret", in("www/link"));
    std::filesystem::create_symlink("..", in("www/up"));
    mkfifo((in("www/pipe")).c_str(), 0600);
    routes.get("/{path...}", static_files(in("www")));
  }

  std::string ask(const std::string& target, const std::string& fields = "",
                  const std::string& method = "GET") const {
    return answer_to(method + ' ' + target +
                         " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" +
                         fields + "\r\n",
                     routes);
  }

  std::filesystem::path in(const std::string& name) const {
    return std::filesystem::path(folder.path()) / name;
  }

  temporary_folder folder;
  router routes;
};

/// The value of a header in a response.
std::string value(const std::string& answer, const std::string& name) {
  const auto at = answer.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 4;
  return answer.substr(begin, answer.find("\r\n", begin) - begin);
}

TEST_SUITE("http") {
  TEST_CASE("files are sent with type and length, folders by their index") {
    const site here;
    const std::string text = here.ask("/a.txt");
    CHECK(status_line(text) == "HTTP/1.1 200 OK");
    CHECK(value(text, "Content-Type") == "text/plain; charset=utf-8");
    CHECK(value(text, "Content-Length") == "10");
    CHECK(body_of(text) == "0123456789");
    CHECK(body_of(here.ask("/")) == "<p>");
    CHECK(body_of(here.ask("/sub/")) == "<b>");
    CHECK(value(here.ask("/sub"), "Location") == "/sub/");
    CHECK(value(here.ask("/empty.css"), "Content-Length") == "0");
    CHECK(body_of(here.ask("/big")) == std::string(300'000, 'x'));
    CHECK(body_of(here.ask("/a.txt", "", "HEAD")).empty());
    CHECK(value(here.ask("/a.txt", "", "HEAD"), "Content-Length") == "10");
  }

  TEST_CASE("nothing outside the folder is found, nor what is hidden") {
    const site here;
    for (const char* target : {"/../secret",
                               "/sub/../../secret",
                               "/%2e%2e/secret",
                               "/..%2fsecret",
                               "/%2e%2e%2fsecret",
                               "/.hidden",
                               "/%2ehidden",
                               "/link",
                               "/up/secret",
                               "/up",
                               "//etc/passwd",
                               "/%2fetc/passwd",
                               "/a.txt/",
                               "/a.txt/x",
                               "/a.txt%00",
                               "/pipe",
                               "/bare/",
                               "/none",
                               "/sub//index.html",
                               "/./a.txt",
                               "/sub/."}) {
      CAPTURE(std::string(target));
      const std::string answer = here.ask(target);
      CHECK(status_line(answer) == "HTTP/1.1 404 Not Found");
      CHECK_FALSE(has(answer, "secret"));
    }
    CHECK(status_line(here.ask("/" + std::string(5000, 'a'))) ==
          "HTTP/1.1 404 Not Found");
  }

  TEST_CASE("a part of a file is sent where one is asked for") {
    const site here;
    const auto part = [&](const std::string& range) {
      const std::string answer = here.ask("/a.txt", "Range: " + range + "\r\n");
      return answer.substr(9, 3) + ' ' + value(answer, "Content-Range") + ' ' +
             body_of(answer);
    };
    CHECK(part("bytes=2-4") == "206 bytes 2-4/10 234");
    CHECK(part("bytes=7-") == "206 bytes 7-9/10 789");
    CHECK(part("bytes=-3") == "206 bytes 7-9/10 789");
    CHECK(part("bytes=-30") == "206 bytes 0-9/10 0123456789");
    CHECK(part("bytes=8-80") == "206 bytes 8-9/10 89");
    CHECK(part("bytes=0-0") == "206 bytes 0-0/10 0");
    CHECK(part("bytes=10-") == "416 bytes */10 ");
    CHECK(part("bytes=-0") == "416 bytes */10 ");
    for (const char* other :
         {"bytes=4-2", "bytes=a-b", "bytes=", "bytes=-", "lines=1-2", "bytes=1",
          "bytes=0-1,3-4", "bytes=99999999999999999999-", "bytes=+1-2"})
      CHECK(part(other) == "200  0123456789");
  }

  TEST_CASE("a file that has not changed is not sent again") {
    const site here;
    const std::string first = here.ask("/a.txt");
    const std::string tag = value(first, "ETag");
    const std::string date = value(first, "Last-Modified");
    const auto status = [&](const std::string& fields) {
      return here.ask("/a.txt", fields).substr(9, 3);
    };
    CHECK(status("If-None-Match: " + tag + "\r\n") == "304");
    CHECK(status("If-None-Match: \"x\", " + tag + "\r\n") == "304");
    CHECK(status("If-None-Match: *\r\n") == "304");
    CHECK(status("If-None-Match: \"x\"\r\n") == "200");
    CHECK(status("If-Modified-Since: " + date + "\r\n") == "304");
    CHECK(status("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n") ==
          "200");
    CHECK(status("If-Modified-Since: yesterday\r\n") == "200");
    CHECK(status("If-None-Match: \"x\"\r\nIf-Modified-Since: " + date +
                 "\r\n") == "200");
    CHECK(status("Range: bytes=0-1\r\nIf-Range: " + tag + "\r\n") == "206");
    CHECK(status("Range: bytes=0-1\r\nIf-Range: \"x\"\r\n") == "200");
    CHECK(body_of(here.ask("/a.txt", "If-None-Match: *\r\n")).empty());
  }

  TEST_CASE("a socket gets files without a copy, also beyond one piece") {
    const site here;
    write(here.in("www/huge"), std::string(5 << 20, 'y'));
    in_hub([&] {
      auto [near, far] = greenroom::socketpair();
      const auto serving = greenroom::spawn([&, end = &far] {
        serve(*end, here.routes);
        end->close();
      });
      near.write("GET /huge HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      std::string all;
      std::array<char, 65'536> piece;
      while (const std::size_t bytes = near.read_some(piece))
        all.append(piece.data(), bytes);
      near.close();
      serving.join();
      CHECK(body_of(all) == std::string(5 << 20, 'y'));
    });
  }

  TEST_CASE("a folder that is not there is refused by name") {
    CHECK_THROWS_AS(static_files("/no/such/folder"), std::system_error);
  }
}

} // namespace
} // namespace test
