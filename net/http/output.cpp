#include "output.hpp"

#include <greenroom/hub/error.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace greenroom::http {
namespace {

constexpr std::size_t good_write = 16'384;     // bytes
constexpr std::size_t most_in_write = 1 << 20; // bytes

} // namespace

void output::keep() {
  if (waiting_.size() >= good_write) flush();
}

void output::send(std::initializer_list<std::string_view> parts) {
  std::array<std::string_view, 5> all{waiting_};
  assert(parts.size() < all.size());
  std::size_t bytes = 0;
  for (const std::string_view each : parts)
    bytes += each.size();
  if (bytes > most_in_write) return send_pieces(parts);
  const auto* end = std::copy(parts.begin(), parts.end(), all.begin() + 1);
  write({all.data(), static_cast<std::size_t>(end - all.data())});
}

/// Each within the time of one write: a client may be slow.
void output::send_pieces(std::initializer_list<std::string_view> parts) {
  for (std::string_view each : parts)
    while (!each.empty()) {
      const std::array both{std::string_view(waiting_),
                            each.substr(0, most_in_write)};
      each.remove_prefix(both[1].size());
      write(both);
    }
}

void output::flush() {
  if (waiting_.empty()) return;
  const std::string_view all = waiting_;
  write({&all, 1});
}

void output::release() {
  if (waiting_.empty()) (void)std::exchange(waiting_, {});
}

void output::write(std::span<const std::string_view> parts) {
  check_usable();
  std::error_code failed;
  failed_ = true; // also when it is killed halfway
  sent_ += to_.write(parts, until(), failed);
  waiting_.clear();
  if (failed) throw std::system_error(failed, "write a message");
  failed_ = false;
}

/// Part of a message is out; what would come next is taken for its rest.
void output::check_usable() const {
  if (failed_)
    throw_error(errc::closed, "write a message after another failed");
}

/// A piece at a time, each within the time of one write.
void output::send_file(socket_stream& to, int descriptor, std::uint64_t offset,
                       std::uint64_t bytes) {
  flush();
  check_usable();
  while (bytes > 0) {
    std::error_code failed;
    failed_ = true;
    const std::uint64_t done = to.send_file(
        descriptor, offset, std::min<std::uint64_t>(bytes, most_in_write),
        until(), failed);
    sent_ += done;
    if (failed) throw std::system_error(failed, "send a file");
    failed_ = false;
    if (done == 0) throw std::runtime_error("a file became shorter");
    offset += done;
    bytes -= done;
  }
}

} // namespace greenroom::http
