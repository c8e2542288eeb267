// URLs and references: what was understood is understood again.

#include "input_stream.hpp"

#include <greenroom/http/url.hpp>
#include <greenroom/io/tcp_address.hpp>

#include <cstdlib>
#include <string>
#include <system_error>

using namespace greenroom;

namespace {

void check(const http::url& made) {
  const http::url again = http::url::parse(made.text());
  if (again.text() != made.text()) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view said = fuzz::text(data, size);
  try {
    check(http::url::parse(said));
  } catch (const std::system_error&) {
  }
  try {
    check(http::url::parse("http://a/b/c?d").resolve(said));
  } catch (const std::system_error&) {
  }
  try {
    const tcp_address made = tcp_address::parse(said);
    if (tcp_address::parse(made.text()) != made) std::abort();
  } catch (const std::system_error&) {
  }
  return 0;
}
