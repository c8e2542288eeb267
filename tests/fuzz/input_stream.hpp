#pragma once

// A peer that says what a fuzzer thought of, in pieces.

#include <greenroom/hub/hub.hpp>
#include <greenroom/io/stream.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fuzz {

/// No input may wait for real.
inline void use_virtual_clock() {
  static const bool once = [] {
    greenroom::hub::current().use_clock(greenroom::clock_kind::virtual_time);
    return true;
  }();
  static_cast<void>(once);
}

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

class input_stream : public greenroom::stream {
public:
  input_stream(std::string_view said, std::size_t piece)
      : left_(said), piece_(piece) {}

  const std::string& written() const { return written_; }

  void shutdown_read() override { left_ = {}; }
  void shutdown_write() override {}
  void close() override { left_ = {}; }
  bool is_open() const override { return true; }

private:
  std::size_t receive(std::span<char> into, std::size_t at_least,
                      const transfer& how) override {
    how.failed.clear();
    const std::size_t most = at_least > 0 ? into.size() : piece_;
    const std::size_t bytes = std::min({into.size(), left_.size(), most});
    std::copy_n(left_.data(), bytes, into.data());
    left_.remove_prefix(bytes);
    if (bytes < at_least) how.failed = make_error_code(greenroom::errc::closed);
    return bytes;
  }
  std::size_t send(std::span<const std::string_view> parts,
                   const transfer& how) override {
    how.failed.clear();
    std::size_t bytes = 0;
    for (const std::string_view each : parts) {
      written_ += each;
      bytes += each.size();
    }
    return bytes;
  }

  std::string_view left_;
  const std::size_t piece_;
  std::string written_;
};

} // namespace fuzz
