#pragma once

// Private to the http room: Beast's parser, kept to one source file.

#include <greenroom/http/fields.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace greenroom::http {

enum class message_kind { request, response };

/// One text, for which of them is seen depends on how the bytes were cut.
inline constexpr const char* malformed_chunks =
    "a chunked body that is malformed or cut off";

/// The start line and the header fields of a message.
class message_head {
public:
  void clear();
  void add_field(std::string_view name, std::string_view value) {
    headers.add_checked(name, value);
  }

  /// How many fields there are of these names, which every message is asked for.
  struct counts {
    unsigned connection = 0;
    unsigned content_length = 0;
    unsigned expect = 0;
    unsigned host = 0;
    unsigned transfer_encoding = 0;
  };

  std::string method; // of a request
  std::string target;
  int status = 0; // of a response
  std::string reason;
  int version = 11; // 10 is HTTP/1.0
  fields headers;
  counts of;
};

/// Parses heads and chunked bodies; framing is its user's business.
class message_parser {
public:
  explicit message_parser(message_kind kind);
  message_parser(message_parser&&) noexcept;
  ~message_parser();

  /// A head in whole, with its empty line. Throws `error`.
  void parse_head(std::string_view text, message_head& into);

  struct progress {
    std::size_t taken = 0;  // bytes of the input
    std::size_t filled = 0; // bytes of the body
    bool done = false;
  };
  /// The next bytes of the chunked body of the head parsed last. Takes no
  /// input and fills nothing: it must see more at once. Throws `error`.
  progress parse_chunked(std::string_view input, std::span<char> into);

private:
  class beast_parser;
  template <bool IsRequest>
  class beast_parser_of;

  std::unique_ptr<beast_parser> parser_;
};

} // namespace greenroom::http
