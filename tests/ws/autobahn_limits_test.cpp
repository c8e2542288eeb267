// Section 9: large messages, many fragments, many pieces, many messages.

#include "ws/autobahn.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace test::autobahn {
namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

const std::string letters = "BAsd7&jh23";
const std::string octets{"\x00\xfe\x23\xfa\xf0", 5};

ws::options large() {
  ws::options how;
  how.most_bytes = 16 * mib;
  return how;
}

void play_one(const test_case& what) {
  play({what}, large());
}

void play_sizes(const std::string& prefix, int kind, const std::string& of) {
  int number = 0;
  for (const std::size_t size :
       {64 * kib, 256 * kib, mib, 4 * mib, 8 * mib, 16 * mib}) {
    const std::string payload = repeated(of, size);
    play_one({prefix + std::to_string(++number),
              {{last | kind, payload}},
              {{kind, payload}}});
  }
}

void play_fragments(const std::string& prefix, int kind, char of) {
  const std::string payload(4 * mib, of);
  int number = 0;
  for (std::size_t each = 64; each <= payload.size(); each *= 4)
    play_one({prefix + std::to_string(++number),
              fragments(kind, payload, each),
              {{kind, payload}}});
}

void play_pieces(const std::string& prefix, int kind, const std::string& of) {
  const std::string payload = repeated(of, mib);
  int number = 0;
  for (std::size_t each = 64; each <= 2048; each *= 2)
    play_one({prefix + std::to_string(++number),
              {{last | kind, payload}},
              {{kind, payload}},
              closed,
              each});
}

bool goes_there_and_back(raw_peer& far, int kind, const std::string& payload) {
  far.write(far.wire(last | kind, payload));
  const auto came = far.read_frame({});
  return came && came->first == (last | kind) && came->payload == payload;
}

void play_round_trips(const std::string& prefix, int kind, char of) {
  constexpr int messages = 1000;
  int number = 0;
  for (const std::size_t size : {0, 16, 64, 256, 1024, 4096}) {
    const std::string payload(size, of);
    const std::string name = prefix + std::to_string(++number);
    for (const role ours : both_roles)
      in_hub([&] {
        converse(ours, {}, "", [&](raw_peer& far, const std::string&) {
          int well = 0;
          while (well < messages && goes_there_and_back(far, kind, payload))
            ++well;
          CHECK_MESSAGE(well == messages, name);
          CHECK_MESSAGE(end_in_order(far), name);
        });
      });
  }
}

TEST_SUITE("ws") {
  TEST_CASE("Autobahn 9.1 and 9.2: messages of up to 16 MiB are echoed") {
    play_sizes("9.1.", text, letters);
    play_sizes("9.2.", bytes, octets);
  }

  TEST_CASE("Autobahn 9.3 and 9.4: so are fragments of 64 bytes to 4 MiB") {
    play_fragments("9.3.", text, '*');
    play_fragments("9.4.", bytes, '\xfe');
  }

  TEST_CASE("Autobahn 9.5 and 9.6: and what comes in pieces") {
    play_pieces("9.5.", text, letters);
    play_pieces("9.6.", bytes, octets);
  }

  TEST_CASE("Autobahn 9.7 and 9.8: and a thousand messages") {
    play_round_trips("9.7.", text, '*');
    play_round_trips("9.8.", bytes, '\xfe');
  }
}

} // namespace
} // namespace test::autobahn
