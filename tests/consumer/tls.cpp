// Links greenroom::tls, and OpenSSL through it.

#include <greenroom/tls/tls_context.hpp>
#include <greenroom/tls/tls_socket.hpp>

int main() {
  const auto context = greenroom::tls_context::client();
  const greenroom::tls_socket nobody;
  return context.native() && !nobody.is_open() ? 0 : 1;
}
