#pragma once

// The cases of the Autobahn testsuite (crossbario/autobahn-testsuite), under
// their numbers: what each sends, and what has to come back. Each is played to
// our server and to our client, by a peer that writes every byte itself.

#include "ws/support.hpp"

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/stream.hpp>

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace test::autobahn {

enum class role { server, client };
inline constexpr std::initializer_list<role> both_roles{role::server,
                                                        role::client};

/// First bytes of frames.
inline constexpr int last = 0x80;
inline constexpr int goes_on = 0x00;
inline constexpr int text = 0x01;
inline constexpr int bytes = 0x02;
inline constexpr int close = 0x88;
inline constexpr int ping = 0x89;
inline constexpr int pong = 0x8a;
inline constexpr int wait = -1; ///< no frame: for a second

struct step {
  int first;
  std::string payload = {};
  std::vector<std::size_t> cuts = {}; ///< of the payload, with waits there
};

/// What comes back: a message or pong by its first byte, or a `wait` that went
/// by with the connection open.
struct event {
  int first;
  std::string payload = {};
  bool operator==(const event&) const = default;
};

/// Who says goodbye first, the peer's codes that are right, and whether that
/// has to be in order.
struct ending {
  bool by_us;
  std::vector<int> codes;
  bool clean;
};
inline const ending closed{true, {1000}, true};
inline const ending refused{false, {1002}, false};
inline const ending bad_text{false, {1007}, false};

enum : std::size_t { in_one = 0, each_frame = SIZE_MAX }; // or so many bytes

/// As Autobahn counts them.
enum class grade { failed, ok, non_strict, informational };

struct test_case {
  std::string number;
  std::vector<step> sends;
  std::vector<event> expected;
  ending end = closed;
  std::size_t chopped = in_one;
  std::optional<std::vector<event>> late = {}; ///< then it is non-strict
  grade wanted = grade::ok;
};

/// The other side of a connection, whichever that is.
class raw_peer {
public:
  raw_peer(greenroom::stream& over, role ours);

  struct frame {
    int first;
    std::string payload;
  };

  std::string read_head();
  /// Nothing at the deadline, and at the end.
  std::optional<frame> read_frame(greenroom::deadline until);
  bool at_end() const { return at_end_; }
  /// What the frames that came may not have been.
  const std::string& wrong() const { return wrong_; }

  std::string wire(int first, std::string_view payload) const;
  void write(std::string_view all, std::size_t chopped = in_one);
  void shutdown_write() { over_.shutdown_write(); }

  bool is_client() const { return is_client_; }
  bool may_compress = false;

private:
  bool fill(std::size_t most, greenroom::deadline until);
  std::size_t number_at(std::size_t at, std::size_t bytes_of_it) const;
  void check(int first, bool masked, int length_code, std::size_t length);

  greenroom::stream& over_;
  bool is_client_;
  std::string came_;
  std::size_t taken_ = 0;
  std::vector<char> piece_;
  bool at_end_ = false;
  std::string wrong_;
};

/// With each other after a handshake, in which the raw side says `extensions`.
/// `body` gets the peer and, from a client of ours, the head of its request.
void converse(role ours, const ws::options& how, const std::string& extensions,
              const std::function<void(raw_peer&, const std::string&)>& body);

/// Says goodbye, and whether the peer then ended in order.
bool end_in_order(raw_peer& far);

/// Plays each case to both roles; a test fails with its number.
void play(const std::vector<test_case>& cases, const ws::options& how = {});

std::string close_payload(int code, std::string_view reason = {});
std::string repeated(std::string_view pattern, std::size_t size);
/// A message in frames of so many bytes, the last one may be shorter.
std::vector<step> fragments(int kind, const std::string& payload,
                            std::size_t each);

} // namespace test::autobahn
