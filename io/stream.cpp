#include <greenroom/io/stream.hpp>

#include <memory>

namespace greenroom {

std::size_t stream::read_some(std::span<char> into, deadline until) {
  std::error_code failed;
  std::string who;
  const std::size_t bytes = receive(into, 0, {until, failed, &who});
  if (failed) throw std::system_error(failed, "read from " + who);
  return bytes;
}

void stream::read(std::span<char> into, deadline until) {
  std::error_code failed;
  std::string who;
  receive(into, into.size(), {until, failed, &who});
  if (failed) throw std::system_error(failed, "read from " + who);
}

void stream::write(std::string_view bytes, deadline until) {
  write(std::span(&bytes, 1), until);
}

void stream::write(std::span<const std::string_view> parts, deadline until) {
  std::error_code failed;
  std::string who;
  send(parts, {until, failed, &who});
  if (failed) throw std::system_error(failed, "write to " + who);
}

namespace {

constexpr std::size_t piece_size = 64 * 1024; // bytes

struct piece {
  std::unique_ptr<char[]> memory = std::make_unique<char[]>(piece_size);
  std::span<char> all() { return {memory.get(), piece_size}; }
  std::string_view first(std::size_t bytes) { return {memory.get(), bytes}; }
};

} // namespace

std::uint64_t copy(stream& from, stream& to, deadline until) {
  piece part;
  std::uint64_t copied = 0;
  while (const std::size_t bytes = from.read_some(part.all(), until)) {
    to.write(part.first(bytes), until);
    copied += bytes;
  }
  return copied;
}

std::uint64_t copy(stream& from, stream& to, deadline until,
                   std::error_code& failed) {
  piece part;
  std::uint64_t copied = 0;
  for (;;) {
    const std::size_t bytes = from.read_some(part.all(), until, failed);
    if (failed || bytes == 0) return copied;
    copied += to.write(part.first(bytes), until, failed);
    if (failed) return copied;
  }
}

} // namespace greenroom
