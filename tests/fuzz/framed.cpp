// Lines, marks and whole messages off a stream, in pieces of any size.

#include "input_stream.hpp"

#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/message_stream.hpp>

#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;

namespace {

std::vector<std::string> lines_of(std::string_view said, std::size_t piece,
                                  std::string_view mark) {
  fuzz::input_stream peer{said, piece};
  buffered_reader reader{peer, 100};
  std::vector<std::string> all;
  std::error_code failed;
  for (;;) {
    auto line = mark.empty() ? reader.read_line({}, failed)
                             : reader.read_until(mark, {}, failed);
    if (failed) all.emplace_back(failed.message());
    if (failed || !line) return all;
    all.push_back(*line);
  }
}

std::vector<std::string> messages_of(std::string_view said, std::size_t piece) {
  message_stream peer{std::make_unique<fuzz::input_stream>(said, piece), 1000};
  std::vector<std::string> all;
  std::error_code failed;
  while (auto came = peer.receive({}, failed))
    all.push_back(*came);
  if (failed) all.emplace_back(failed.message());
  return all;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  fuzz::use_virtual_clock();
  const std::string_view said = fuzz::text(data, size);
  constexpr std::size_t whole = 1 << 20;
  for (const std::string_view mark : {"", "ab", "\r\n\r\n"})
    if (lines_of(said, whole, mark) != lines_of(said, 1, mark)) std::abort();
  if (messages_of(said, whole) != messages_of(said, 1)) std::abort();
  return 0;
}
