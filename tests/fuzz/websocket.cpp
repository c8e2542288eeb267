// Frames of a stranger, to an echo with and without compression.

#include "input_stream.hpp"

#include <greenroom/http/service.hpp>
#include <greenroom/ws/socket.hpp>

#include <string>
#include <system_error>

using namespace greenroom;

namespace {

const std::string handshake =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

void echo(http::request& asked, http::response& answer, bool compress) {
  auto peer = ws::socket::accept(asked, answer,
                                 {.most_bytes = 100'000, .compress = compress});
  std::error_code failed;
  while (const auto came = peer.receive({}, failed))
    peer.send_bytes(came->data, {}, failed);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  fuzz::use_virtual_clock();
  if (size == 0) return 0;
  const bool compress = data[0] & 1;
  const std::size_t piece = data[0] & 2 ? 1 : 1 << 20;
  const std::string said =
      handshake + std::string(fuzz::text(data + 1, size - 1));
  fuzz::input_stream client{said, piece};
  http::serve(client, [&](http::request& asked, http::response& answer) {
    echo(asked, answer, compress);
  });
  return 0;
}
