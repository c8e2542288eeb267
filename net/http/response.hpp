#pragma once

#include <greenroom/http/fields.hpp>
#include <greenroom/io/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace greenroom::http {

/// What is answered: in whole by `send`, or piece by piece by `write`.
///
/// Ownership  Made by the server, for the time of the handler.
/// Thread     Its connection's greenlet only.
/// Waits      While the client does not read, for the server's `write_time` at
///            a time. A small response does not wait: it goes out before the
///            connection's next wait, with those to further requests that have
///            come already.
/// Errors     `std::system_error` when the client is gone: let it out. Misuse
///            is a `std::logic_error`: a second `send`, a header once the head
///            is out, more or less body than Content-Length says.
///            `std::invalid_argument` for a header that could split the
///            response.
/// Source     RFC 9110 and 9112; gevent.pywsgi, GEVENT.md 1.12.
///
///     void page(request&, response& answer) {
///       answer.set("Content-Type", "text/html");
///       answer.write("<p>Hello");
///       answer.write("World</p>");
///     }
class response {
public:
  response(const response&) = delete;
  response& operator=(const response&) = delete;

  /// 200 unless set.
  response& status(int code);
  int status() const { return status_; }
  response& set(std::string_view name, std::string_view value);
  response& add(std::string_view name, std::string_view value);
  const fields& headers() const { return headers_; }
  /// With the path `/` unless `attributes` say otherwise.
  response& set_cookie(std::string_view name, std::string_view value,
                       std::string_view attributes = "Path=/; HttpOnly");

  /// The whole body, with its Content-Length; "text/plain; charset=utf-8"
  /// unless a Content-Type was set.
  void send(std::string_view body);
  void send(std::string_view body, std::string_view content_type);
  /// 302 unless a status was set.
  void redirect(std::string_view location);

  /// The next piece of the body, at once. Chunked, unless a Content-Length was
  /// set; to an HTTP/1.0 client up to the end of the connection.
  void write(std::string_view piece);
  /// The body is complete; done at the handler's end if need be.
  void end();

  /// So many bytes of an open file, by sendfile(2) where the connection can.
  void send_file(int descriptor, std::uint64_t offset, std::uint64_t bytes);

  /// The head is out, or on its way: status and headers are settled.
  bool begun() const { return framing_ != framing::none; }
  /// The client asked for the head only; a body may be given and is dropped.
  bool head_only() const { return head_only_; }

  struct upgraded {
    stream& peer;
    std::string_view already_read;
  };
  /// The connection is the handler's from now on, and is closed at its end.
  /// Whoever calls it answers the request itself.
  upgraded take_over();

private:
  friend class connection;
  friend class compressing;

  enum class framing { none, no_body, length, chunked, to_end, taken_over };

  explicit response(class connection& of);
  ~response();
  void begin(bool head_only);
  void check_not_begun(const char* what) const;
  void write_head(framing how, std::uint64_t length);
  void begin_pieces();
  bool begin_compressing(std::uint64_t bytes);
  bool is_compressed() const;
  void write_compressed(std::string_view piece);
  void write_chunk(std::string_view bytes);
  bool may_have_body() const;
  bool ended() const { return ended_; }
  bool ends_with_connection() const { return framing_ == framing::to_end; }
  void count(std::size_t bytes);

  class connection& connection_;
  int status_ = 200;
  fields headers_;
  framing framing_ = framing::none;
  bool head_only_ = false;
  bool ended_ = false;
  bool is_counted_ = false;
  std::uint64_t left_ = 0; // of a body of a given length, which is counted
  std::unique_ptr<class compressor> compressor_; // null: nobody wants that
};

} // namespace greenroom::http
