// Teaches: TLS. A server with a certificate, and a client that trusts whom it
//          was told to and nobody else; a stream of either is like any other.
// Run:     build/dev/bin/45_tls_echo
// Prints:  expected/45_tls_echo.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/tls/tls_error.hpp>
#include <greenroom/tls/tls_socket.hpp>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <string>
#include <system_error>
#include <utility>

using namespace greenroom;

/// PEM of a new certificate, signed by itself, and of its key.
std::string make_certificate(const char* host) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* made = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(made), 0);
  X509_gmtime_adj(X509_getm_notAfter(made), 3600);
  X509_set_pubkey(made, key);
  X509_EXTENSION* name =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name,
                          ("DNS:" + std::string(host)).c_str());
  X509_add_ext(made, name, -1);
  X509_sign(made, key, EVP_sha256());
  BIO* memory = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(memory, made);
  PEM_write_bio_PrivateKey(memory, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(memory, &text);
  std::string pem(text, static_cast<std::size_t>(bytes));
  BIO_free(memory);
  X509_EXTENSION_free(name);
  X509_free(made);
  EVP_PKEY_free(key);
  return pem;
}

/// The handshake, too, is done in the connection's own greenlet.
void echo(const tls_context& context, tcp_socket&& accepted) try {
  auto peer = tls_socket::server(context, std::move(accepted));
  copy(peer, peer);
  peer.shutdown();
} catch (const std::system_error& error) {
  std::printf("server: %s\n", error.code().message().c_str());
}

int main() {
  const std::string pem = make_certificate("echo.test");
  const auto inward = tls_context::server({.certificate_pem = pem});
  tcp_listener door{{"127.0.0.1", 0}};
  const auto server = spawn([&] {
    nursery([&](nursery_scope& visits) {
      for (int i = 0; i < 2; ++i)
        visits.spawn([&, accepted = door.accept()]() mutable {
          echo(inward, std::move(accepted));
        });
    });
  });

  const auto trusting = tls_context::client({.ca_pem = pem});
  auto peer = tls_socket::connect(trusting, door.local(), {}, {"echo.test"});
  std::printf("%s\n", peer.version().c_str());
  peer.write({"hello ", "there\n"}); // one record
  buffered_reader lines{peer};
  std::printf("%s\n", lines.read_line()->c_str());
  peer.shutdown(); // both sides have said goodbye: nothing is missing

  const auto usual = tls_context::client(); // trusts whom the system trusts
  std::error_code failed;
  tls_socket::connect(usual, door.local(), {}, failed, {"echo.test"});
  std::printf("client: %s\n", failed.message().c_str());
  if (failed == tls_errc::verify_failed) std::puts("so nobody is talked to");
  server.join();
}
