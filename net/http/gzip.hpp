#pragma once

// Private to the http room: gzip by zlib, piece by piece.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct z_stream_s;

namespace greenroom::http {

class gzip_writer {
public:
  /// For so many bytes at most, as far as is known.
  gzip_writer(int level, std::uint64_t bytes);

  enum class until { more, piece, end };
  /// Adds it to `to`; what comes before the end of a piece can be read without
  /// what follows.
  void write(std::string_view bytes, until ends, std::string& to);

private:
  struct closer {
    void operator()(z_stream_s* stream) const;
  };
  std::unique_ptr<z_stream_s, closer> stream_;
};

/// One member after the other, as they come. Throws `error` 400 for what is
/// none.
class gzip_reader {
public:
  gzip_reader();

  /// The next bytes, which must stay until `read` has returned 0.
  void feed(std::string_view bytes);
  /// 0: it needs more of them.
  std::size_t read(std::span<char> into);
  bool at_end() const { return at_end_; }

private:
  struct closer {
    void operator()(z_stream_s* stream) const;
  };
  std::unique_ptr<z_stream_s, closer> stream_;
  bool at_end_ = true; // of a member
};

} // namespace greenroom::http
