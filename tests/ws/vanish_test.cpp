// Peers of a WebSocket that vanish after any byte.

#include "io/tcp_support.hpp"
#include "ws/support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace test {
namespace {

/// What is read of it ends after so many bytes, or is reset there.
class cut_stream : public greenroom::stream {
public:
  cut_stream(std::unique_ptr<greenroom::stream> whole, std::size_t bytes,
             bool resets)
      : whole_(std::move(whole)), left_(bytes), resets_(resets) {}

  void shutdown_write() override { whole_->shutdown_write(); }
  void close() override { whole_->close(); }
  bool is_open() const override { return whole_->is_open(); }

private:
  std::size_t receive(std::span<char> into, std::size_t,
                      const transfer& how) override {
    const auto most = into.first(std::min(left_, into.size()));
    how.failed.clear();
    if (most.empty()) {
      if (resets_)
        how.failed = std::make_error_code(std::errc::connection_reset);
      return 0;
    }
    const std::size_t bytes = whole_->read_some(most, how.until, how.failed);
    left_ -= bytes;
    return bytes;
  }
  std::size_t send(std::span<const std::string_view> parts,
                   const transfer& how) override {
    return whole_->write(parts, how.until, how.failed);
  }

  const std::unique_ptr<greenroom::stream> whole_;
  std::size_t left_;
  const bool resets_;
};

bool is_clear(const std::error_code& why) {
  return why == greenroom::errc::closed || why == std::errc::connection_reset ||
         why == std::errc::protocol_error;
}

struct outcome {
  std::size_t messages = 0;
  std::error_code why; // that there are no more
};

outcome outcome_of(ws::socket& peer) {
  outcome got;
  while (peer.receive({}, got.why))
    ++got.messages;
  CHECK_FALSE(peer.is_open());
  std::error_code failed;
  peer.send("x", {}, failed);
  CHECK(failed == greenroom::errc::closed);
  return got;
}

TEST_SUITE("ws") {
  TEST_CASE("a client that vanishes after any byte ends the server's loop") {
    const std::string first = frame(0x81, "hello");
    const std::string all = first + frame(0x01, "wor") + frame(0x89, "ping") +
                            frame(0x80, "ld") + frame(0x88, "\x03\xe8");
    for (const bool resets : {false, true})
      in_hub([&] {
        for (std::size_t cut = 0; cut <= handshake.size() + all.size(); ++cut) {
          CAPTURE(cut);
          connection both;
          outcome got;
          bool accepted = false;
          const std::string said = (handshake + all).substr(0, cut);
          if (cut > 0) both.near.write(said);
          const auto serving = spawn([&] {
            http::serve(both.far,
                        [&](http::request& asked, http::response& answer) {
                          auto peer = ws::socket::accept(asked, answer);
                          accepted = true;
                          got = outcome_of(peer);
                        });
          });
          greenroom::sleep(1ms); // in which it is read
          resets ? both.near.reset() : both.near.close();
          serving.join();
          CHECK(accepted == (cut >= handshake.size()));
          if (!accepted) continue;
          const std::size_t frames = cut - handshake.size();
          const std::size_t whole = frames < first.size()     ? 0
                                    : frames < all.size() - 8 ? 1
                                                              : 2;
          CHECK(got.messages == whole);
          CHECK((frames == all.size() ? !got.why : is_clear(got.why)));
        }
      });
  }

  TEST_CASE("a server that vanishes after any byte is a clear error") {
    for (const bool resets : {false, true}) {
      bool whole = false;
      for (std::size_t cut = 0; !whole; ++cut)
        in_hub([&] {
          CAPTURE(cut);
          served server{[](ws::socket& peer) {
            peer.send("hello");
            peer.send(std::string(200, 'x'));
            peer.close();
          }};
          outcome got;
          std::error_code why;
          try {
            auto peer = ws::socket::client(
                std::make_unique<cut_stream>(server.stream(), cut, resets),
                "server.test");
            got = outcome_of(peer);
          } catch (const std::system_error& failed) {
            got.why = failed.code();
          }
          whole = !got.why;
          if (!whole) CHECK(is_clear(got.why));
          if (whole) CHECK(got.messages == 2);
          REQUIRE(cut < 2000);
        });
    }
  }
}

} // namespace
} // namespace test
