#pragma once

// The other side of the echo rows: the server's process, and the client, plain
// epoll, in the measuring process on another CPU.

#include "echo.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace bench {

/// A child process that runs `serve`.
class server_process {
public:
  server_process(echo_server serve, int cpu);
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;
  ~server_process() { end(); }

  void end();

  int port() const { return port_; }
  int process() const { return process_; }
  /// User and system time it has used, in microseconds.
  double cpu_time() const;

private:
  int process_ = -1;
  int port_ = 0;
};

enum class transport : char { tcp, udp };

/// Keeps `depth` messages in flight on each of `connections` and counts what
/// comes back.
class load_client {
public:
  static constexpr std::size_t message_size = 64; // bytes
  static constexpr std::size_t most_deep = 16;    // in flight on a connection

  load_client(int port, transport over, std::size_t connections,
              std::size_t depth);
  load_client(const load_client&) = delete;
  load_client& operator=(const load_client&) = delete;
  ~load_client();

  /// For so many milliseconds; returns the messages that came back.
  double run_for(long milliseconds);

private:
  struct peer {
    int descriptor;
    std::size_t partial = 0; // bytes of a message that has not come in whole
  };

  void add(int port, transport over);
  void send(int descriptor, std::size_t messages);
  void answered(peer& from);

  int poller_;
  std::vector<peer> peers_;
  std::array<char, most_deep * message_size> sent_;
  long messages_ = 0;
};

/// Connects, has one message echoed and leaves, again and again, 64 at a time,
/// for so many milliseconds; returns how often.
double visit_for(int port, long milliseconds);

/// Counts the system calls of a process and its threads, without slowing it
/// down as a tracer would: one that is slow finds everything ready.
class call_counter {
public:
  /// The kernel lets us: perf events, the tracing file system, the right to.
  static bool is_possible();

  explicit call_counter(int process);
  call_counter(const call_counter&) = delete;
  call_counter& operator=(const call_counter&) = delete;
  ~call_counter();

  double calls() const;

private:
  std::vector<int> counters_; // of one thread each
};

} // namespace bench
