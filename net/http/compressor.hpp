#pragma once

// Private to the http room: whether a response is compressed, and its body.

#include "gzip.hpp"

#include <greenroom/http/compression.hpp>
#include <greenroom/http/fields.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::http {

class compressor {
public:
  static constexpr std::uint64_t unknown = UINT64_MAX; // bytes

  compressor(std::shared_ptr<const compression> how, bool is_welcome)
      : how_(std::move(how)), is_welcome_(is_welcome) {}

  /// Whether the body is to be compressed. Caches are told, also where only
  /// another client would get it so.
  bool begin(fields& headers, std::uint64_t bytes, bool head_only);
  /// Since `begin` said so.
  bool is_at_work() const { return writer_.has_value(); }

  /// A body in whole. Lets others run.
  std::string whole(std::string_view body);
  /// The next of it, a slice at most. Stays until the next call.
  std::string_view next(std::string_view bytes, gzip_writer::until ends);
  /// Between two, others should run.
  static constexpr std::size_t slice = 65'536; // bytes

  /// In the headers: the body is in gzip,
  static void announce(fields& headers);
  /// or would be for others.
  static void announce_choice(fields& headers);

private:
  bool fits(const fields& headers, std::uint64_t bytes) const;

  const std::shared_ptr<const compression> how_;
  const bool is_welcome_; // to the client
  std::optional<gzip_writer> writer_;
  std::string made_;
};

} // namespace greenroom::http
