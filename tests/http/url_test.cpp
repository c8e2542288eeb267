#include <greenroom/http/url.hpp>

#include <doctest/doctest.h>

#include <string>
#include <system_error>

namespace test {
namespace {

using greenroom::http::url;

std::string parts(const std::string& text) {
  const url made = url::parse(text);
  return made.scheme + '|' + made.host + '|' + std::to_string(made.port) + '|' +
         made.target;
}

TEST_SUITE("http") {
  TEST_CASE("a URL is taken apart") {
    CHECK(parts("http://host") == "http|host|80|/");
    CHECK(parts("HTTP://host:8000/a/b?c=d#e") == "http|host|8000|/a/b?c=d");
    CHECK(parts("https://host?q") == "https|host|443|/?q");
    CHECK(parts("wss://[::1]:9/x") == "wss|::1|9|/x");
    CHECK(parts("http://[::1]") == "http|::1|80|/");
    CHECK(parts("http://host:/") == "http|host|80|/");
    CHECK(url::parse("http://[::1]:81/").authority() == "[::1]:81");
    CHECK(url::parse("http://host:80/").authority() == "host");
    CHECK(url::parse("http://host:81/x?y").text() == "http://host:81/x?y");
  }

  TEST_CASE("what is none is refused") {
    for (const char* text : {"",
                             "host",
                             "//host",
                             "http:/host",
                             "http://",
                             "http:///a",
                             "http://:80",
                             "http://a b/",
                             "http://a/b c",
                             "http://a/\r\nb",
                             "http://user@host/",
                             "http://user:word@host/",
                             "http://host:x/",
                             "http://host:99999/",
                             "http://host:-1/",
                             "http://[::1/",
                             "http://[x]/",
                             "http://[::1]x/",
                             "ht tp://a/",
                             "http://a\\b/",
                             "http://a:80:80/",
                             "http://h\xC3\xA9/"}) {
      CAPTURE(std::string(text));
      CHECK_THROWS_AS(url::parse(text), std::system_error);
    }
  }

  TEST_CASE("a reference is resolved as browsers do; RFC 3986, 5.4") {
    const url base = url::parse("http://a/b/c/d;p?q");
    const auto at = [&](const std::string& reference) {
      return base.resolve(reference).text();
    };
    CHECK(at("https://x/y") == "https://x/y");
    CHECK(at("g") == "http://a/b/c/g");
    CHECK(at("./g") == "http://a/b/c/g");
    CHECK(at("g/") == "http://a/b/c/g/");
    CHECK(at("/g") == "http://a/g");
    CHECK(at("//g") == "http://g/");
    CHECK(at("?y") == "http://a/b/c/d;p?y");
    CHECK(at("g?y") == "http://a/b/c/g?y");
    CHECK(at("g#s") == "http://a/b/c/g");
    CHECK(at("") == "http://a/b/c/d;p?q");
    CHECK(at(".") == "http://a/b/c/");
    CHECK(at("..") == "http://a/b/");
    CHECK(at("../g") == "http://a/b/g");
    CHECK(at("../../g") == "http://a/g");
    CHECK(at("../../../g") == "http://a/g");
    CHECK(at("/./g") == "http://a/g");
    CHECK(at("/../g") == "http://a/g");
    CHECK(at("g.") == "http://a/b/c/g.");
    CHECK(at("..g") == "http://a/b/c/..g");
    CHECK(at("./g/.") == "http://a/b/c/g/");
    CHECK(at("g/../h") == "http://a/b/c/h");
    CHECK_THROWS_AS(base.resolve("a b"), std::system_error);
  }
}

} // namespace
} // namespace test
