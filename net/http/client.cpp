#include "character_set.hpp"
#include "framing.hpp"
#include "gzip.hpp"
#include "message_reader.hpp"
#include "output.hpp"

#include <greenroom/http/client.hpp>
#include <greenroom/http/error.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/tcp.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <list>
#include <map>
#include <system_error>
#include <utility>

namespace greenroom::http {
namespace {

/// Which connections can serve for the same.
std::string place_of(const url& at) {
  return at.scheme + "://" + at.authority();
}

std::error_code meaning(const error& failed) {
  if (failed.status() == 408) return make_error_code(errc::timed_out);
  return std::make_error_code(std::errc::protocol_error);
}

/// Asked twice is as good as once; RFC 9110, 9.2.2.
bool may_be_repeated(const outgoing& what) {
  constexpr std::array methods{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
  return !what.source && std::find(methods.begin(), methods.end(),
                                   what.method) != methods.end();
}

} // namespace

// --- connections ----------------------------------------------------------

class client::connection {
public:
  connection(std::unique_ptr<stream> over, int number, std::string to,
             const client_options& options)
      : peer(std::move(over)), descriptor(number), place(std::move(to)),
        out(*peer, options.time),
        in(message_kind::response, *peer, out, head_limits{}) {}

  /// The server has closed it, or has said what nobody asked for.
  bool is_stale() const {
    char first = 0;
    const auto bytes =
        ::recv(descriptor, &first, 1, MSG_PEEK | MSG_DONTWAIT | MSG_NOSIGNAL);
    return bytes >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  }

  const std::unique_ptr<stream> peer;
  const int descriptor; // the peer's
  const std::string place;
  output out;
  message_reader in;
  steady_time idle_since;
  bool used = false; // before
};

/// Those that are idle, of each place the last one used at the end.
class client::connections {
public:
  explicit connections(const client_options& options)
      : most_(options.most_idle), time_(options.idle_time) {}

  /// Null when there is none.
  std::unique_ptr<connection> take(const std::string& place) {
    const auto found = idle_.find(place);
    if (found == idle_.end()) return nullptr;
    auto& all = found->second;
    while (!all.empty()) {
      auto last = std::move(all.back());
      all.pop_back();
      const bool old = now() - last->idle_since > time_;
      if (!old && !last->is_stale()) return last;
      if (old) all.clear(); // the others are older
    }
    idle_.erase(found);
    return nullptr;
  }

  void keep(std::unique_ptr<connection> unused) {
    if (closed_ || most_ == 0) return;
    unused->idle_since = now();
    unused->used = true;
    auto& all = idle_[unused->place];
    all.push_back(std::move(unused));
    if (all.size() > most_) all.pop_front();
  }

  void close() {
    closed_ = true;
    idle_.clear();
  }

  std::size_t size() const {
    std::size_t sum = 0;
    for (const auto& [place, all] : idle_)
      sum += all.size();
    return sum;
  }

private:
  const std::size_t most_;
  const std::chrono::nanoseconds time_;
  std::map<std::string, std::list<std::unique_ptr<connection>>> idle_;
  bool closed_ = false;
};

// --- reply ----------------------------------------------------------------

struct reply::state {
  state(std::unique_ptr<client::connection> used,
        std::shared_ptr<client::connections> to, url at,
        const client_options& options)
      : over(std::move(used)), kept(std::move(to)), where(std::move(at)),
        time(options.time), most_body(options.most_body) {}

  /// Where the next reply would begin is known.
  bool can_be_kept() const {
    const message_head& head = over->in.head();
    return over->in.body_done() && head.version == 11 && head.status != 101 &&
           over->in.body().kind != body_kind::to_end &&
           !head.headers.lists("Connection", "close") &&
           over->in.buffered().empty() && !closing;
  }
  void leave() {
    if (over && can_be_kept()) kept->keep(std::move(over));
    over.reset();
  }

  std::size_t read_some(std::span<char> into, deadline until);
  std::size_t read_as_sent(std::span<char> into, deadline until);
  std::size_t read_gzip(std::span<char> into, deadline until);
  void begin_gzip();

  /// A body that comes in gzip.
  struct packed_body {
    gzip_reader reader;
    std::array<char, 16'384> input;
  };

  std::unique_ptr<client::connection> over; // null when it was left
  std::unique_ptr<packed_body> packed;      // null: it is read as it comes
  std::shared_ptr<client::connections> kept;
  int status = 0;
  fields headers;
  url where;
  std::string method;
  const std::chrono::nanoseconds time;
  const std::uint64_t most_body;
  bool closing = false; // the request was not sent in whole
  bool is_cut = false;  // the body: a read of it has failed
};

std::size_t reply::state::read_as_sent(std::span<char> into, deadline until) {
  if (!over) return 0;
  const std::size_t bytes = over->in.read_body(into, until);
  if (over->in.body_done()) leave();
  return bytes;
}

std::size_t reply::state::read_gzip(std::span<char> into, deadline until) {
  for (;;) {
    if (const std::size_t bytes = packed->reader.read(into)) return bytes;
    const std::size_t came = read_as_sent(packed->input, until);
    if (came == 0 && packed->reader.at_end()) return 0;
    if (came == 0) throw error(400, "unexpected end of a body in gzip");
    packed->reader.feed({packed->input.data(), came});
  }
}

/// What is said of the body no longer holds for what is read of it.
void reply::state::begin_gzip() {
  const std::string_view coding = headers.get("Content-Encoding");
  if (!same_word(coding, "gzip") && !same_word(coding, "x-gzip")) return;
  packed = std::make_unique<packed_body>();
  headers.erase("Content-Encoding");
  headers.erase("Content-Length");
}

std::size_t reply::state::read_some(std::span<char> into, deadline until) {
  if (is_cut) throw_error(errc::closed, method + ' ' + where.text());
  if (into.empty()) return 0;
  if (until.is_never()) until = time;
  is_cut = true; // also when it is killed
  try {
    const std::size_t bytes =
        packed ? read_gzip(into, until) : read_as_sent(into, until);
    is_cut = false;
    return bytes;
  } catch (const error& failed) {
    over.reset();
    throw std::system_error(meaning(failed),
                            method + ' ' + where.text() + ": " + failed.what());
  } catch (...) { // killed, too
    over.reset();
    throw;
  }
}

reply::reply(std::unique_ptr<state> made) : state_(std::move(made)) {
}
reply::reply(reply&&) noexcept = default;
reply& reply::operator=(reply&&) noexcept = default;
reply::~reply() = default;

int reply::status() const {
  return state_->status;
}

const fields& reply::headers() const {
  return state_->headers;
}

const url& reply::where() const {
  return state_->where;
}

std::size_t reply::read_some(std::span<char> into, deadline until) {
  return state_->read_some(into, until);
}

std::string reply::body(deadline until) {
  std::string all;
  std::array<char, 16'384> piece;
  while (const std::size_t bytes = read_some(piece, until)) {
    if (all.size() + bytes > state_->most_body)
      throw std::system_error(std::make_error_code(std::errc::message_size),
                              state_->method + ' ' + state_->where.text() +
                                  ": the body");
    all.append(piece.data(), bytes);
  }
  return all;
}

/// So that the connection can be used on.
void reply::drop_small_body() {
  constexpr std::uint64_t small = 65'536; // bytes
  if (!state_->over) return;
  state_->packed.reset();
  const framing& body = state_->over->in.body();
  if (body.kind == body_kind::length && body.length <= small) this->body();
}

// --- client ---------------------------------------------------------------

client::client(client_options options)
    : options_(std::move(options)),
      kept_(std::make_shared<connections>(options_)) {
}

client::~client() {
  kept_->close();
}

std::size_t client::idle_connections() const {
  return kept_->size();
}

std::unique_ptr<client::connection> client::connect(const url& to,
                                                    deadline until) {
  if (to.scheme != "http" && to.scheme != "https")
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "no http client for " + to.text());
  if (to.is_secure() && !options_.secure)
    throw std::system_error(
        std::make_error_code(std::errc::protocol_not_supported),
        "no client_options::secure for " + to.text());
  auto plain = tcp_socket::connect({to.host, to.port}, until);
  const int number = plain.native_handle();
  std::unique_ptr<stream> over;
  if (to.is_secure())
    over = options_.secure(std::move(plain), to.host, until);
  else
    over = std::make_unique<tcp_socket>(std::move(plain));
  return std::make_unique<connection>(std::move(over), number, place_of(to),
                                      options_);
}

namespace {

bool may_come_in_gzip(const outgoing& what, const client_options& options) {
  return options.accept_gzip && what.method != "HEAD" &&
         !what.headers.contains("Accept-Encoding") &&
         !what.headers.contains("Range");
}

void append_head(std::string& to, const outgoing& what, const url& at,
                 const client_options& options) {
  const std::string& user_agent = options.user_agent;
  const fields& headers = what.headers;
  to.append(what.method).append(" ").append(at.target).append(" HTTP/1.1\r\n");
  if (!headers.contains("Host"))
    to.append("Host: ").append(at.authority()).append("\r\n");
  for (const field& each : headers)
    to.append(each.name).append(": ").append(each.value).append("\r\n");
  if (!headers.contains("User-Agent") && !user_agent.empty())
    to.append("User-Agent: ").append(user_agent).append("\r\n");
  if (!headers.contains("Accept")) to.append("Accept: */*\r\n");
  if (may_come_in_gzip(what, options)) to.append("Accept-Encoding: gzip\r\n");
  if (what.source)
    to.append("Transfer-Encoding: chunked\r\n");
  else if (!what.body.empty() || what.method == "POST" || what.method == "PUT")
    to.append("Content-Length: ")
        .append(std::to_string(what.body.size()))
        .append("\r\n");
  to.append("\r\n");
}

void send_chunks(output& out, const outgoing& what) {
  std::array<char, 16'384> piece;
  while (const std::size_t bytes = what.source(piece)) {
    std::array<char, 20> size;
    const auto end =
        std::to_chars(size.data(), size.data() + size.size(), bytes, 16).ptr;
    out.send({{size.data(), static_cast<std::size_t>(end - size.data())},
              "\r\n",
              {piece.data(), bytes},
              "\r\n"});
  }
  out.send({"0\r\n\r\n"});
}

/// False when the server does not listen, or not any more: it may have
/// answered all the same.
bool write_request(output& out, const outgoing& what, const url& at,
                   const client_options& options) {
  append_head(out.buffer(), what, at, options);
  try {
    if (what.source)
      send_chunks(out, what);
    else
      out.send({what.body});
    return true;
  } catch (const std::system_error& failed) {
    if (failed.code() == errc::timed_out || !out.has_failed()) throw;
    return false;
  }
}

/// The final one; what a server says before is for nobody here.
bool read_final_head(message_reader& in, deadline until) {
  do
    if (!in.read_head(until)) return false;
  while (in.head().status < 200 && in.head().status != 101);
  return true;
}

} // namespace

/// Empty when the connection ended before a reply.
reply client::exchange_over(std::unique_ptr<connection> over, const url& at,
                            const outgoing& what, deadline until) {
  over->out.limit(until);
  const bool written = write_request(over->out, what, at, options_);
  if (!read_final_head(over->in, until)) return reply(nullptr);
  over->in.set_body(framing_of_response(over->in.head(), what.method));
  over->out.limit({});
  auto made =
      std::make_unique<reply::state>(std::move(over), kept_, at, options_);
  made->status = made->over->in.head().status;
  made->headers = made->over->in.head().headers;
  made->method = what.method;
  made->closing = !written;
  if (made->over->in.body_done())
    made->leave();
  else if (may_come_in_gzip(what, options_))
    made->begin_gzip();
  return reply(std::move(made));
}

/// A kept connection may be closed by its server at any time, also between our
/// request and its reply.
reply client::exchange(const url& at, const outgoing& what, deadline until) {
  const std::string name = what.method + ' ' + at.text();
  try {
    if (auto kept = kept_->take(place_of(at))) {
      try {
        reply made = exchange_over(std::move(kept), at, what, until);
        if (made.state_) return made;
      } catch (const std::system_error& failed) {
        if (failed.code() == errc::timed_out || !may_be_repeated(what)) throw;
      }
      if (!may_be_repeated(what))
        throw std::system_error(make_error_code(errc::closed), name);
    }
    reply made = exchange_over(connect(at, until), at, what, until);
    if (made.state_) return made;
    throw std::system_error(make_error_code(errc::closed), name);
  } catch (const error& failed) {
    throw std::system_error(meaning(failed), name + ": " + failed.what());
  }
}

namespace {

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 ||
         status == 308;
}

/// RFC 9110, 15.4.
void redirect(outgoing& what, int status, const url& from, const url& to) {
  if (status != 307 && status != 308 && what.method != "HEAD" &&
      (status == 303 || what.method == "POST")) {
    what.method = "GET";
    what.body.clear();
    what.source = nullptr;
    what.headers.erase("Content-Type");
  }
  if (place_of(from) == place_of(to)) return;
  for (const char* secret : {"Authorization", "Cookie", "Host"})
    what.headers.erase(secret);
}

} // namespace

reply client::send(outgoing what, deadline until) {
  if (what.method.empty() || !in_token.has_all(what.method))
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "no method: '" + what.method + '\'');
  if (until.is_never()) until = options_.time;
  url at = url::parse(what.url);
  for (unsigned count = 0; count <= options_.most_redirects; ++count) {
    reply made = exchange(at, what, until);
    const std::string_view to = made.header("Location");
    if (!is_redirect(made.status()) || to.empty()) return made;
    if (what.source && (made.status() == 307 || made.status() == 308))
      return made; // it cannot be sent again
    const url next = at.resolve(to);
    redirect(what, made.status(), at, next);
    made.drop_small_body();
    at = next;
  }
  throw std::system_error(std::make_error_code(std::errc::too_many_links),
                          what.method + ' ' + what.url + ": redirected " +
                              std::to_string(options_.most_redirects) +
                              " times");
}

reply client::get(std::string_view url, deadline until) {
  return send({.method = "GET", .url = std::string(url)}, until);
}

reply client::post(std::string_view url, std::string body,
                   std::string_view content_type, deadline until) {
  outgoing what{.method = "POST", .url = std::string(url)};
  what.headers.set("Content-Type", content_type);
  what.body = std::move(body);
  return send(std::move(what), until);
}

} // namespace greenroom::http
