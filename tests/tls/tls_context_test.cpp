#include "hub/support.hpp"
#include "tls/tls_support.hpp"

#include <greenroom/tls/tls_context.hpp>

#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

using namespace greenroom;
using namespace test;

namespace {

std::string error_of_server(const tls_options& options) {
  return error_of([&] { tls_context::server(options); });
}

std::string error_of_client(const tls_options& options) {
  return error_of([&] { tls_context::client(options); });
}

bool shake_hands(const tls_context& client, const tls_context& server) {
  bool shaken = false;
  in_real_hub([&] { shaken = !tls_pair{client, server}.near_failed; });
  return shaken;
}

} // namespace

TEST_SUITE("tls") {
  TEST_CASE("certificates and keys come from files or texts") {
    const folder here;
    const identity& own = the_server();
    const std::string chain = here.file("chain.pem", own.certificate);
    const std::string key = here.file("key.pem", own.key);
    const std::string both = here.file("both.pem", own.key + own.certificate);
    const std::string ca = here.file("ca.pem", the_authority().pem());
    const auto client = tls_context::client({.ca_file = ca});
    CHECK(shake_hands(client, tls_context::server({.certificate_file = chain,
                                                   .key_file = key})));
    CHECK(shake_hands(client, tls_context::server({.certificate_file = both})));
    CHECK(shake_hands(client, tls_context::server({.certificate_file = chain,
                                                   .key_pem = own.key})));
    CHECK_FALSE(shake_hands(tls_context::client(), // whom the system trusts
                            tls_context::server({.certificate_file = both})));
  }

  TEST_CASE("a folder of trusted certificates is looked into by hash") {
    const folder here;
    const std::string ca = here.file("ca.pem", the_authority().pem());
    const certificate parsed{[&] {
      const std::unique_ptr<BIO, freed<BIO_free>> in{
          BIO_new_file(ca.c_str(), "r")};
      return PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr);
    }()};
    std::array<char, 20> name;
    std::snprintf(name.data(), name.size(), "%08lx.0",
                  X509_subject_name_hash(parsed.get()));
    here.file(name.data(), the_authority().pem());
    CHECK(shake_hands(tls_context::client({.ca_directory = here.path()}),
                      usual_server()));
  }

  TEST_CASE("a locked key needs its password") {
    const identity& own = the_server();
    const std::unique_ptr<BIO, freed<BIO_free>> in{
        BIO_new_mem_buf(own.key.data(), static_cast<int>(own.key.size()))};
    const private_key key{
        PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr)};
    tls_options options{.certificate_pem = own.certificate,
                        .key_pem = pem_of(*key, "open sesame")};
    CHECK(mentions(error_of_server(options), "tls_context: key_pem: "));
    options.key_password = "wrong";
    CHECK(mentions(error_of_server(options), "tls_context: key_pem: "));
    options.key_password = "open sesame";
    CHECK(error_of_server(options) == "");
    options.key_password = std::string(100'000, 'x');
    CHECK(mentions(error_of_server(options), "tls_context: key_pem: "));
    int asked = 0;
    options.key_password.clear();
    options.ask_key_password = [&] {
      ++asked;
      return "open sesame";
    };
    CHECK(shake_hands(usual_client(), tls_context::server(options)));
    CHECK(asked == 1);
    options.ask_key_password = []() -> std::string {
      throw failure("no idea");
    };
    CHECK(error_of_server(options) == "test::failure: no idea");
  }

  TEST_CASE("an error names the file or option, and the reason") {
    const folder here;
    const std::string empty = here.file("empty.pem", "");
    const std::string none = here.path() + "/none.pem";
    const identity& own = the_server();
    const std::string other = the_authority().sign({}).key;
    CHECK(error_of_client({.ca_file = none}) ==
          "std::system_error: tls_context: ca_file " + none +
              ": No such file or directory");
    CHECK(error_of_client({.ca_file = empty}) ==
          "std::system_error: tls_context: ca_file " + empty +
              ": no start line");
    CHECK(mentions(error_of_client({.ca_file = here.path()}),
                   "ca_file " + here.path() + ": "));
    CHECK(error_of_client({.ca_pem = "nonsense"}) ==
          "std::system_error: tls_context: ca_pem: no start line");
    std::string broken = own.certificate;
    broken[100] = '?';
    CHECK(error_of_client({.ca_pem = own.certificate + broken}) ==
          "std::system_error: tls_context: ca_pem: bad base64 decode");
    CHECK(mentions(error_of_server({.certificate_file = none}),
                   "certificate_file " + none + ": No such file"));
    CHECK(mentions(error_of_server({.certificate_pem = own.certificate}),
                   "tls_context: certificate_pem: "));
    CHECK(mentions(error_of_server(
                       {.certificate_pem = own.certificate, .key_file = empty}),
                   "tls_context: key_file " + empty));
    CHECK(error_of_server(
              {.certificate_pem = own.certificate, .key_pem = other}) ==
          "std::system_error: tls_context: key_pem: key values mismatch");
    CHECK(mentions(error_of_client({.ciphers = "nonsense"}),
                   "ciphers \"nonsense\": no cipher match"));
    CHECK(mentions(error_of_client({.cipher_suites = "nonsense"}),
                   "cipher_suites \"nonsense\": "));
  }

  TEST_CASE("options that cannot be meant are refused") {
    const identity& own = the_server();
    CHECK_THROWS_AS(tls_context::server({}), std::invalid_argument);
    CHECK_THROWS_AS(tls_context::client({.verify = tls_verify::optional}),
                    std::invalid_argument);
    CHECK_THROWS_AS(tls_context::server(
                        with(own, tls_options{.verify = tls_verify::required})),
                    std::invalid_argument);
    CHECK_THROWS_AS(tls_context::client({.key_pem = own.key}),
                    std::invalid_argument);
    CHECK_THROWS_AS(tls_context::client({.certificate_file = "both",
                                         .certificate_pem = own.certificate}),
                    std::invalid_argument);
    CHECK_THROWS_AS(tls_context::client({.alpn = {""}}), std::invalid_argument);
    CHECK_THROWS_AS(tls_context::client({.alpn = {std::string(256, 'a')}}),
                    std::invalid_argument);
    CHECK_THROWS_AS(tls_context::client({.hosts = {{"a", usual_server()}}}),
                    std::invalid_argument);
  }

  TEST_CASE("what OpenSSL says is found in its category") {
    const std::error_code code{SSL_R_HTTP_REQUEST, tls_category()};
    CHECK(code.message() == "http request");
    CHECK(code != tls_errc::truncated);
    CHECK(std::error_code{1'000'000, tls_category()}.message() ==
          "TLS error 1000000");
    CHECK(std::error_code{X509_V_ERR_CERT_REVOKED, tls_verify_category()} ==
          tls_errc::verify_failed);
    for (const auto each : {tls_errc::verify_failed, tls_errc::truncated,
                            tls_errc::no_common_protocol})
      CHECK(make_error_condition(each).message() != "unknown error");
  }
}
