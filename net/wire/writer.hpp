#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::wire {

/// Writes one MessagePack value after the other; for a type's own
/// `wire_write`. An array or a map is followed by its elements.
class writer {
public:
  void nil();
  void boolean(bool value);
  void integer(std::int64_t value);
  void natural(std::uint64_t value);
  void real(double value);
  void real(float value);
  void text(std::string_view value);
  void bytes(const void* data, std::size_t size);
  void array(std::size_t elements);
  void map(std::size_t pairs);

  std::string take() { return std::move(out_); }

private:
  std::string out_;
};

} // namespace greenroom::wire
