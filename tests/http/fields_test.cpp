#include <greenroom/http/fields.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

namespace test {
namespace {

using greenroom::http::field;
using greenroom::http::fields;

std::string text_of(const fields& all) {
  std::string text;
  for (const field& each : all)
    text += std::string(each.name) + '=' + std::string(each.value) + ' ';
  return text;
}

TEST_SUITE("http") {
  TEST_CASE("fields are found without regard to case, and keep their order") {
    fields all;
    all.add("B", "1");
    all.add("a", "2");
    all.add("b", "3");
    CHECK(text_of(all) == "B=1 a=2 b=3 ");
    CHECK(all.get("b") == "1");
    CHECK(all.get("A") == "2");
    CHECK(all.get("c").empty());
    CHECK(all.count("b") == 2);
    CHECK(all.contains("A"));
    all.set("b", "4");
    CHECK(text_of(all) == "a=2 b=4 ");
    all.erase("A");
    CHECK(text_of(all) == "b=4 ");
    all.clear();
    CHECK(all.empty());
  }

  TEST_CASE("a field may be set from another") {
    fields all;
    all.add("a", std::string(100, 'x'));
    for (int i = 0; i < 20; ++i) {
      all.add("b", all.get("a"));
      all.set("a", all.get("a"));
    }
    CHECK(all.get("b") == std::string(100, 'x'));
    CHECK(all.get("a") == std::string(100, 'x'));
  }

  TEST_CASE("words of lists are found in any of the fields") {
    fields all;
    all.add("Connection", "a, close");
    all.add("connection", "Upgrade");
    CHECK(all.lists("Connection", "CLOSE"));
    CHECK(all.lists("Connection", "upgrade"));
    CHECK_FALSE(all.lists("Connection", "clos"));
    CHECK_FALSE(all.lists("Other", "a"));
  }

  TEST_CASE("names and values that could be more than that are refused") {
    fields all;
    for (const char* name : {"", "a b", "a:", "a\r\n", "\xC3\xA9"})
      CHECK_THROWS_AS(all.add(name, "x"), std::invalid_argument);
    for (const std::string& value :
         {std::string("a\r\nb"), std::string("\n"), std::string("\0", 1)})
      CHECK_THROWS_AS(all.set("a", value), std::invalid_argument);
    CHECK(all.empty());
  }
}

} // namespace
} // namespace test
