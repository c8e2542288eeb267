// Bodies of a stranger: decoded or refused, and what was decoded is so again.

#include "input_stream.hpp"

#include <greenroom/wire/codec.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

using namespace greenroom;

namespace {

struct line {
  std::string item;
  int count = 0;
  static constexpr std::array wire_fields{"item", "count"};
};

struct message {
  std::variant<int, line, std::string> first;
  std::vector<line> lines;
  std::map<std::string, std::optional<unsigned char>> names;
  std::chrono::milliseconds time{};
  std::array<bool, 2> pair{};
  std::vector<message> inner;
  std::vector<std::byte> raw;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  std::error_code failed;
  const auto made =
      wire::decode<message>(fuzz::text(data, size), {.items = 5000}, failed);
  if (failed) return 0;
  const std::string body = wire::encode(made);
  if (wire::encode(wire::decode<message>(body)) != body) std::abort();
  return 0;
}
