// http_hello over TLS, for `http`: https_hello PORT CERTIFICATE_AND_KEY.pem

#include <greenroom/http/server.hpp>
#include <greenroom/tls/tls_context.hpp>
#include <greenroom/tls/tls_secure.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

using namespace greenroom;

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("https_hello PORT CERTIFICATE_AND_KEY.pem\n", stderr);
    return 1;
  }
  const auto context = tls_context::server({.certificate_file = argv[2]});
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  http::server server{{"127.0.0.1", port},
                      [](http::request&, http::response& answer) {
                        answer.send("Hello, World!", "text/plain");
                      },
                      {.connections = {.secure = tls_acceptor(context)}}};
  server.serve_forever();
}
