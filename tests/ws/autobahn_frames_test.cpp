// Sections 1 to 5 and 10: framing, pings, reserved bits, operations, fragments.

#include "ws/autobahn.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace test::autobahn {
namespace {

const std::string hello = "Hello, world!";

std::vector<test_case> sizes(const std::string& prefix, int kind,
                             const std::string& pattern) {
  std::vector<test_case> all;
  for (const std::size_t size : {0, 125, 126, 127, 128, 65'535, 65'536}) {
    const std::string payload = repeated(pattern, size);
    all.push_back({prefix + std::to_string(all.size() + 1),
                   {{last | kind, payload}},
                   {{kind, payload}}});
  }
  all.push_back(all.back());
  all.back().number = prefix + "8";
  all.back().chopped = 997;
  return all;
}

/// What may not be alone, and after a good message with a ping behind it, that
/// is not answered; written at once, in frames, in octets.
test_case after_hello(const std::string& number, const step& wrong,
                      std::size_t chopped = in_one) {
  return {number,          {{last | text, hello}, wrong, {ping}},
          {{text, hello}}, refused,
          chopped,         std::vector<event>{}};
}

std::vector<step> ten_pings() {
  std::vector<step> all;
  for (int i = 0; i < 10; ++i)
    all.push_back({ping, "payload-" + std::to_string(i)});
  return all;
}

std::vector<event> ten_pongs() {
  std::vector<event> all;
  for (const step& each : ten_pings())
    all.push_back({pong, each.payload});
  return all;
}

std::vector<test_case> pings() {
  const std::string octets{"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8};
  const std::string longest(125, '\xfe');
  const std::string unasked = "unsolicited pong payload";
  const step goodbye_now{close, close_payload(1000)};
  return {
      {"2.1", {{ping}}, {{pong}}},
      {"2.2", {{ping, hello}}, {{pong, hello}}},
      {"2.3", {{ping, octets}}, {{pong, octets}}},
      {"2.4", {{ping, longest}}, {{pong, longest}}},
      {"2.5", {{ping, longest + "\xfe"}}, {}, refused},
      {"2.6", {{ping, longest}}, {{pong, longest}}, closed, 1},
      {"2.7", {{pong}, goodbye_now}, {}},
      {"2.8", {{pong, unasked}, goodbye_now}, {}},
      {"2.9",
       {{pong, unasked}, {ping, "ping payload"}},
       {{pong, "ping payload"}}},
      {"2.10", ten_pings(), ten_pongs()},
      {"2.11", ten_pings(), ten_pongs(), closed, 1},
  };
}

std::vector<test_case> reserved_bits() {
  const auto bits = [](int first, int which) { return first | which << 4; };
  return {
      {"3.1", {{bits(last | text, 1), hello}}, {}, refused},
      after_hello("3.2", {bits(last | text, 2), hello}),
      after_hello("3.3", {bits(last | text, 3), hello}, each_frame),
      after_hello("3.4", {bits(last | text, 4), hello}, 1),
      {"3.5", {{bits(last | bytes, 5), "\x01\xff"}}, {}, refused},
      {"3.6", {{bits(ping, 6), hello}}, {}, refused},
      {"3.7", {{bits(close, 7)}}, {}, refused},
  };
}

std::vector<test_case> operations(const std::string& prefix, int first) {
  return {
      {prefix + "1", {{first}}, {}, refused},
      {prefix + "2", {{first + 1, "reserved opcode payload"}}, {}, refused},
      after_hello(prefix + "3", {first + 2}),
      after_hello(prefix + "4", {first + 3, hello}),
      after_hello(prefix + "5", {first + 4, hello}, 1),
  };
}

/// The same in one write, in frames, in octets.
std::vector<test_case> thrice(const test_case& what, int number) {
  std::vector<test_case> all;
  for (const std::size_t chopped :
       {std::size_t{in_one}, std::size_t{each_frame}, std::size_t{1}}) {
    all.push_back(what);
    all.back().number = "5." + std::to_string(number++);
    all.back().chopped = chopped;
  }
  return all;
}

test_case pings_between(const std::string& number, std::size_t chopped) {
  return {number,
          {{text, "fragment1"},
           {goes_on, "fragment2"},
           {ping, "pongme 1!"},
           {wait},
           {goes_on, "fragment3"},
           {goes_on, "fragment4"},
           {ping, "pongme 2!"},
           {last | goes_on, "fragment5"}},
          {{pong, "pongme 1!"},
           {wait},
           {pong, "pongme 2!"},
           {text, "fragment1fragment2fragment3fragment4fragment5"}},
          closed,
          chopped};
}

std::vector<test_case> single_fragments() {
  const step first{text, "fragment1"};
  const step rest{last | goes_on, "fragment2"};
  const auto twice = [](const step& stray) {
    const std::vector<step> once{
        stray, {text, "fragment2"}, {last | goes_on, "fragment3"}};
    std::vector<step> all = once;
    all.insert(all.end(), once.begin(), once.end());
    return all;
  };
  return {
      {"5.1", {{0x09, "fragment1"}, rest}, {}, refused},
      {"5.2", {{0x0a, "fragment1"}, rest}, {}, refused},
      {"5.15",
       {first, rest, {goes_on, "fragment3"}, {last | text, "fragment4"}},
       {{text, "fragment1fragment2"}},
       refused,
       in_one,
       std::vector<event>{}},
      {"5.16", twice({goes_on, "fragment1"}), {}, refused},
      {"5.17", twice({last | goes_on, "fragment1"}), {}, refused},
      {"5.18", {first, {last | text, "fragment2"}}, {}, refused},
      pings_between("5.19", in_one),
      pings_between("5.20", each_frame),
  };
}

TEST_SUITE("ws") {
  TEST_CASE("Autobahn 1: messages of all kinds of length are echoed") {
    play(sizes("1.1.", text, "*"));
    play(sizes("1.2.", bytes, "\xfe"));
  }

  TEST_CASE("Autobahn 2: pings are answered, pongs are not") {
    play(pings());
  }

  TEST_CASE("Autobahn 3: reserved bits are refused") {
    play(reserved_bits());
  }

  TEST_CASE("Autobahn 4: reserved operations are refused") {
    play(operations("4.1.", last | 3));
    play(operations("4.2.", last | 11));
  }

  TEST_CASE("Autobahn 5: fragments make messages, or are refused") {
    const step first{text, "fragment1"};
    const step rest{last | goes_on, "fragment2"};
    const event whole{text, "fragment1fragment2"};
    const step asks{ping, "ping payload"};
    const std::string stray = "non-continuation payload";
    play(single_fragments());
    play(thrice({"", {first, rest}, {whole}}, 3));
    play(thrice({"", {first, asks, rest}, {{pong, asks.payload}, whole}}, 6));
    play(thrice(
        {"", {{last | goes_on, stray}, {last | text, hello}}, {}, refused}, 9));
    play(thrice({"", {{goes_on, stray}, {last | text, hello}}, {}, refused},
                12));
  }

  TEST_CASE("Autobahn 10: a message in many fragments is echoed") {
    const std::string payload(65'536, '*');
    play({{"10.1.1", fragments(text, payload, 1300), {{text, payload}}}});
  }
}

} // namespace
} // namespace test::autobahn
