#pragma once

// Very many clients of a server under test. They live in a child process, so
// that each side has its own descriptors, and its memory is its own.

#include <greenroom/io/poll.hpp>

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool checks_memory = false;
#else
constexpr bool checks_memory = true;
#endif

inline void require(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %.*s\n", static_cast<int>(what.size()),
               what.data());
  std::fflush(nullptr);
  std::_Exit(EXIT_FAILURE);
}

/// Bytes of memory this process uses now.
inline std::size_t memory() {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::ifstream{"/proc/self/statm"} >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// Bytes on the heap that somebody holds; what is free of it may still count
/// as memory.
inline std::size_t held() {
  const struct mallinfo2 all = ::mallinfo2();
  return all.uordblks + all.hblkhd;
}

/// Since its beginning, what `count` connections cost.
class account {
public:
  account(const char* name, std::size_t count) : name_(name), count_(count) {}

  /// `most` bytes each.
  void check(std::size_t most) const {
    const std::size_t each = each_of(memory(), memory_);
    std::printf("%s: %zu connections, %zu bytes each (%zu on the heap), "
                "%zu at most\n",
                name_, count_, each, each_of(held(), held_), most);
    std::fflush(stdout);
    if (checks_memory) require(each < most, "it is no more");
  }

private:
  std::size_t each_of(std::size_t now, std::size_t before) const {
    return (std::max(now, before) - before) / count_;
  }

  const char* name_;
  const std::size_t count_;
  const std::size_t memory_ = memory();
  const std::size_t held_ = held();
};

/// In a process of its own: its memory is that of nothing before.
template <class Body>
void apart(Body&& body) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  require(child >= 0, "a process");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    std::fflush(nullptr);
    std::_Exit(EXIT_SUCCESS);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  require(status == 0, "it goes well");
}

/// As many as are wanted, if a process may have so many connections.
inline std::size_t affordable(std::size_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  constexpr std::size_t others = 200;
  require(limit.rlim_cur > 2 * others, "there are descriptors");
  return std::min<std::size_t>(wanted, limit.rlim_cur - others);
}

/// The blocking end of a connection, in the child.
class plain_client {
public:
  explicit plain_client(std::uint16_t port)
      : number_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // Else the system itself would keep megabytes for who does not read.
    constexpr int bytes = 8192;
    ::setsockopt(number_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    constexpr int segment = 1400;
    ::setsockopt(number_, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    require(::connect(number_, reinterpret_cast<sockaddr*>(&to), sizeof to) ==
                0,
            "a client connects");
  }
  plain_client(plain_client&& other) noexcept : number_(other.number_) {
    other.number_ = -1;
  }
  plain_client& operator=(plain_client&&) = delete;
  ~plain_client() {
    if (number_ >= 0) ::close(number_);
  }

  void say(std::string_view all) const {
    require(::send(number_, all.data(), all.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(all.size()),
            "a client says it");
  }
  /// What has come; empty at the end of the connection.
  std::string hear(std::size_t most = 4096) const {
    std::string some(most, '\0');
    const ssize_t came = ::recv(number_, some.data(), some.size(), 0);
    some.resize(came > 0 ? static_cast<std::size_t>(came) : 0);
    return some;
  }
  int number() const { return number_; }

private:
  int number_;
};

/// Waits until the parent wants the next step.
using next_step = std::function<void()>;

/// The child. It takes a step whenever the parent says so.
class crowd {
public:
  /// What the child does; it waits before each step, also the first.
  using play = std::function<void(std::uint16_t port, const next_step&)>;

  /// Before there is a hub.
  explicit crowd(const play& as) {
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "a socketpair");
    std::fflush(nullptr);
    child_ = ::fork();
    require(child_ >= 0, "a child");
    ::close(ends[child_ == 0 ? 0 : 1]);
    line_ = ends[child_ == 0 ? 1 : 0];
    if (child_ == 0) run(as);
  }
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;
  ~crowd() {
    ::close(line_);
    int status = 0;
    ::waitpid(child_, &status, 0);
    require(status == 0, "the clients end well");
  }

  void begin(std::uint16_t port) const {
    require(::write(line_, &port, sizeof port) == sizeof port, "it begins");
  }
  /// Lets it take the next step, and waits until that is done.
  void step() const {
    go_on();
    wait();
  }
  void go_on() const { require(::write(line_, "n", 1) == 1, "it goes on"); }
  void wait() const {
    greenroom::wait_readable(line_);
    char done = 0;
    require(::read(line_, &done, 1) == 1, "the clients did their step");
  }

private:
  [[noreturn]] void run(const play& as) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::uint16_t port = 0;
    require(::read(line_, &port, sizeof port) == sizeof port, "a port");
    bool first = true;
    as(port, [&] {
      if (!std::exchange(first, false))
        require(::write(line_, "d", 1) == 1, "the parent is there");
      char next = 0;
      if (::read(line_, &next, 1) != 1) std::_Exit(EXIT_SUCCESS);
    });
    (void)!::write(line_, "d", 1);
    std::_Exit(EXIT_SUCCESS);
  }

  int line_ = -1;
  pid_t child_ = -1;
};

} // namespace test
