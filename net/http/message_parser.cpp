#include "message_parser.hpp"

#include <greenroom/http/error.hpp>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace greenroom::http {
namespace {

namespace beast = boost::beast::http;
using beast_code = boost::beast::error_code;
using beast_view = boost::beast::string_view;

std::string_view plain(beast_view text) {
  return {text.data(), text.size()};
}

constexpr std::size_t longest_trailer = 8192;   // bytes
constexpr std::size_t longest_extension = 8192; // of a chunk

} // namespace

void message_head::clear() {
  method.clear();
  target.clear();
  reason.clear();
  headers.clear();
  of = {};
}

namespace {

void count(beast::field name, message_head::counts& of) {
  switch (name) {
  case beast::field::connection:
    ++of.connection;
    break;
  case beast::field::content_length:
    ++of.content_length;
    break;
  case beast::field::expect:
    ++of.expect;
    break;
  case beast::field::host:
    ++of.host;
    break;
  case beast::field::transfer_encoding:
    ++of.transfer_encoding;
    break;
  default:
    break;
  }
}

} // namespace

/// What does not depend on what is parsed.
class message_parser::beast_parser {
public:
  virtual ~beast_parser() = default;
  virtual void parse_head(std::string_view text, message_head& into) = 0;
  virtual progress parse_chunked(std::string_view input,
                                 std::span<char> into) = 0;
};

template <bool IsRequest>
class message_parser::beast_parser_of : public beast_parser {
  /// Used once, as Beast's parsers are.
  class one_message : public beast::basic_parser<IsRequest> {
  public:
    explicit one_message(message_head& head) : head_(&head) {
      this->eager(true);
      this->header_limit(std::numeric_limits<std::uint32_t>::max());
      this->body_limit(std::numeric_limits<std::uint64_t>::max());
    }

    void head_is_done() { head_ = nullptr; }
    void fill(std::span<char> into) { into_ = into; }
    std::size_t filled(std::span<char> of) const {
      return of.size() - into_.size();
    }

  private:
    void on_request_impl(beast::verb, beast_view method, beast_view target,
                         int version, beast_code&) override {
      head_->method = plain(method);
      head_->target = plain(target);
      head_->version = version;
    }
    void on_response_impl(int status, beast_view reason, int version,
                          beast_code&) override {
      head_->status = status;
      head_->reason = plain(reason);
      head_->version = version;
    }
    void on_field_impl(beast::field known, beast_view name, beast_view value,
                       beast_code& failed) override {
      if (head_) {
        count(known, head_->of);
        return head_->add_field(plain(name), plain(value));
      }
      trailer_ += name.size() + value.size() + 4; // and is ignored
      if (trailer_ > longest_trailer) failed = beast::error::header_limit;
    }
    void on_header_impl(beast_code& failed) override {
      failed = beast::error::need_buffer; // the body comes apart
    }
    void on_body_init_impl(const boost::optional<std::uint64_t>&,
                           beast_code&) override {}
    std::size_t on_body_impl(beast_view, beast_code&) override { return 0; }
    void on_chunk_header_impl(std::uint64_t, beast_view extensions,
                              beast_code& failed) override {
      if (extensions.size() > longest_extension)
        failed = beast::error::bad_chunk_extension;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, beast_view body,
                                   beast_code& failed) override {
      const std::size_t bytes = std::min(body.size(), into_.size());
      std::copy_n(body.data(), bytes, into_.data());
      into_ = into_.subspan(bytes);
      if (into_.empty()) failed = beast::error::need_buffer;
      return bytes;
    }
    void on_finish_impl(beast_code&) override {}

    message_head* head_; // while that is parsed
    std::span<char> into_;
    std::size_t trailer_ = 0;
  };

public:
  void parse_head(std::string_view text, message_head& into) override {
    message_.emplace(into);
    into.clear();
    beast_code failed;
    message_->put({text.data(), text.size()}, failed);
    message_->head_is_done();
    if (failed && failed != beast::error::need_buffer)
      throw error(400, failed.message());
  }

  progress parse_chunked(std::string_view input,
                         std::span<char> into) override {
    message_->fill(into);
    beast_code failed;
    progress made;
    made.taken = message_->put({input.data(), input.size()}, failed);
    made.filled = message_->filled(into);
    made.done = message_->is_done();
    if (failed && failed != beast::error::need_buffer &&
        failed != beast::error::need_more)
      throw error(400, malformed_chunks);
    return made;
  }

private:
  std::optional<one_message> message_;
};

message_parser::message_parser(message_kind kind) {
  if (kind == message_kind::request)
    parser_ = std::make_unique<beast_parser_of<true>>();
  else
    parser_ = std::make_unique<beast_parser_of<false>>();
}

message_parser::message_parser(message_parser&&) noexcept = default;
message_parser::~message_parser() = default;

void message_parser::parse_head(std::string_view text, message_head& into) {
  parser_->parse_head(text, into);
}

message_parser::progress message_parser::parse_chunked(std::string_view input,
                                                       std::span<char> into) {
  return parser_->parse_chunked(input, into);
}

} // namespace greenroom::http
