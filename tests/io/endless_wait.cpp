// A wait for an operation that nobody completes and that cannot be cancelled
// is reported and ends the program: its frame must not be unwound, and turning
// for ever would hide it.

#include <greenroom/io/asio.hpp>

#include <cstdlib>
#include <exception>
#include <optional>
#include <utility>

int main() {
  std::set_terminate([] { std::_Exit(EXIT_SUCCESS); });
  std::optional<greenroom::operation_handler<>> kept;
  asio::async_initiate<const greenroom::use_greenlet_t, void(asio::error_code)>(
      [&](auto handler) { kept.emplace(std::move(handler)); },
      greenroom::use_greenlet);
  return EXIT_FAILURE;
}
