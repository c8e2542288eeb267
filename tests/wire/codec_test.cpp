#include "hub/support.hpp"

#include <greenroom/wire/codec.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

using namespace greenroom;
using test::mentions;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

enum class colour : unsigned char { red, green };

struct line {
  std::string item;
  int count;
  friend bool operator==(const line&, const line&) = default;
};

struct named {
  int size = 0;
  std::optional<std::string> note{};
  friend bool operator==(const named&, const named&) = default;
  static constexpr std::array wire_fields{"size", "note"};
  static constexpr std::string_view wire_name = "a name";
};

struct nothing {
  friend bool operator==(const nothing&, const nothing&) = default;
};

struct everything {
  bool yes = true;
  std::int8_t small = -128;
  std::uint64_t large = std::numeric_limits<std::uint64_t>::max();
  float half = 0.5F;
  double third = 1.0 / 3;
  colour paint = colour::green;
  std::vector<line> lines{{"nail", 100}, {"", -1}};
  std::map<std::string, std::vector<int>> by_name{{"a", {1, 2}}, {"b", {}}};
  std::optional<named> maybe{named{3, "x"}};
  std::variant<int, line, std::string, nothing> one{line{"hook", 2}};
  std::chrono::milliseconds time{250};
  std::array<int, 3> three{1, 2, 3};
  std::pair<int, std::string> two{1, "two"};
  std::set<int> unique{3, 1};
  std::vector<std::byte> raw{std::byte{0}, std::byte{255}};
  std::vector<bool> bits{true, false};
  friend bool operator==(const everything&, const everything&) = default;
};

struct tree {
  int value = 0;
  std::vector<tree> below{};
};

struct pick {
  std::variant<line, named, int, nothing> what{};
  std::optional<int> last{};
};

template <class Type>
bool is_same_again(const Type& one) {
  return wire::decode<Type>(wire::encode(one)) == one;
}

template <class Type>
std::string refusal(const std::string& body, const wire::limits& most = {}) {
  try {
    wire::decode<Type>(body, most);
    return "none";
  } catch (const wire::bad_message& error) {
    CHECK(error.code() == std::errc::bad_message);
    const std::string text = error.what();
    return text.substr(0, text.rfind(": "));
  }
}

} // namespace

TEST_SUITE_BEGIN("wire");

TEST_CASE("what was encoded is decoded again") {
  CHECK(is_same_again(everything{}));
  everything other;
  other.maybe.reset();
  for (int i = 0; i < 300; ++i) // longer than the shortest forms
    other.by_name["name " + std::to_string(i)].push_back(i * i * i);
  other.lines[0].item.assign(70'000, 'x');
  other.one = "text"s;
  CHECK(is_same_again(other));
  other.one = nothing{};
  CHECK(is_same_again(other));
  CHECK(is_same_again(nothing{}));
  CHECK(is_same_again(std::vector<int>{1, -1, 70'000}));
  CHECK(is_same_again(std::numeric_limits<std::int64_t>::min()));
  CHECK(is_same_again("text"s));
  CHECK(std::isnan(wire::decode<double>(wire::encode(NAN))));
}

TEST_CASE("a struct is an array, or a map if it names its fields") {
  CHECK(wire::encode(line{"nail", 100}) == "\x92\xa4nail\x64");
  CHECK(wire::encode(named{1, {}}) == "\x82\xa4size\x01\xa4note\xc0");
  CHECK(wire::encode(nothing{}) == "\x90");
  CHECK(wire::encode(250ms) == "\xcc\xfa");
  CHECK(wire::encode(std::vector<std::byte>{std::byte{7}}) == "\xc4\x01\x07");
  CHECK(wire::encode(pick{line{"a", 1}, 2}) == "\x92\x92\xa4line\x92\xa1"
                                               "a\x01\x02");
  CHECK(wire::encode(pick{named{}, 2}).substr(0, 9) == "\x92\x92\xa6"
                                                       "a name");
  CHECK(wire::encode(pick{5, 2}) == "\x92\x92\x02\x05\x02");
}

TEST_CASE("a map's names come in any order, some unknown, some not at all") {
  const auto read = [](const std::string& body) {
    return wire::decode<named>(body);
  };
  CHECK(read("\x82\xa4note\xa1x\xa4size\x05") == named{5, "x"});
  CHECK(read("\x83\xa1?\x92\x01\x81\x01\x02\xa4size\x05\xa1!\xc0") == named{5});
  CHECK(read("\x92\x05\xa1x") == named{5, "x"}); // an array will do
  CHECK(read("\x91\x05") == named{5});
}

TEST_CASE("integers are read as floats, and of any width that holds them") {
  CHECK(wire::decode<double>("\x05") == 5.0);
  CHECK(wire::decode<double>("\xff") == -1.0);
  CHECK(wire::decode<int>("\xcf\0\0\0\0\0\0\0\x05"s) == 5);
}

TEST_CASE("what lacks at the end is nothing, where it may") {
  CHECK(!wire::decode<pick>("\x91\x92\x02\x05").last);
}

TEST_CASE("a wrong shape names the type and the field") {
  CHECK(refusal<line>("\x93\xa1x\x01\x01") == "line: 3 fields, where it has 2");
  CHECK(refusal<line>("\x91\xa1x") == "line field 2: is missing");
  CHECK(refusal<line>("\x92\xa1x\xa1y") ==
        "line field 2: expected an integer, found text");
  CHECK(refusal<line>("\x92\xc0\x01") ==
        "line field 1: expected text, found nil");
  CHECK(refusal<line>("\x80") == "line: expected an array, found a map");
  CHECK(refusal<line>("\x92\xa1x\xcb\x3f\xf0\0\0\0\0\0\0"s) ==
        "line field 2: expected an integer, found a float");
  CHECK(refusal<line>("\x92\xa1x\xce\xff\xff\xff\xff") ==
        "line field 2: 4294967295 is more than 2147483647");
  CHECK(refusal<named>("\x80") == "a name field size: is missing");
  CHECK(refusal<named>("\x81\xa4size\xc3") ==
        "a name field size: expected an integer, found a boolean");
  CHECK(refusal<named>("\x81\x01\x02") ==
        "a name: expected text, found an integer");
  CHECK(refusal<pick>("\x91\x92\xa4none\x01") ==
        "pick field 1: unknown tag none");
  CHECK(refusal<pick>("\x91\x92\x09\x01") == "pick field 1: unknown tag 9");
  CHECK(refusal<pick>("\x91\x91\x09") == "pick field 1: expected [tag, value]");
  CHECK(refusal<pick>("\x91\x92\xa4line\xc3") ==
        "pick field 1, line: expected an array, found a boolean");
  CHECK(refusal<tree>("\x92\x01\x92\x92\x01\x90\x92\xc2\x90") ==
        "tree field 2, [1], tree field 1: expected an integer, found a "
        "boolean");
  CHECK(refusal<std::uint8_t>("\xff") ==
        "unsigned char: expected an integer of 0 or more, found a negative "
        "integer");
  CHECK(refusal<std::int8_t>("\xd1\xff\x00"s) ==
        "signed char: -256 is less than -128");
  CHECK(refusal<colour>("\xcd\x01\x00"s) == "colour: 256 is more than 255");
  CHECK(refusal<std::array<int, 2>>("\x91\x01") ==
        "array<int, 2>: expected 2 elements, found 1");
  CHECK(refusal<std::string>("\xd4\x01\x01") ==
        "basic_string<char>: expected text, found an extension");
}

TEST_CASE("what is no MessagePack is refused") {
  CHECK(refusal<line>("") == "a body of 0 bytes: it is cut off");
  CHECK(refusal<line>("\x92\xa1x") == "a body of 3 bytes: it is cut off");
  CHECK(refusal<line>("\xc1") == "a body of 1 bytes: no MessagePack at byte 0");
  CHECK(refusal<line>("\x92\xa1x\x01\x01") ==
        "a body of 5 bytes: something follows the value");
  std::error_code failed;
  wire::decode<line>("\xc1", {}, failed);
  CHECK(failed == std::errc::bad_message);
  CHECK(wire::decode<line>("\x92\xa1x\x01", {}, failed) == line{"x", 1});
  CHECK(!failed);
}

TEST_CASE("limits hold, whatever sizes a body declares") {
  CHECK(refusal<std::string>("\xa3"
                             "abc",
                             {.bytes = 3}) ==
        "a body of 4 bytes, where 3 are allowed");
  const std::string deep(1000, '\x91');
  CHECK(refusal<tree>(deep + '\x01') ==
        "a body of 1001 bytes: arrays and maps more than 32 deep");
  CHECK(refusal<std::vector<int>>("\x93\x01\x02\x03", {.items = 3}) ==
        "a body of 4 bytes: more than 3 items");
  // Four thousand million elements, strings of as many bytes: nothing is kept.
  for (const char first : {'\xdd', '\xdf', '\xdb', '\xc6', '\xc9'})
    CHECK(mentions(refusal<std::vector<int>>(first + "\xff\xff\xff\xff"s),
                   "cut off"));
  std::string nested;
  for (int i = 0; i < 30; ++i)
    nested += "\xdd\xff\xff\xff\xff";
  CHECK(mentions(refusal<tree>(nested), "cut off"));
}

TEST_CASE("any change to a body is decoded or refused") {
  const std::string whole = wire::encode(everything{});
  std::error_code failed;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    wire::decode<everything>(whole.substr(0, at), {}, failed);
    CHECK(failed);
    std::string changed = whole;
    for (int byte = 0; byte < 256; byte += 3) {
      changed[at] = static_cast<char>(byte);
      wire::decode<everything>(changed, {}, failed);
    }
  }
}

TEST_SUITE_END();
