// Section 6: texts have to be UTF-8. The sequences are those of Markus Kuhn's
// UTF-8-test.txt, on which the cases draw.

#include "ws/autobahn.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace test::autobahn {
namespace {

const std::string greek = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
const std::string german = "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4"
                           "\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!";
constexpr std::size_t german_half = 15; // between two letters
const std::string surrogate = greek + "\xed\xa0\x80" + "edited";
const std::string too_large = greek + "\xf4\x90\x80\x80" + "edited";

test_case echoed(const std::string& number, const std::vector<step>& sends,
                 const std::string& payload) {
  return {number, sends, {{text, payload}}};
}

std::vector<test_case> fragmented() {
  const std::string middle = "middle frame payload";
  return {
      echoed("6.1.1", {{last | text}}, ""),
      echoed("6.1.2", {{text}, {goes_on}, {last | goes_on}}, ""),
      echoed("6.1.3", {{text}, {goes_on, middle}, {last | goes_on}}, middle),
      echoed("6.2.1", {{last | text, german}}, german),
      echoed("6.2.2",
             {{text, german.substr(0, german_half)},
              {last | goes_on, german.substr(german_half)}},
             german),
      echoed("6.2.3", fragments(text, german, 1), german),
      echoed("6.2.4", fragments(text, greek, 1), greek),
      {"6.3.1", {{last | text, surrogate}}, {}, bad_text},
      {"6.3.2", fragments(text, surrogate, 1), {}, bad_text},
  };
}

/// In three parts with waits between; the second makes it wrong, and has to
/// be refused before the third comes.
test_case in_parts(const std::string& number, std::size_t first_end,
                   std::size_t second_end, bool in_frames) {
  const std::vector<step> frames{
      {text, too_large.substr(0, first_end)},
      {wait},
      {goes_on, too_large.substr(first_end, second_end - first_end)},
      {wait},
      {last | goes_on, too_large.substr(second_end)}};
  const std::vector<step> pieces{
      {last | text, too_large, {first_end, second_end}}};
  return {number, in_frames ? frames : pieces,       {{wait}}, bad_text,
          in_one, std::vector<event>{{wait}, {wait}}};
}

std::vector<test_case> failing_fast() {
  const std::size_t good = greek.size();
  return {
      in_parts("6.4.1", good, good + 4, true),
      in_parts("6.4.2", good + 1, good + 2, true),
      in_parts("6.4.3", good, good + 4, false),
      in_parts("6.4.4", good + 1, good + 2, false),
  };
}

struct sequences {
  bool good;
  std::vector<std::string> all;
};

std::string range(int from, int end, const std::string& behind = "") {
  std::string made;
  for (int each = from; each < end; ++each)
    made += static_cast<char>(each) + behind;
  return made;
}

/// 6.6: beginnings of one text, of which some end within a letter.
std::vector<test_case> beginnings() {
  std::vector<test_case> all;
  for (std::size_t size = 1; size <= greek.size(); ++size) {
    const std::string part = greek.substr(0, size);
    const bool good =
        size == 2 || size == 5 || size == 7 || size == 9 || size == 11;
    test_case each{"6.6." + std::to_string(size), {{last | text, part}}, {}};
    if (good)
      each.expected = {{text, part}};
    else
      each.end = bad_text;
    all.push_back(each);
  }
  return all;
}

/// 6.22: letters that are none, at the end of each plane.
std::vector<std::string> no_letters() {
  std::vector<std::string> all{"\xef\xbf\xbe", "\xef\xbf\xbf"};
  for (int plane = 1; plane <= 16; ++plane) {
    const char first = static_cast<char>(0xf0 | plane >> 2);
    const char second = static_cast<char>(0x8f | (plane & 3) << 4);
    for (const char* end : {"\xbf\xbe", "\xbf\xbf"})
      all.push_back(std::string{first, second} + end);
  }
  return all;
}

// Each cut short by its last byte.
const std::vector<std::string> cut_short{"\xc0",
                                         "\xe0\x80",
                                         "\xf0\x80\x80",
                                         "\xf8\x80\x80\x80",
                                         "\xfc\x80\x80\x80\x80",
                                         "\xdf",
                                         "\xef\xbf",
                                         "\xf7\xbf\xbf",
                                         "\xfb\xbf\xbf\xbf",
                                         "\xfd\xbf\xbf\xbf\xbf"};

std::string joined(const std::vector<std::string>& all) {
  std::string made;
  for (const std::string& each : all)
    made += each;
  return made;
}

std::vector<test_case> of_group(int group, const sequences& which) {
  std::vector<test_case> all;
  for (const std::string& each : which.all) {
    test_case made{"6." + std::to_string(group) + "." +
                       std::to_string(all.size() + 1),
                   {{last | text, each}},
                   {}};
    if (which.good)
      made.expected = {{text, each}};
    else
      made.end = bad_text;
    all.push_back(made);
  }
  return all;
}

TEST_SUITE("ws") {
  TEST_CASE("Autobahn 6.1 to 6.3: letters may be cut by frames") {
    play(fragmented());
  }

  TEST_CASE("Autobahn 6.4: a text is refused where it becomes wrong") {
    play(failing_fast());
  }

  TEST_CASE("Autobahn 6.5 to 6.10: the first and last of each length") {
    play(of_group(
        5, {true,
            {"hello$world", "hello\xc2\xa2world", "hello\xe2\x82\xacworld",
             "hello\xf0\xa4\xad\xa2world", greek}}));
    play(beginnings());
    play(of_group(7, {true,
                      {std::string(1, '\0'), "\xc2\x80", "\xe0\xa0\x80",
                       "\xf0\x90\x80\x80"}}));
    play(of_group(
        8, {false, {"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80"}}));
    play(of_group(
        9, {true, {"\x7f", "\xdf\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"}}));
    play(of_group(10, {false,
                       {"\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf",
                        "\xfd\xbf\xbf\xbf\xbf\xbf"}}));
  }

  TEST_CASE("Autobahn 6.11: the bounds of what is defined") {
    play(of_group(11, {true,
                       {"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd",
                        "\xf4\x8f\xbf\xbf"}}));
    test_case beyond = of_group(11, {false, {"\xf4\x90\x80\x80"}})[0];
    beyond.number = "6.11.5";
    play({beyond});
  }

  TEST_CASE("Autobahn 6.12 to 6.16: bytes that are in no order") {
    std::vector<std::string> middles{"\x80", "\xbf"};
    for (std::size_t size = 2; size <= 6; ++size)
      middles.push_back(repeated("\x80\xbf", size));
    middles.push_back(range(0x80, 0xbf));
    play(of_group(12, {false, middles}));
    play(of_group(13, {false,
                       {range(0xc0, 0xdf, " "), range(0xe0, 0xef, " "),
                        range(0xf0, 0xf7, " "), range(0xf8, 0xfb, " "),
                        range(0xfc, 0xfd, " ")}}));
    play(of_group(14, {false, cut_short}));
    play(of_group(15, {false, {joined(cut_short)}}));
    play(of_group(16, {false, {"\xfe", "\xff", "\xfe\xfe\xff\xff"}}));
  }

  TEST_CASE("Autobahn 6.17 to 6.19: letters longer than they need be") {
    play(of_group(17, {false,
                       {"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf",
                        "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf"}}));
    play(of_group(18, {false,
                       {"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
                        "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf"}}));
    play(of_group(19, {false,
                       {"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80",
                        "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80"}}));
  }

  TEST_CASE("Autobahn 6.20 and 6.21: halves of UTF-16") {
    play(of_group(
        20, {false,
             {"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf",
              "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf"}}));
    std::vector<std::string> pairs;
    for (const std::string high :
         {"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf"})
      for (const std::string low : {"\xed\xb0\x80", "\xed\xbf\xbf"})
        pairs.push_back(high + low);
    play(of_group(21, {false, pairs}));
  }

  TEST_CASE("Autobahn 6.22 and 6.23: what is no letter is UTF-8 still") {
    CHECK(no_letters().size() == 34);
    play(of_group(22, {true, no_letters()}));
    play(of_group(
        23, {true,
             {"\xef\xbf\xb9", "\xef\xbf\xba", "\xef\xbf\xbb", "\xef\xbf\xbc",
              "\xef\xbf\xbd", "\xef\xbf\xbe", "\xef\xbf\xbf"}}));
  }
}

} // namespace
} // namespace test::autobahn
