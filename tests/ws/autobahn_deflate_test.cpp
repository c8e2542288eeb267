// Sections 12 and 13: permessage-deflate, RFC 7692, against zlib. Autobahn
// sends a thousand messages in each case, here it is 2 to 20.

#include "ws/autobahn.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace test::autobahn {
namespace {

constexpr int compressed = 0x40; // the first reserved bit

/// What one side compresses with.
struct window {
  int bits = 15;
  bool kept = true; ///< from message to message
};

class deflater {
public:
  explicit deflater(window how) : how_(how) {
    // 9 bits reach 250 bytes back; zlib has no 8.
    REQUIRE(deflateInit2(&state_, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                         -std::max(how.bits, 9), 8,
                         Z_DEFAULT_STRATEGY) == Z_OK);
  }
  deflater(const deflater&) = delete;
  deflater& operator=(const deflater&) = delete;
  ~deflater() { deflateEnd(&state_); }

  std::string add(std::string_view some) { return run(some, Z_NO_FLUSH); }
  std::string end() {
    std::string made = run("", Z_SYNC_FLUSH);
    REQUIRE(made.size() >= 4);
    made.resize(made.size() - 4);
    if (!how_.kept) deflateReset(&state_);
    return made;
  }

private:
  std::string run(std::string_view some, int flush) {
    std::string made;
    std::array<Bytef, 4096> piece;
    state_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(some.data()));
    state_.avail_in = static_cast<uInt>(some.size());
    do {
      state_.next_out = piece.data();
      state_.avail_out = piece.size();
      deflate(&state_, flush);
      made.append(piece.begin(), piece.end() - state_.avail_out);
    } while (state_.avail_out == 0);
    return made;
  }

  window how_;
  z_stream state_{};
};

class inflater {
public:
  explicit inflater(window how) : how_(how) {
    REQUIRE(inflateInit2(&state_, -how.bits) == Z_OK);
  }
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;
  ~inflater() { inflateEnd(&state_); }

  /// "wrong" when it is no message. In small pieces: zlib takes matches from
  /// anywhere in a piece.
  std::string message(std::string all) {
    all += std::string("\x00\x00\xff\xff", 4);
    state_.next_in = reinterpret_cast<Bytef*>(all.data());
    state_.avail_in = static_cast<uInt>(all.size());
    std::string made;
    std::array<Bytef, 4096> piece;
    const std::size_t each = how_.bits < 15 ? 1 : piece.size();
    do {
      state_.next_out = piece.data();
      state_.avail_out = static_cast<uInt>(each);
      const int result = inflate(&state_, Z_SYNC_FLUSH);
      if (result != Z_OK && result != Z_BUF_ERROR) return "wrong";
      made.append(piece.begin(), piece.begin() + each - state_.avail_out);
    } while (state_.avail_out == 0);
    if (state_.avail_in > 0) return "wrong";
    if (!how_.kept) inflateReset(&state_);
    return made;
  }

private:
  window how_;
  z_stream state_{};
};

// --- what was agreed on ---------------------------------------------------

bool has(const std::string& head, const std::string& part) {
  return head.find(part) != std::string::npos;
}

window agreed(const std::string& head, const std::string& side) {
  window made;
  const std::string name = side + "_max_window_bits=";
  const std::size_t at = head.find(name);
  if (at != std::string::npos)
    made.bits = std::stoi(head.substr(at + name.size()));
  made.kept = !has(head, side + "_no_context_takeover");
  return made;
}

/// Of the raw side; `answer` is the server's, whoever that is.
struct codec {
  codec(const raw_peer& far, const std::string& answer)
      : out(agreed(answer, far.is_client() ? "client" : "server")),
        in(agreed(answer, far.is_client() ? "server" : "client")) {}
  deflater out;
  inflater in;
};

// --- what is sent ---------------------------------------------------------

struct data {
  int kind;
  std::string all;
};

/// The same numbers everywhere.
class numbers {
public:
  unsigned operator()(unsigned below) {
    state_ = state_ * 1'664'525U + 1'013'904'223U;
    return (state_ >> 8) % below;
  }

private:
  unsigned state_ = 1;
};

data json() {
  numbers next;
  data made{text, "["};
  while (made.all.size() < 194'056)
    made.all += R"({"id": )" + std::to_string(next(10'000)) +
                R"(, "name": "user)" + std::to_string(next(50)) +
                R"(", "tags": [)" + std::to_string(next(10)) + "]},\n";
  made.all.resize(194'056);
  return made;
}

data bitmap() {
  numbers next;
  data made{bytes, {}};
  unsigned grey = 100;
  while (made.all.size() < 263'222) {
    grey = (grey + next(7) + 253) % 256;
    made.all += static_cast<char>(grey);
  }
  return made;
}

data words(int kind, std::size_t size, const std::vector<std::string>& from) {
  numbers next;
  data made{kind, {}};
  while (made.all.size() < size)
    made.all += from[next(static_cast<unsigned>(from.size()))];
  made.all.resize(size);
  return made;
}

data noise() {
  numbers next;
  data made{bytes, {}};
  while (made.all.size() < 1'042'328)
    made.all += static_cast<char>(next(256));
  return made;
}

/// Of the kind and size that Autobahn's files have.
std::vector<data> files() {
  return {json(), bitmap(),
          words(bytes, 222'218,
                {"Habe ", "nun, ", "ach! ", "Philosophie,\r\n", "Juristerei ",
                 "und ", "Medizin,\r\n", "und ", "leider ", "auch ",
                 "Theologie\r\n", "durchaus ", "studiert "}),
          words(text, 263'527,
                {"<div class=\"row\">", "</div>\n", "<p>", "</p>\n", "<a href=",
                 "\"/page\">", "</a>", "some ", "words ", "of ", "text "}),
          noise()};
}

struct shape {
  std::size_t size;
  std::size_t fragment; ///< 0: none
};
const std::vector<shape> shapes{
    {16, 0},         {64, 0},          {256, 0},       {1024, 0},
    {4096, 0},       {8192, 0},        {16'384, 0},    {32'768, 0},
    {65'536, 0},     {131'072, 0},     {8192, 256},    {16'384, 256},
    {32'768, 256},   {65'536, 256},    {131'072, 256}, {131'072, 1024},
    {131'072, 4096}, {131'072, 32'768}};

std::string slice(const data& from, std::size_t at, std::size_t size) {
  at %= from.all.size();
  std::string made = from.all.substr(at, size);
  return made + from.all.substr(0, size - made.size());
}

/// Fragments are cut before they are compressed, and may be empty then.
void send(raw_peer& far, deflater& out, int kind, std::string_view payload,
          std::size_t each) {
  if (each == 0) each = payload.size();
  std::string all;
  int first = kind | compressed;
  for (std::size_t at = 0; at + each < payload.size(); at += each) {
    all += far.wire(first, out.add(payload.substr(at, each)));
    first = goes_on;
  }
  const std::size_t rest = (payload.size() - 1) / each * each;
  std::string end = out.add(payload.substr(rest));
  end += out.end();
  far.write(all + far.wire(last | first, end));
}

/// The first byte of its first frame, and all of it inflated.
std::pair<int, std::string> receive(raw_peer& far, inflater& in) {
  std::string all;
  int kind = 0;
  bool more = true;
  while (more) {
    const auto came = far.read_frame({});
    if (!came) return {-1, ""};
    if (kind == 0) kind = came->first & ~last;
    all += came->payload;
    more = (came->first & last) == 0;
  }
  return {kind & ~compressed, (kind & compressed) != 0 ? in.message(all) : all};
}

bool exchange(raw_peer& far, codec& with, const data& from, const shape& how) {
  constexpr std::size_t budget = 64 * 1024;
  const std::size_t count = std::clamp<std::size_t>(budget / how.size, 2, 20);
  for (std::size_t n = 0; n < count; ++n) {
    const std::string payload = slice(from, n * how.size, how.size);
    send(far, with.out, from.kind, payload, how.fragment);
    if (receive(far, with.in) != std::pair{from.kind, payload}) return false;
  }
  return true;
}

ws::options compressing() {
  ws::options how;
  how.compress = true;
  return how;
}

/// From the case `first` in steps, with our server asked for `offer`, our
/// client told `answer`.
void play_shapes(const std::string& prefix, const data& from,
                 const std::string& offer, const std::string& answer,
                 std::size_t first = 1, std::size_t steps = 1) {
  for (const role ours : both_roles)
    in_hub([&] {
      for (std::size_t i = first - 1; i < shapes.size(); i += steps)
        converse(ours, compressing(), ours == role::server ? offer : answer,
                 [&](raw_peer& far, const std::string& head) {
                   far.may_compress = true;
                   codec with{far, far.is_client() ? head : answer};
                   const std::string name = prefix + std::to_string(i + 1);
                   CHECK_MESSAGE(has(head, "permessage-deflate"), name);
                   CHECK_MESSAGE(exchange(far, with, from, shapes[i]), name);
                   CHECK_MESSAGE(end_in_order(far), name);
                 });
    });
}

const std::string plain = "permessage-deflate";
const std::string offered =
    plain + "; client_no_context_takeover; client_max_window_bits";

/// Of what our client offers, what a server may ask for.
struct parameters {
  std::string offer;
  std::string answer;
};
const std::vector<parameters> all_parameters{
    {offered, plain},
    {offered + "; server_no_context_takeover",
     plain + "; client_no_context_takeover"},
    {offered + "; server_max_window_bits=8",
     plain + "; client_max_window_bits=8"},
    {offered + "; server_max_window_bits=15",
     plain + "; client_max_window_bits=15"},
    {offered + "; server_no_context_takeover; server_max_window_bits=8",
     plain + "; client_no_context_takeover; client_max_window_bits=8"},
    {offered + "; server_no_context_takeover; server_max_window_bits=15",
     plain + "; client_no_context_takeover; client_max_window_bits=15"},
    {offered + "; server_no_context_takeover; server_max_window_bits=8, " +
         offered + "; server_no_context_takeover, " + offered,
     plain + "; client_no_context_takeover; client_max_window_bits=8"}};

void play_parameters(std::size_t first, std::size_t steps) {
  const data from = json();
  int group = 0;
  for (const parameters& each : all_parameters)
    play_shapes("13." + std::to_string(++group) + ".", from, each.offer,
                each.answer, first, steps);
}

TEST_SUITE("ws") {
  TEST_CASE("Autobahn 12: compressed messages of all kinds are echoed") {
    int group = 0;
    for (const data& from : files())
      play_shapes("12." + std::to_string(++group) + ".", from, offered, plain);
  }

  TEST_CASE("Autobahn 13: with all parameters") {
    play_parameters(1, 1);
  }

  TEST_CASE("some of Autobahn 13: with all parameters") {
    play_parameters(4, 8);
  }

  // RFC 7692, 7.1.2.1: the same or a smaller one than what was asked for.
  TEST_CASE("a server's window is no larger than it was asked for") {
    for (const int bits : {8, 9, 10, 15})
      in_hub([&] {
        converse(role::server, compressing(),
                 plain + "; server_max_window_bits=" + std::to_string(bits),
                 [&](raw_peer& far, const std::string& head) {
                   CHECK(agreed(head, "server").bits <= bits);
                   CHECK(end_in_order(far));
                 });
      });
  }
}

} // namespace
} // namespace test::autobahn
