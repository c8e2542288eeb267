#include "ws/autobahn.hpp"

#include <boost/beast/websocket/detail/hybi13.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

namespace test::autobahn {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view mask_key = "\x37\xfa\x21\x3d";

void masked(std::string& all, std::size_t from) {
  char* const at = all.data() + from;
  const std::size_t bytes_left = all.size() - from;
  for (std::size_t i = 0; i < bytes_left; ++i)
    at[i] = static_cast<char>(at[i] ^ mask_key[i % 4]);
}

void append_number(std::string& to, std::size_t number, int bytes_of_it) {
  for (int shift = 8 * (bytes_of_it - 1); shift >= 0; shift -= 8)
    to += static_cast<char>(number >> shift & 0xff);
}

} // namespace

// --- raw_peer -------------------------------------------------------------

raw_peer::raw_peer(greenroom::stream& over, role ours)
    : over_(over), is_client_(ours == role::server), piece_(64 * 1024) {
}

bool raw_peer::fill(std::size_t most, greenroom::deadline until) {
  if (taken_ > 0 && taken_ == came_.size()) {
    came_.clear();
    taken_ = 0;
  }
  while (came_.size() - taken_ < most && !at_end_) {
    std::error_code failed;
    const std::size_t got = over_.read_some(piece_, until, failed);
    if (failed == greenroom::errc::timed_out) return false;
    at_end_ = got == 0;
    came_.append(piece_.data(), got);
  }
  return came_.size() - taken_ >= most;
}

std::string raw_peer::read_head() {
  std::size_t end = std::string::npos;
  while (end == std::string::npos) {
    REQUIRE(fill(came_.size() + 1, 10s));
    end = came_.find("\r\n\r\n");
  }
  taken_ = end + 4;
  return came_.substr(0, taken_);
}

std::size_t raw_peer::number_at(std::size_t at, std::size_t bytes_of_it) const {
  std::size_t number = 0;
  while (bytes_of_it-- > 0)
    number = number << 8 | static_cast<unsigned char>(came_[at++]);
  return number;
}

/// RFC 6455, 5.1, 5.2 and 5.5.
void raw_peer::check(int first, bool has_mask, int length_code,
                     std::size_t length) {
  if (has_mask == is_client_) wrong_ += "mask ";
  if ((first & 0x30) != 0 || ((first & 0x40) != 0 && !may_compress))
    wrong_ += "reserved bits ";
  if ((length_code == 126 && length < 126) ||
      (length_code == 127 && length < 65'536))
    wrong_ += "long length ";
  const bool is_control = (first & 0x08) != 0;
  if (is_control && (length > 125 || (first & last) == 0))
    wrong_ += "long control ";
}

std::optional<raw_peer::frame> raw_peer::read_frame(greenroom::deadline until) {
  // Looked at, not taken: the deadline may come before the rest.
  if (!fill(2, until)) return std::nullopt;
  const int first = static_cast<unsigned char>(came_[taken_]);
  const int second = static_cast<unsigned char>(came_[taken_ + 1]);
  const int code = second & 0x7f;
  const std::size_t extra = code == 127 ? 8 : code == 126 ? 2 : 0;
  const bool has_mask = (second & 0x80) != 0;
  const std::size_t head = 2 + extra + (has_mask ? 4 : 0);
  if (!fill(head, until)) return std::nullopt;
  const std::size_t length = extra == 0 ? static_cast<std::size_t>(code)
                                        : number_at(taken_ + 2, extra);
  if (!fill(head + length, until)) return std::nullopt;
  const std::string key = has_mask ? came_.substr(taken_ + head - 4, 4) : "";
  frame made{first, came_.substr(taken_ + head, length)};
  taken_ += head + length;
  for (std::size_t i = 0; has_mask && key != std::string(4, '\0') && i < length;
       ++i)
    made.payload[i] = static_cast<char>(made.payload[i] ^ key[i % 4]);
  check(first, has_mask, code, length);
  return made;
}

std::string raw_peer::wire(int first, std::string_view payload) const {
  std::string made{static_cast<char>(first)};
  const int mask_bit = is_client_ ? 0x80 : 0;
  const std::size_t size = payload.size();
  const int code = size < 126      ? static_cast<int>(size)
                   : size < 65'536 ? 126
                                   : 127;
  made += static_cast<char>(mask_bit | code);
  if (code >= 126) append_number(made, size, code == 126 ? 2 : 8);
  if (is_client_) made += mask_key;
  const std::size_t head = made.size();
  made += payload;
  if (is_client_) masked(made, head);
  return made;
}

/// Each piece has been read before the next goes out: the virtual clock moves
/// only when nobody can run.
void raw_peer::write(std::string_view all, std::size_t chopped) {
  const std::size_t each =
      chopped == in_one || chopped == each_frame ? all.size() : chopped;
  std::error_code gone; // as it may
  while (!all.empty() && !gone) {
    over_.write(all.substr(0, each), {}, gone);
    all.remove_prefix(std::min(each, all.size()));
    if (chopped != in_one) greenroom::sleep(1us);
  }
}

// --- both sides -----------------------------------------------------------

namespace {

std::string extension_header(const std::string& extensions) {
  return extensions.empty()
             ? ""
             : "Sec-WebSocket-Extensions: " + extensions + "\r\n";
}

std::string answer_to(const std::string& head, const std::string& extensions) {
  const std::string name = "Sec-WebSocket-Key: ";
  const std::size_t at = head.find(name);
  REQUIRE(at != std::string::npos);
  namespace detail = boost::beast::websocket::detail;
  detail::sec_ws_accept_type accept;
  detail::make_sec_ws_accept(accept, head.substr(at + name.size(), 24));
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
         "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
         std::string(accept.data(), accept.size()) + "\r\n" +
         extension_header(extensions) + "\r\n";
}

void echo_until_wrong(ws::socket& peer) {
  std::error_code failed;
  while (const auto came = peer.receive({}, failed)) {
    if (came->is_text)
      peer.send(came->data, {}, failed);
    else
      peer.send_bytes(came->data, {}, failed);
  }
}

void converse_with_server(
    const ws::options& how, const std::string& extensions,
    const std::function<void(raw_peer&, const std::string&)>& body) {
  served server{echo_until_wrong, how};
  const auto over = server.stream();
  raw_peer far{*over, role::server};
  std::string asked = handshake;
  asked.insert(asked.size() - 2, extension_header(extensions));
  far.write(asked);
  const std::string head = far.read_head();
  REQUIRE(head.substr(0, 12) == "HTTP/1.1 101");
  body(far, head);
}

void converse_with_client(
    const ws::options& how, const std::string& extensions,
    const std::function<void(raw_peer&, const std::string&)>& body) {
  auto [near, over] = greenroom::socketpair();
  const auto client = spawn(
      [&how, held = std::make_shared<greenroom::unix_socket>(std::move(near))] {
        auto peer = ws::socket::client(
            std::make_unique<greenroom::unix_socket>(std::move(*held)),
            "server.test", "/", how);
        echo_until_wrong(peer);
      });
  raw_peer far{over, role::client};
  const std::string head = far.read_head();
  far.write(answer_to(head, extensions));
  body(far, head);
  over.close();
  client.join();
}

} // namespace

void converse(role ours, const ws::options& how, const std::string& extensions,
              const std::function<void(raw_peer&, const std::string&)>& body) {
  if (ours == role::server)
    converse_with_server(how, extensions, body);
  else
    converse_with_client(how, extensions, body);
}

// --- a case ---------------------------------------------------------------

namespace {

class player {
public:
  player(raw_peer& far, const test_case& what) : far_(far), case_(what) {}

  grade run() {
    send_all();
    listen(10s);
    if (is_open() && !said_goodbye_) say_goodbye(); // nothing more comes
    listen(1s);
    return graded();
  }
  std::string seen() const;

private:
  bool is_open() const { return !far_.at_end() && !heard_goodbye_; }
  void send_all();
  void send(const step& next);
  void send_cut(const step& next);
  void wait_a_second();
  void flush();
  void listen(greenroom::deadline until);
  void take(raw_peer::frame came);
  void say_goodbye();
  grade graded() const;
  bool ended_well() const;

  raw_peer& far_;
  const test_case& case_;
  std::string pending_;
  std::vector<event> received_;
  std::optional<event> message_; // that has begun
  bool said_goodbye_ = false;
  bool was_first_ = false;
  bool heard_goodbye_ = false;
  std::optional<int> code_;
};

void player::send_all() {
  for (const step& next : case_.sends) {
    if (next.first == wait) {
      if (is_open()) wait_a_second();
    } else if (!next.cuts.empty()) {
      send_cut(next);
    } else {
      send(next);
    }
  }
  flush();
}

void player::send(const step& next) {
  if (next.first == autobahn::close && !said_goodbye_) {
    said_goodbye_ = true;
    was_first_ = !heard_goodbye_;
  }
  pending_ += far_.wire(next.first, next.payload);
  if (case_.chopped != in_one) flush();
}

void player::send_cut(const step& next) {
  const std::string all = far_.wire(next.first, next.payload);
  const std::size_t head = all.size() - next.payload.size();
  std::size_t from = 0;
  for (const std::size_t cut : next.cuts) {
    far_.write(std::string_view(all).substr(from, head + cut - from));
    from = head + cut;
    wait_a_second();
    if (!is_open()) return;
  }
  far_.write(std::string_view(all).substr(from));
}

void player::wait_a_second() {
  flush();
  listen(1s);
  if (is_open()) received_.push_back({wait});
}

void player::flush() {
  far_.write(std::exchange(pending_, {}), case_.chopped);
}

/// Until the end, the deadline, or both have said goodbye and we are the
/// client, who waits for the server to hang up.
void player::listen(greenroom::deadline until) {
  while (auto came = far_.read_frame(until)) {
    take(std::move(*came));
    const bool complete = case_.end.by_us && received_ == case_.expected;
    if (complete && is_open() && !said_goodbye_) say_goodbye();
  }
}

void player::take(raw_peer::frame came) {
  const int kind = came.first & 0x0f;
  if (came.first == autobahn::close) {
    heard_goodbye_ = true;
    if (came.payload.size() >= 2)
      code_ = static_cast<unsigned char>(came.payload[0]) << 8 |
              static_cast<unsigned char>(came.payload[1]);
    if (!said_goodbye_) say_goodbye();
    if (!far_.is_client()) far_.shutdown_write(); // the server hangs up
  } else if (kind >= 8) {
    received_.push_back({came.first, std::move(came.payload)});
  } else if (kind == goes_on && !message_) {
    received_.push_back({came.first, "goes on with nothing"});
  } else {
    if (kind != goes_on) message_ = event{kind};
    message_->payload += came.payload;
    if ((came.first & last) == 0) return;
    received_.push_back(std::move(*message_));
    message_.reset();
  }
}

void player::say_goodbye() {
  said_goodbye_ = true;
  was_first_ = !heard_goodbye_;
  far_.write(far_.wire(autobahn::close, close_payload(1000)));
}

bool player::ended_well() const {
  const ending& end = case_.end;
  const bool in_order = said_goodbye_ && heard_goodbye_;
  return far_.wrong().empty() && far_.at_end() && was_first_ == end.by_us &&
         (in_order || !end.clean) &&
         (!code_ || std::count(end.codes.begin(), end.codes.end(), *code_) > 0);
}

grade player::graded() const {
  if (!ended_well()) return grade::failed;
  const bool informs = case_.wanted == grade::informational;
  if (received_ == case_.expected)
    return informs ? grade::informational : grade::ok;
  if (case_.late && received_ == *case_.late) return grade::non_strict;
  return grade::failed;
}

std::string player::seen() const {
  std::string all = far_.wrong();
  for (const event& each : received_)
    all += std::to_string(each.first) + ":" + each.payload.substr(0, 20) + " ";
  return all + "code " + std::to_string(code_.value_or(0)) +
         (was_first_ ? " after ours" : " of its own") +
         (far_.at_end() ? "" : ", not hung up");
}

} // namespace

void play(const std::vector<test_case>& cases, const ws::options& how) {
  for (const role ours : both_roles)
    in_hub([&] {
      for (const test_case& each : cases)
        converse(ours, how, "", [&](raw_peer& far, const std::string&) {
          player here{far, each};
          const bool passed = here.run() == each.wanted;
          const std::string to = ours == role::server ? "server" : "client";
          CHECK_MESSAGE(passed, each.number, ", our ", to, ": ", here.seen());
        });
    });
}

bool end_in_order(raw_peer& far) {
  far.write(far.wire(autobahn::close, close_payload(1000)));
  const auto came = far.read_frame(1s);
  if (!far.is_client()) far.shutdown_write();
  return came && came->first == autobahn::close && !far.read_frame(1s) &&
         far.at_end() && far.wrong().empty();
}

// --- what cases are made of -----------------------------------------------

std::string close_payload(int code, std::string_view reason) {
  std::string made;
  append_number(made, static_cast<std::size_t>(code), 2);
  return made.append(reason);
}

std::string repeated(std::string_view pattern, std::size_t size) {
  std::string made;
  made.reserve(size + pattern.size());
  while (made.size() < size)
    made += pattern;
  made.resize(size);
  return made;
}

std::vector<step> fragments(int kind, const std::string& payload,
                            std::size_t each) {
  std::vector<step> made;
  for (std::size_t at = 0; at < payload.size(); at += each) {
    const int ends = at + each >= payload.size() ? last : 0;
    made.push_back(
        {ends | (at == 0 ? kind : goes_on), payload.substr(at, each)});
  }
  return made;
}

} // namespace test::autobahn
