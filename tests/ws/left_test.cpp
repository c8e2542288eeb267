// What is left half done: a kill in the middle of an answer that Beast gives by
// itself, and calls that outlive their socket.

#include "ws/support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace test {
namespace {

using namespace std::chrono_literals;
using greenroom::errc;

/// A client that says something, then nothing; it takes one write, the answer
/// to its handshake, and no more.
class stuck_client : public greenroom::stream {
public:
  explicit stuck_client(std::string said) : said_(std::move(said)) {}
  ~stuck_client() override { *alive_ = false; }

  void shutdown_write() override {}
  void close() override {
    open_ = false;
    moved_.set();
  }
  bool is_open() const override { return open_; }

private:
  std::size_t receive(std::span<char> into, std::size_t,
                      const transfer& how) override {
    REQUIRE(*alive_);
    how.failed.clear();
    const std::size_t bytes = std::min(into.size(), said_.size());
    std::memcpy(into.data(), said_.data(), bytes);
    said_.erase(0, bytes);
    if (bytes > 0) return bytes;
    wait(how);
    return 0;
  }
  std::size_t send(std::span<const std::string_view> parts,
                   const transfer& how) override {
    REQUIRE(*alive_);
    how.failed.clear();
    if (writes_++ > 0) wait(how);
    std::size_t all = 0;
    for (const std::string_view each : parts)
      all += each.size();
    return how.failed ? 0 : all;
  }
  void wait(const transfer& how) {
    const auto moved = moved_; // outlives us
    if (moved.wait(how.until))
      how.failed = make_error_code(errc::closed);
    else
      how.failed = make_error_code(errc::timed_out);
  }

  struct shared_event {
    bool wait(greenroom::deadline until) const { return inner->wait(until); }
    void set() const { inner->set(); }
    std::shared_ptr<greenroom::event> inner =
        std::make_shared<greenroom::event>();
  };

  std::string said_;
  int writes_ = 0;
  bool open_ = true;
  shared_event moved_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

TEST_SUITE("ws") {
  TEST_CASE("a receiver killed in the middle of a pong closes the socket") {
    in_hub([] {
      stuck_client client{handshake + frame(0x89, "ping")};
      http::serve(client, [&](http::request& asked, http::response& answer) {
        auto peer = ws::socket::accept(asked, answer);
        const auto reader = spawn([&] { peer.receive(); });
        greenroom::yield();
        reader.kill();
        CHECK_FALSE(client.is_open());
        std::error_code failed;
        peer.send("x", {}, failed);
        CHECK(failed == errc::closed);
      });
    });
  }

  TEST_CASE("calls that wait for a writer end when the handler has left") {
    in_hub([] {
      greenroom::any_greenlet writer;
      greenroom::any_greenlet reader;
      auto client =
          std::make_unique<stuck_client>(handshake + frame(0x89, "ping"));
      http::serve(*client, [&](http::request& asked, http::response& answer) {
        auto peer =
            std::make_shared<ws::socket>(ws::socket::accept(asked, answer));
        writer = spawn([held = peer.get()] {
          std::error_code failed;
          held->send("x", {}, failed);
          CHECK(failed);
        });
        greenroom::yield();
        reader = spawn([held = peer.get()] { // answers, after the writer
          std::error_code failed;
          CHECK_FALSE(held->receive({}, failed));
          CHECK(failed == errc::closed);
        });
        greenroom::yield();
      });
      client.reset();
      writer.join();
      reader.join();
    });
  }
}

} // namespace
} // namespace test
