// Replies to a client, in pieces: what it makes of them must not depend on how
// the bytes were cut.

#include "input_stream.hpp"

#include <greenroom/http/client.hpp>
#include <greenroom/io/tcp.hpp>

#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>

using namespace greenroom;

namespace {

/// A client wants a connection, over which the input comes instead.
class server {
public:
  http::client_options options(std::string_view said, std::size_t piece) {
    http::client_options made{.most_redirects = 0, .most_body = 50'000};
    made.secure = [this, said, piece](socket_stream&& connected,
                                      const std::string&, deadline) {
      connected.reset(); // of its port there would soon be no more
      door_.accept().reset();
      return std::make_unique<fuzz::input_stream>(said, piece);
    };
    return made;
  }
  std::string url() const { return "https://" + door_.local().text() + "/"; }

private:
  tcp_listener door_{{"127.0.0.1", 0}};
};

std::string understood(const char* method, std::string_view said,
                       std::size_t piece) {
  static server far;
  std::string told;
  try {
    http::client web{far.options(said, piece)};
    auto got = web.send({.method = method, .url = far.url()});
    told = std::to_string(got.status());
    for (const http::field& each : got.headers())
      told.append("\n").append(each.name).append(":").append(each.value);
    told += "\n\n" + got.body();
    if (web.idle_connections() > 1) std::abort();
  } catch (const std::system_error& failed) {
    told += failed.what();
  }
  return told;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  fuzz::use_virtual_clock();
  if (size == 0) return 0;
  const char* const method = data[0] & 1 ? "HEAD" : "GET";
  const std::string_view said = fuzz::text(data + 1, size - 1);
  const std::string whole = understood(method, said, 1 << 20);
  if (understood(method, said, 1) != whole) std::abort();
  return 0;
}
