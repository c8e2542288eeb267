// The load client and the rows. The client is plain epoll, in the measuring
// process; the server under test is a child of that, on another CPU.

#include "echo.hpp"

#include "harness.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace bench {
namespace {

constexpr std::size_t connections = 100;
constexpr std::size_t message_size = 64; // bytes
constexpr std::size_t most_deep = 16;    // messages in flight a connection

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::system_category(), what);
  return result;
}

// --- the server's process -------------------------------------------------

int port_pipe = -1;

void tell_port(int port) {
  if (write(port_pipe, &port, sizeof port) != sizeof port) _exit(1);
}

class server_process {
public:
  server_process(echo_server serve, int cpu) {
    int ends[2];
    checked(pipe(ends), "pipe");
    process_ = checked(fork(), "fork");
    if (process_ == 0) run(serve, cpu, ends[1]);
    ::close(ends[1]);
    const bool told = read(ends[0], &port_, sizeof port_) == sizeof port_;
    ::close(ends[0]);
    if (!told) throw std::runtime_error("the server did not start");
  }
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;
  ~server_process() { end(); }

  void end() {
    if (process_ < 0) return;
    ::kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = -1;
  }

  int port() const { return port_; }

  /// User and system time it has used, in microseconds.
  double cpu_time() const {
    clockid_t clock;
    timespec used{};
    if (clock_getcpuclockid(process_, &clock) != 0 ||
        clock_gettime(clock, &used) != 0)
      throw std::runtime_error("the server has ended");
    return static_cast<double>(used.tv_sec) * 1e6 +
           static_cast<double>(used.tv_nsec) / 1e3;
  }

private:
  [[noreturn]] static void run(echo_server serve, int cpu, int tell) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (cpu >= 0) pin_to(cpu);
    port_pipe = tell;
    try {
      serve(&tell_port);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "bench: an echo server failed: %s\n", error.what());
    }
    _exit(1);
  }

  pid_t process_ = -1;
  int port_ = 0;
};

// --- the client -----------------------------------------------------------

/// Keeps `depth` messages in flight on each connection and counts what comes
/// back.
class load_client {
public:
  load_client(int port, std::size_t depth)
      : poller_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    sent_.fill('g');
    for (std::size_t i = 0; i < connections; ++i)
      add(port, depth);
  }
  load_client(const load_client&) = delete;
  load_client& operator=(const load_client&) = delete;
  ~load_client() {
    for (const peer& each : peers_)
      ::close(each.descriptor);
    ::close(poller_);
  }

  /// For so many milliseconds; returns the messages that came back.
  double run_for(long milliseconds) {
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::milliseconds(milliseconds);
    const long before = messages_;
    std::array<epoll_event, 256> events;
    while (std::chrono::steady_clock::now() < end) {
      const int count =
          epoll_wait(poller_, events.data(), events.size(), 10000);
      if (count == 0) throw std::runtime_error("the server answers no more");
      for (int i = 0; i < count; ++i)
        answered(peers_[events[static_cast<std::size_t>(i)].data.u32]);
    }
    return static_cast<double>(messages_ - before);
  }

private:
  struct peer {
    int descriptor;
    std::size_t partial = 0; // bytes of a message that has not come in whole
  };

  void add(int port, std::size_t depth) {
    const int descriptor =
        checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    peers_.push_back({descriptor});
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    checked(connect(descriptor, reinterpret_cast<sockaddr*>(&address),
                    sizeof address),
            "connect");
    const int one = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<std::uint32_t>(peers_.size() - 1);
    checked(epoll_ctl(poller_, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
    send(descriptor, depth);
  }

  void send(int descriptor, std::size_t messages) {
    const std::size_t bytes = messages * message_size;
    if (write(descriptor, sent_.data(), bytes) != static_cast<ssize_t>(bytes))
      throw std::system_error(errno, std::system_category(), "write");
  }

  void answered(peer& from) {
    std::array<char, most_deep * message_size> bytes;
    const ssize_t got = read(from.descriptor, bytes.data(), bytes.size());
    if (got <= 0) throw std::runtime_error("the server closed a connection");
    const auto count = static_cast<std::size_t>(got);
    if (std::memcmp(bytes.data(), sent_.data(), count) != 0)
      throw std::runtime_error("the echo differs");
    const std::size_t whole = (from.partial + count) / message_size;
    from.partial = (from.partial + count) % message_size;
    messages_ += static_cast<long>(whole);
    if (whole > 0) send(from.descriptor, whole);
  }

  int poller_;
  std::vector<peer> peers_;
  std::array<char, most_deep * message_size> sent_;
  long messages_ = 0;
};

template <echo_server Serve, std::size_t Depth>
figure echo(const setting& how) {
  server_process server{Serve,
                        how.other_cpu >= 0 ? std::max(how.cpu, 0) : how.cpu};
  if (how.other_cpu >= 0) pin_to(how.other_cpu);
  load_client client{server.port(), Depth};
  client.run_for(how.quick ? 20 : 300);
  const double used_before = server.cpu_time();
  const auto begin = std::chrono::steady_clock::now();
  const double messages = client.run_for(how.quick ? 50 : 2000);
  const std::chrono::duration<double> time =
      std::chrono::steady_clock::now() - begin;
  const double used = server.cpu_time() - used_before;
  server.end(); // before the client, or it would complain of resets
  return {used / messages, messages / time.count()};
}

} // namespace

std::vector<row> echo_rows() {
  return {
      {"tcp_echo",
       "us server CPU per request",
       {goal_kind::ratio, 1.0},
       &echo<&greenroom_echo, 1>,
       {{"raw epoll", &echo<&epoll_echo, 1>},
        {"Asio callbacks", &echo<&asio_echo, 1>}}},
      {"tcp_echo_pipelined",
       "us server CPU, 16 deep",
       {goal_kind::ratio, 1.11}, // 0.9 of its rate

       &echo<&greenroom_echo, most_deep>,
       {{"raw epoll", &echo<&epoll_echo, most_deep>},
        {"Asio callbacks", &echo<&asio_echo, most_deep>}}},
  };
}

} // namespace bench
