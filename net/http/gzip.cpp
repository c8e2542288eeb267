#include "gzip.hpp"

#include <greenroom/http/error.hpp>

#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <stdexcept>

namespace greenroom::http {
namespace {

constexpr int with_gzip_head = 16; // beside the bits of the window

void require(int result) {
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  if (result != Z_OK)
    throw std::runtime_error(std::string("zlib: ") + zError(result));
}

const Bytef* as_bytes(std::string_view text) {
  return reinterpret_cast<const Bytef*>(text.data());
}

} // namespace

// --- writing --------------------------------------------------------------

void gzip_writer::closer::operator()(z_stream_s* stream) const {
  deflateEnd(stream);
  delete stream;
}

/// As nginx: a small body needs no large window, and less memory.
gzip_writer::gzip_writer(int level, std::uint64_t bytes) {
  constexpr int least_bits = 9;
  int bits = MAX_WBITS;
  int memory = 8;
  while (bits > least_bits && bytes < (1U << (bits - 1)) - 262) {
    --bits;
    memory = std::max(memory - 1, 1);
  }
  auto made = std::make_unique<z_stream>();
  require(deflateInit2(made.get(), level, Z_DEFLATED, bits + with_gzip_head,
                       memory, Z_DEFAULT_STRATEGY));
  stream_.reset(made.release());
}

void gzip_writer::write(std::string_view bytes, until ends, std::string& to) {
  constexpr std::array flushes{Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
  std::array<Bytef, 16'384> out;
  stream_->next_in = as_bytes(bytes);
  stream_->avail_in = static_cast<uInt>(bytes.size());
  do {
    stream_->next_out = out.data();
    stream_->avail_out = out.size();
    deflate(stream_.get(), flushes[static_cast<std::size_t>(ends)]);
    to.append(reinterpret_cast<const char*>(out.data()),
              out.size() - stream_->avail_out);
  } while (stream_->avail_out == 0);
}

// --- reading --------------------------------------------------------------

void gzip_reader::closer::operator()(z_stream_s* stream) const {
  inflateEnd(stream);
  delete stream;
}

gzip_reader::gzip_reader() {
  auto made = std::make_unique<z_stream>();
  require(inflateInit2(made.get(), MAX_WBITS + with_gzip_head));
  stream_.reset(made.release());
}

void gzip_reader::feed(std::string_view bytes) {
  stream_->next_in = as_bytes(bytes);
  stream_->avail_in = static_cast<uInt>(bytes.size());
}

std::size_t gzip_reader::read(std::span<char> into) {
  const auto room = static_cast<uInt>(
      std::min<std::size_t>(into.size(), std::numeric_limits<uInt>::max()));
  stream_->next_out = reinterpret_cast<Bytef*>(into.data());
  stream_->avail_out = room;
  while (stream_->avail_out == room) {
    if (at_end_ && stream_->avail_in == 0) break;
    if (at_end_) require(inflateReset(stream_.get()));
    const int result = inflate(stream_.get(), Z_NO_FLUSH);
    at_end_ = result == Z_STREAM_END;
    if (result == Z_BUF_ERROR) break;
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (!at_end_ && result != Z_OK) throw error(400, "the body is no gzip");
  }
  return room - stream_->avail_out;
}

} // namespace greenroom::http
