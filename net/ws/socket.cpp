#include "handshake.hpp"
#include "layer.hpp"

#include <greenroom/http/url.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/lock.hpp>
#include <greenroom/ws/socket.hpp>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <utility>

namespace greenroom::ws {
namespace {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using beast_request = beast::http::request<beast::http::string_body>;

constexpr auto goodbye_time = std::chrono::seconds(1);
constexpr std::size_t longest_reason = 123; // bytes, in a control frame

beast::string_view for_beast(std::string_view text) {
  return {text.data(), text.size()};
}

std::string_view from_beast(beast::string_view text) {
  return {text.data(), text.size()};
}

/// Through Beast, where nothing has been read of the next message.
struct nothing_came {};

std::error_code meaning(const beast_code& failed) {
  if (failed == websocket::error::message_too_big ||
      failed == websocket::error::buffer_overflow)
    return std::make_error_code(std::errc::message_size);
  if (failed == websocket::error::bad_frame_payload)
    return std::make_error_code(std::errc::illegal_byte_sequence);
  if (failed == websocket::error::closed ||
      failed == boost::asio::error::operation_aborted)
    return make_error_code(errc::closed);
  return std::make_error_code(std::errc::protocol_error);
}

} // namespace

layer::executor_type layer::get_executor() const noexcept {
  static boost::asio::io_context never_run;
  return never_run.get_executor();
}

struct socket::core final : byte_layer {
  core(std::unique_ptr<stream> mine, stream& over, std::string_view already,
       const options& how)
      : owned(std::move(mine)), peer(over), read_before(already), limits(how),
        frames(layer(*this)) {
    frames.read_message_max(how.most_bytes);
    websocket::permessage_deflate deflate;
    deflate.server_enable = deflate.client_enable = how.compress;
    frames.set_option(deflate);
  }
  ~core() = default;

  std::size_t read(std::span<char> into, beast_code& failed) override;
  std::size_t write(std::span<const std::string_view> parts,
                    beast_code& failed) override;
  void shut_down() override {
    if (!is_left) peer.shutdown_write();
  }

  void accept(const beast_request& asked, const std::string& protocol);
  void shake_hands(const std::string& host, const std::string& target,
                   deadline until);
  std::optional<message> receive(deadline until, std::error_code& failed);
  void send(std::string_view data, bool is_text, deadline until,
            std::error_code& failed);
  void ping(deadline until, std::error_code& failed);
  void close(std::uint16_t code, std::string_view reason);

  std::size_t take_read_before(std::span<char> into);
  bool ask_whether_alive();
  void read_message(beast_code& failed);
  void ended(const beast_code& why, std::error_code& failed);
  void send_goodbye(std::uint16_t code, std::string_view reason);
  void wait_for_goodbye();
  void close_peer() {
    if (!is_left) peer.close();
  }
  std::size_t fail(const std::error_code& why, beast_code& failed);
  struct whole_or_closed;
  template <class Write>
  void write_message(deadline until, std::error_code& failed, Write&& write);

  const std::unique_ptr<stream> owned; // or null
  stream& peer;
  std::string read_before; // by the HTTP server, and belongs to us
  const options limits;
  std::string protocol;
  bool is_client = false;
  websocket::stream<layer, true> frames;
  std::string incoming; // of a message that has begun

  rlock writing;
  deadline write_until; // of the present send
  bool sends = false;   // somebody does, whose limit is that
  bool write_closed = false;

  bool reading = false;
  std::optional<deadline> handshake_until; // while that goes on
  deadline read_until; // while nothing of a message has come
  bool asked_whether_alive = false;
  std::optional<deadline> message_until; // once it has begun
  event reader_left;
  std::error_code broken; // the stream's error
  bool closed = false;
  bool is_left = false; // by its socket: the stream may be gone
};

/// What was not written in whole, for an error or a kill, leaves a stream nobody
/// can read.
struct socket::core::whole_or_closed {
  explicit whole_or_closed(core& of) : here(of) {}
  ~whole_or_closed() {
    if (done) return;
    here.closed = true;
    here.close_peer();
  }
  core& here;
  bool done = false;
};

// --- what Beast calls -----------------------------------------------------

std::size_t socket::core::take_read_before(std::span<char> into) {
  const std::size_t bytes = std::min(into.size(), read_before.size());
  std::memcpy(into.data(), read_before.data(), bytes);
  read_before.erase(0, bytes);
  return bytes;
}

/// Between messages until the caller's deadline, asking at times whether the
/// peer is there; within one, until that has to be complete.
std::size_t socket::core::read(std::span<char> into, beast_code& failed) {
  if (!read_before.empty()) return take_read_before(into);
  failed = {};
  while (!is_left) {
    const bool between = !handshake_until && frames.is_message_done();
    if (between)
      message_until.reset();
    else if (!message_until)
      message_until = handshake_until.value_or(deadline{limits.message_time});
    deadline until = between ? read_until : *message_until;
    const bool pings = between && limits.ping_time.count() > 0;
    const deadline ping_due =
        pings ? deadline{limits.ping_time} : deadline::never();
    std::error_code why;
    const std::size_t bytes =
        peer.read_some(into, std::min(until, ping_due), why);
    if (bytes > 0) {
      asked_whether_alive = false;
      return bytes;
    }
    if (why == errc::timed_out && pings && ping_due < until) {
      if (!std::exchange(asked_whether_alive, true) && ask_whether_alive())
        continue;
    } else if (why == errc::timed_out && between) {
      throw nothing_came();
    }
    return fail(why ? why : make_error_code(errc::closed), failed);
  }
  return fail(make_error_code(errc::closed), failed);
}

std::size_t socket::core::fail(const std::error_code& why, beast_code& failed) {
  broken = why;
  failed = boost::asio::error::connection_reset;
  return 0;
}

bool socket::core::ask_whether_alive() {
  std::error_code failed;
  ping({}, failed);
  return !failed;
}

std::size_t socket::core::write(std::span<const std::string_view> parts,
                                beast_code& failed) {
  const std::lock_guard held{writing}; // also of the frames Beast answers with
  failed = {};
  std::size_t all = 0;
  for (const std::string_view each : parts)
    all += each.size();
  if (is_left) return fail(make_error_code(errc::closed), failed);
  if (write_closed) return all; // the peer does not listen any more
  std::error_code why;
  const deadline until = sends ? write_until : deadline{limits.write_time};
  whole_or_closed mine{*this};
  peer.write(parts, until, why);
  mine.done = !why;
  return why ? fail(why, failed) : all;
}

// --- the handshake --------------------------------------------------------

namespace {

/// Beast answers 9 to an offer of 8, which is more than was offered. It is 8 in
/// truth: with 9 a match reaches 250 bytes back at most.
void name_window_of_8(const beast_request& asked,
                      websocket::response_type& answer) {
  const auto extensions = beast::http::field::sec_websocket_extensions;
  beast::http::ext_list offers{asked[extensions]};
  const auto offer = offers.find("permessage-deflate");
  if (offer == offers.end()) return;
  for (const auto& each : offer->second)
    if (beast::iequals(each.first, "server_max_window_bits") &&
        each.second == "8") {
      std::string text{from_beast(answer[extensions])};
      const std::size_t at = text.find("server_max_window_bits=9");
      if (at == std::string::npos) return;
      text.replace(at, 24, "server_max_window_bits=8");
      answer.set(extensions, text);
      return;
    }
}

} // namespace

void socket::core::accept(const beast_request& asked,
                          const std::string& chosen) {
  protocol = chosen;
  frames.set_option(
      websocket::stream_base::decorator([&](websocket::response_type& answer) {
        if (!chosen.empty())
          answer.set(beast::http::field::sec_websocket_protocol, chosen);
        answer.erase(beast::http::field::server);
        name_window_of_8(asked, answer);
      }));
  beast_code failed;
  frames.accept(asked, failed);
  if (failed)
    throw std::system_error(broken ? broken : meaning(failed),
                            "websocket handshake: " + failed.message());
}

void socket::core::shake_hands(const std::string& host,
                               const std::string& target, deadline until) {
  is_client = true;
  handshake_until = std::min(until, deadline{limits.message_time});
  std::string offered;
  for (const std::string& each : limits.subprotocols)
    offered += offered.empty() ? each : ", " + each;
  frames.set_option(
      websocket::stream_base::decorator([&](websocket::request_type& asked) {
        if (!offered.empty())
          asked.set(beast::http::field::sec_websocket_protocol, offered);
      }));
  websocket::response_type answer;
  beast_code failed;
  frames.handshake(answer, host, target, failed);
  if (failed)
    throw std::system_error(broken ? broken : meaning(failed),
                            "websocket handshake with " + host + ": " +
                                failed.message());
  protocol = from_beast(answer[beast::http::field::sec_websocket_protocol]);
  handshake_until.reset();
}

// --- messages -------------------------------------------------------------

std::optional<message> socket::core::receive(deadline until,
                                             std::error_code& failed) {
  failed.clear();
  if (reading) failed = errc::busy;
  if (closed) failed = errc::closed;
  if (failed) return std::nullopt;
  struct reader {
    explicit reader(core& of) : here(of) { here.reading = true; }
    ~reader() {
      here.reading = false;
      here.reader_left.set();
    }
    core& here;
  };
  const reader mine{*this};
  reader_left.clear();
  read_until = until;
  beast_code why;
  try {
    read_message(why);
  } catch (const nothing_came&) {
    failed = errc::timed_out;
    return std::nullopt;
  } catch (...) {                                 // killed
    if (!frames.is_message_done()) closed = true; // half of one is lost
    throw;
  }
  if (why) {
    ended(why, failed);
    return std::nullopt;
  }
  message_until.reset();
  return message{std::exchange(incoming, {}), frames.got_text()};
}

/// Piece by piece: Beast's own loop would make room for as much as a frame
/// announces, if that is compressed, before it has come.
void socket::core::read_message(beast_code& failed) {
  std::array<char, 4096> piece;
  do {
    const std::size_t bytes =
        frames.read_some(boost::asio::buffer(piece), failed);
    incoming.append(piece.data(), bytes);
  } while (!failed && !frames.is_message_done());
}

void socket::core::ended(const beast_code& why, std::error_code& failed) {
  closed = true;
  if (why == websocket::error::closed) return; // as it should
  failed = broken ? broken : meaning(why);
}

template <class Write>
void socket::core::write_message(deadline until, std::error_code& failed,
                                 Write&& write) {
  failed.clear();
  if (!writing.acquire(until)) {
    failed = errc::timed_out;
    return;
  }
  const std::lock_guard held{writing, std::adopt_lock};
  if (closed || write_closed) {
    failed = errc::closed;
    return;
  }
  whole_or_closed mine{*this};
  struct sender {
    explicit sender(core& of) : here(of) { here.sends = true; }
    ~sender() { here.sends = false; }
    core& here;
  };
  const sender now{*this};
  write_until = std::min(until, deadline{limits.write_time});
  beast_code why;
  write(why);
  if (why) failed = broken ? broken : meaning(why);
  mine.done = !why;
}

void socket::core::send(std::string_view data, bool is_text, deadline until,
                        std::error_code& failed) {
  write_message(until, failed, [&](beast_code& why) {
    frames.text(is_text);
    frames.write(boost::asio::buffer(data.data(), data.size()), why);
  });
}

void socket::core::ping(deadline until, std::error_code& failed) {
  write_message(until, failed, [&](beast_code& why) { frames.ping({}, why); });
}

// --- the end --------------------------------------------------------------

/// Beast's `close` would read as well, where somebody else may be reading.
void socket::core::send_goodbye(std::uint16_t code, std::string_view reason) {
  reason = reason.substr(0, longest_reason);
  std::string frame{static_cast<char>(0x88)}; // the last of a close
  const unsigned mask_bit = is_client ? 0x80 : 0;
  frame += static_cast<char>(mask_bit | (reason.size() + 2));
  if (is_client) frame.append(4, '\0'); // masked by nothing
  frame += static_cast<char>(code >> 8);
  frame += static_cast<char>(code & 0xff);
  frame += reason;
  std::error_code failed;
  write_message(goodbye_time, failed, [&](beast_code& why) {
    const std::string_view all = frame;
    write({&all, 1}, why);
  });
  write_closed = true;
}

void socket::core::wait_for_goodbye() {
  const deadline until{goodbye_time};
  if (reading) {
    reader_left.wait(until);
    return;
  }
  std::error_code failed;
  while (receive(until, failed)) {
  }
}

void socket::core::close(std::uint16_t code, std::string_view reason) {
  if (!closed && !write_closed) {
    send_goodbye(code, reason);
    wait_for_goodbye();
  }
  closed = true;
  close_peer();
}

// --- socket ---------------------------------------------------------------

namespace {

beast_request as_beast(const http::request& asked) {
  beast_request same{beast::http::verb::get, for_beast(asked.target()), 11};
  for (const http::field& each : asked.headers())
    same.insert(for_beast(each.name), for_beast(each.value));
  return same;
}

} // namespace

socket::socket(std::shared_ptr<core> made) : core_(std::move(made)) {
}
socket::socket(socket&&) noexcept = default;

socket& socket::operator=(socket&& other) noexcept {
  socket taken{std::move(other)};
  std::swap(core_, taken.core_);
  return *this;
}

socket::~socket() {
  if (!core_) return;
  core_->closed = true;
  core_->close_peer();
  core_->is_left = true;
}

socket socket::accept(http::request& asked, http::response& answer,
                      const options& how) {
  check_handshake(asked, how);
  const std::string protocol = choose_protocol(asked, how);
  const beast_request same = as_beast(asked);
  const auto connection = answer.take_over();
  socket made{std::make_shared<core>(nullptr, connection.peer,
                                     connection.already_read, how)};
  made.core_->accept(same, protocol);
  return made;
}

socket socket::client(std::unique_ptr<stream> over, const std::string& host,
                      const std::string& target, const options& how,
                      deadline until) {
  stream& peer = *over;
  socket made{std::make_shared<core>(std::move(over), peer, "", how)};
  made.core_->shake_hands(host, target, until);
  return made;
}

socket socket::connect(std::string_view url, deadline until, const options& how,
                       const secure_connector& secure) {
  const http::url to = http::url::parse(url);
  if (to.scheme != "ws" && to.scheme != "wss")
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "no websocket at " + to.text());
  if (to.is_secure() && !secure)
    throw std::system_error(
        std::make_error_code(std::errc::protocol_not_supported),
        "no secure_connector for " + to.text());
  auto plain = tcp_socket::connect({to.host, to.port}, until);
  std::unique_ptr<stream> over;
  if (to.is_secure())
    over = secure(std::move(plain), to.host, until);
  else
    over = std::make_unique<tcp_socket>(std::move(plain));
  return client(std::move(over), to.authority(), to.target, how, until);
}

std::optional<message> socket::receive(deadline until) {
  std::error_code failed;
  auto came = receive(until, failed);
  if (failed) throw std::system_error(failed, "receive from a websocket");
  return came;
}

std::optional<message> socket::receive(deadline until,
                                       std::error_code& failed) {
  const auto here = core_;
  return here->receive(until, failed);
}

void socket::send(std::string_view text, deadline until) {
  std::error_code failed;
  send(text, until, failed);
  if (failed) throw std::system_error(failed, "send to a websocket");
}

void socket::send(std::string_view text, deadline until,
                  std::error_code& failed) {
  const auto here = core_;
  here->send(text, true, until, failed);
}

void socket::send_bytes(std::string_view bytes, deadline until) {
  std::error_code failed;
  send_bytes(bytes, until, failed);
  if (failed) throw std::system_error(failed, "send to a websocket");
}

void socket::send_bytes(std::string_view bytes, deadline until,
                        std::error_code& failed) {
  const auto here = core_;
  here->send(bytes, false, until, failed);
}

void socket::ping(deadline until) {
  const auto here = core_;
  std::error_code failed;
  here->ping(until, failed);
  if (failed) throw std::system_error(failed, "ping a websocket");
}

void socket::close(std::uint16_t code, std::string_view reason) {
  const auto here = core_;
  here->close(code, reason);
}

bool socket::is_open() const {
  return core_ && !core_->closed && !core_->write_closed;
}

std::uint16_t socket::peer_close_code() const {
  return core_->frames.reason().code;
}

std::string socket::peer_close_reason() const {
  return std::string(from_beast(core_->frames.reason().reason));
}

const std::string& socket::subprotocol() const {
  return core_->protocol;
}

} // namespace greenroom::ws
