#pragma once

// gzip, by zlib alone: what others would read and write.

#include <doctest/doctest.h>

#include <zlib.h>

#include <array>
#include <string>
#include <string_view>

namespace test {

inline Bytef* as_bytes(std::string_view text) {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));
}

inline std::string gzip(std::string_view text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9,
                       Z_DEFAULT_STRATEGY) == Z_OK);
  std::string made(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = as_bytes(text);
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = as_bytes(made);
  stream.avail_out = static_cast<uInt>(made.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  made.resize(stream.total_out);
  deflateEnd(&stream);
  return made;
}

struct unzipped {
  std::string text; // as much as there is
  bool whole = false;
};

inline unzipped gunzip(std::string_view packed) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  stream.next_in = as_bytes(packed);
  stream.avail_in = static_cast<uInt>(packed.size());
  std::array<char, 4096> piece;
  unzipped found;
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = as_bytes({piece.data(), piece.size()});
    stream.avail_out = piece.size();
    result = inflate(&stream, Z_SYNC_FLUSH);
    found.text.append(piece.data(), piece.size() - stream.avail_out);
  }
  found.whole = result == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  return found;
}

/// Of a body in chunks, as much as there is.
inline std::string without_chunks(std::string_view body) {
  std::string all;
  while (!body.empty()) {
    const std::size_t size = std::stoul(std::string(body), nullptr, 16);
    body.remove_prefix(body.find("\r\n") + 2);
    all += body.substr(0, size);
    body.remove_prefix(size + 2);
  }
  return all;
}

} // namespace test
