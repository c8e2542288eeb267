// Section 7: the end.

#include "ws/autobahn.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace test::autobahn {
namespace {

const std::string hello = "Hello World!";
const step goodbye_now{close, close_payload(1000)};
const ending may_drop{true, {1002}, false};

std::vector<test_case> orders() {
  const std::string large = repeated("BAsd7&jh23", 256 * 1024);
  return {
      {"7.1.1", {{last | text, hello}}, {{text, hello}}},
      {"7.1.2", {goodbye_now, {close}}, {}},
      {"7.1.3", {goodbye_now, {ping}}, {}},
      {"7.1.4", {goodbye_now, {last | text, hello}}, {}},
      {"7.1.5",
       {{text, "fragment1"}, goodbye_now, {last | goes_on, "fragment2"}},
       {}},
      {"7.1.6",
       {{last | text, large}, {last | text, hello}, goodbye_now, {ping}},
       {{text, large}, {text, hello}},
       closed,
       in_one,
       {},
       grade::informational},
  };
}

std::vector<test_case> payloads() {
  const std::string no_text =
      "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"
      "edited";
  return {
      {"7.3.1", {{close}}, {}},
      {"7.3.2", {{close, "a"}}, {}, may_drop},
      {"7.3.3", {goodbye_now}, {}},
      {"7.3.4", {{close, close_payload(1000, hello)}}, {}},
      {"7.3.5", {{close, close_payload(1000, std::string(123, '*'))}}, {}},
      {"7.3.6",
       {{close, close_payload(1000, std::string(124, '*'))}},
       {},
       may_drop},
      {"7.5.1",
       {{close, close_payload(1000, no_text)}},
       {},
       {true, {1002, 1007}, false}},
  };
}

std::vector<test_case> codes(const std::string& prefix,
                             const std::vector<int>& which, bool may_be) {
  std::vector<test_case> all;
  for (const int code : which) {
    const ending echoed{true, {1000, code}, true};
    all.push_back({prefix + std::to_string(all.size() + 1),
                   {{close, close_payload(code)}},
                   {},
                   may_be ? echoed : may_drop});
  }
  return all;
}

TEST_SUITE("ws") {
  TEST_CASE("Autobahn 7.1: after a goodbye nothing is looked at") {
    play(orders());
  }

  TEST_CASE("Autobahn 7.3 and 7.5: what a goodbye may hold") {
    play(payloads());
  }

  TEST_CASE("Autobahn 7.7: codes that may be are echoed") {
    play(codes("7.7.",
               {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000,
                3999, 4000, 4999},
               true));
  }

  TEST_CASE("Autobahn 7.9: others are refused") {
    play(codes("7.9.", {0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999},
               false));
  }

  // The specification does not say; we take them.
  TEST_CASE("Autobahn 7.13: codes beyond all that are defined") {
    std::vector<test_case> all = codes("7.13.", {5000, 65'535}, true);
    for (test_case& each : all) {
      each.end.codes.push_back(1002);
      each.wanted = grade::informational;
    }
    play(all);
  }
}

} // namespace
} // namespace test::autobahn
