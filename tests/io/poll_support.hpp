#pragma once

// Descriptors to wait on, and the calls that do.

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/io/poll.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace test {

/// Owns it, unless it was given away.
class descriptor {
public:
  explicit descriptor(int number) : number_(number) { REQUIRE(number >= 0); }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() { close(); }

  int number() const { return number_; }
  int give() { return std::exchange(number_, -1); }
  void close() {
    if (number_ >= 0) ::close(give());
  }
  void write(std::string_view bytes) {
    CHECK(::write(number_, bytes.data(), bytes.size()) ==
          static_cast<ssize_t>(bytes.size()));
  }
  /// How many bytes there were; -1 for none.
  ssize_t read() {
    std::array<char, 100> text;
    return ::read(number_, text.data(), text.size());
  }

private:
  int number_;
};

/// Not blocking, as all here.
class pipe_ends {
  std::array<int, 2> made_ = [] {
    std::array<int, 2> made{-1, -1};
    REQUIRE(pipe2(made.data(), O_NONBLOCK | O_CLOEXEC) == 0);
    return made;
  }();

public:
  descriptor out{made_[0]};
  descriptor in{made_[1]};

  void fill() {
    const std::array<char, 4096> bytes{};
    while (::write(in.number(), bytes.data(), bytes.size()) > 0) {
    }
  }
};

class socket_ends {
  std::array<int, 2> made_ = [] {
    std::array<int, 2> made{-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                       made.data()) == 0);
    return made;
  }();

public:
  descriptor near{made_[0]};
  descriptor far{made_[1]};
};

/// Each read takes one from its count.
struct counter : descriptor {
  explicit counter(unsigned count = 0)
      : descriptor(eventfd(count, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE)) {
  }

  void add(std::uint64_t count) {
    CHECK(::write(number(), &count, sizeof count) == sizeof count);
  }
  bool take() {
    std::uint64_t one = 0;
    return ::read(number(), &one, sizeof one) == sizeof one;
  }
};

/// Those given.
inline fd_set set_of(std::initializer_list<int> numbers) {
  fd_set made;
  FD_ZERO(&made);
  for (const int each : numbers)
    FD_SET(each, &made);
  return made;
}

/// What waits on one descriptor for reading, by name.
struct poll_call {
  const char* name;
  std::function<void(int, greenroom::deadline, std::error_code&)> wait;
};

inline const std::vector<poll_call>& poll_calls() {
  static const std::vector<poll_call> all{
      {"wait_readable",
       [](int number, greenroom::deadline until, std::error_code& failed) {
         greenroom::wait_readable(number, until, failed);
       }},
      {"poll",
       [](int number, greenroom::deadline until, std::error_code& failed) {
         pollfd one{number, POLLIN, 0};
         const auto ready = greenroom::poll({&one, 1}, until, failed);
         if (ready == 0 && !failed) failed = greenroom::errc::timed_out;
         if (one.revents & POLLNVAL) failed = greenroom::errc::closed;
       }},
      {"select",
       [](int number, greenroom::deadline until, std::error_code& failed) {
         fd_set readable = set_of({number});
         const auto ready = greenroom::select(number + 1, &readable, nullptr,
                                              nullptr, until, failed);
         if (ready == 0 && !failed) failed = greenroom::errc::timed_out;
       }},
  };
  return all;
}

} // namespace test
