// With the program `openssl` at the other end.

#include "hub/support.hpp"
#include "tls/tls_support.hpp"

#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/tls/tls_socket.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

bool there_is_openssl() {
  const bool there = std::system("command -v openssl >/dev/null") == 0;
  if (!there) MESSAGE("skipped: there is no program openssl");
  return there;
}

/// A program of the shell's, which this thread waits for at the end.
class program {
public:
  explicit program(const std::string& command)
      : output_(popen(("timeout 60 " + command).c_str(), "r")) {}
  program(const program&) = delete;
  program& operator=(const program&) = delete;
  ~program() { end(); }

  /// Empty at the end.
  std::string line() {
    std::array<char, 4096> text{};
    if (!std::fgets(text.data(), text.size(), output_)) return "";
    return text.data();
  }

  std::string rest() {
    std::string all;
    for (std::string next = line(); !next.empty(); next = line())
      all += next;
    return all;
  }

  int end() { return output_ ? pclose(std::exchange(output_, nullptr)) : -1; }

private:
  FILE* output_;
};

} // namespace

TEST_SUITE("tls") {
  TEST_CASE("openssl s_server answers our client, and resumes") {
    if (!there_is_openssl()) return;
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
      CAPTURE(version);
      const folder here;
      const std::string cert = here.file("chain.pem", the_server().certificate);
      const std::string key = here.file("key.pem", the_server().key);
      program server{"openssl s_server -accept 0 -naccept 2 -rev -alpn h2 " +
                     std::string(version) + " -cert " + cert + " -key " + key +
                     " 2>/dev/null"};
      std::string line = server.line();
      while (!line.empty() && !mentions(line, "ACCEPT"))
        line = server.line();
      const auto port = static_cast<std::uint16_t>(
          std::stoi(line.substr(line.rfind(':') + 1)));
      in_real_hub([&] {
        const auto client = usual_client({.alpn = {"h2"}});
        const auto talk = [&](const tls_session& kept) {
          auto peer = tls_socket::connect(
              client, {"127.0.0.1", port}, 10s,
              {.server_name = "server.test", .session = kept});
          CHECK(peer.alpn() == "h2");
          CHECK(peer.resumed() == !kept.empty());
          peer.write("hello\n");
          CHECK(read_text(peer, 6) == "olleh\n");
          return peer.session();
        };
        const tls_session kept = talk({});
        CHECK_FALSE(kept.empty());
        talk(kept);
      });
      CHECK(server.end() == 0);
    }
  }

  TEST_CASE("openssl s_client talks to our server") {
    if (!there_is_openssl()) return;
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
      CAPTURE(version);
      const folder here;
      const std::string ca = here.file("ca.pem", the_authority().pem());
      in_real_hub([&] {
        tcp_listener door{{"127.0.0.1", 0}};
        program client{"sh -c \"echo hello | openssl s_client -quiet "
                       "-verify_return_error -servername server.test "
                       "-verify_hostname server.test -connect " +
                       door.local().text() + " -CAfile " + ca + " " + version +
                       "\" 2>/dev/null"};
        auto peer = tls_socket::server(usual_server(), door.accept(10s), 10s);
        CHECK(peer.server_name() == "server.test");
        CHECK(buffered_reader{peer}.read_line(10s) == "hello");
        peer.write("good morning\n");
        peer.close();
        CHECK(client.rest() == "good morning\n");
        CHECK(client.end() == 0);
      });
    }
  }

  TEST_CASE("openssl s_client refuses a server with another name") {
    if (!there_is_openssl()) return;
    const folder here;
    const std::string ca = here.file("ca.pem", the_authority().pem());
    in_real_hub([&] {
      tcp_listener door{{"127.0.0.1", 0}};
      program client{"openssl s_client -quiet -verify_return_error "
                     "-verify_hostname other.test -connect " +
                     door.local().text() + " -CAfile " + ca +
                     " </dev/null 2>/dev/null"};
      std::error_code failed;
      tls_socket::server(usual_server(), door.accept(10s), 10s, failed);
      CHECK(mentions(failed.message(), "alert"));
      CHECK(client.end() != 0);
    });
  }
}
