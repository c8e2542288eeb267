#pragma once

#include <greenroom/http/fields.hpp>
#include <greenroom/http/url.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/secure.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace greenroom::http {

struct client_options {
  std::size_t most_idle = 16; ///< connections kept for each server
  /// After which an idle connection is not used again.
  std::chrono::nanoseconds idle_time{std::chrono::seconds(30)};
  /// For a call without a deadline of its own, up to the reply's head, and for
  /// each read of its body.
  std::chrono::nanoseconds time{std::chrono::seconds(60)};
  unsigned most_redirects = 10;
  /// In bytes, of `reply::body`, without its gzip.
  std::uint64_t most_body = 64 * 1024 * 1024;
  std::string user_agent = "greenroom";
  /// Asks for bodies in gzip, and reads them as if they had come without: the
  /// reply has no Content-Encoding and Content-Length then. Not for HEAD, nor
  /// when a request has a Range or an Accept-Encoding of its own.
  bool accept_gzip = false;
  /// For https: `tls_connector(context)` of greenroom::tls.
  secure_connector secure = {};
};

/// What is asked of a server.
struct outgoing {
  std::string method = "GET";
  std::string url;
  fields headers = {};
  std::string body = {};
  /// A body of unknown length instead, sent in chunks: fills what it is given,
  /// returns how much, 0 at the end. Not repeated for a redirect.
  std::function<std::size_t(std::span<char>)> source = {};
};

/// What a server answered.
///
/// Ownership  Owns the connection, until the body has been read: then the
///            client may use it again. Moved, not copied. May outlive the
///            client.
/// Waits      What reads the body, in whole until its deadline; without one,
///            `client_options::time` for each piece.
/// Errors     `std::system_error`, as `client`; `std::errc::message_size` for a
///            body beyond the limit. Then, and after a kill, the connection is
///            closed, and reading on is `errc::closed`: what came is no whole
///            body.
class reply {
public:
  reply(reply&&) noexcept;
  reply& operator=(reply&&) noexcept;
  ~reply();

  int status() const;
  bool is_good() const { return status() >= 200 && status() < 300; }
  const fields& headers() const;
  std::string_view header(std::string_view name) const {
    return headers().get(name);
  }
  /// After redirects.
  const url& where() const;

  /// What has come of the body, at least a byte; 0 at its end.
  std::size_t read_some(std::span<char> into, deadline until = {});
  /// The rest of it.
  std::string body(deadline until = {});

private:
  friend class client;
  struct state;
  explicit reply(std::unique_ptr<state> made);
  void drop_small_body();

  std::unique_ptr<state> state_;
};

/// Asks servers, over connections that it keeps for the next time.
///
/// Ownership  Owns its idle connections. Used by any number of greenlets.
/// Thread     Its hub's thread only.
/// Waits      Every call, for the reply's head, until its deadline.
/// Errors     `std::system_error`, whose text names the method and the URL:
///            those of connecting and of the stream, `errc::timed_out`,
///            `errc::closed`, `std::errc::protocol_error` for a reply that is
///            none, `std::errc::invalid_argument` for a bad URL,
///            `std::errc::too_many_links` for redirects without end. A reply of
///            any status is none.
/// Source     Python's requests, Go's http.Client.
///
///     http::client web;
///     std::string page = web.get("http://127.0.0.1:8000/").body();
///
///     pool ten{10};                        // many, ten at a time
///     auto pages = ten.map(urls, [&](const std::string& each) {
///       return web.get(each).body();
///     });
class client {
public:
  explicit client(client_options options = {});
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client();

  reply get(std::string_view url, deadline until = {});
  reply post(std::string_view url, std::string body,
             std::string_view content_type = "text/plain; charset=utf-8",
             deadline until = {});
  /// Follows redirects; to another host without Authorization and Cookie.
  reply send(outgoing what, deadline until = {});

  std::size_t idle_connections() const;

private:
  friend class reply;
  class connection;
  class connections;

  reply exchange(const url& at, const outgoing& what, deadline until);
  reply exchange_over(std::unique_ptr<connection> over, const url& at,
                      const outgoing& what, deadline until);
  std::unique_ptr<connection> connect(const url& to, deadline until);

  const client_options options_;
  const std::shared_ptr<connections> kept_; // also of replies
};

} // namespace greenroom::http
