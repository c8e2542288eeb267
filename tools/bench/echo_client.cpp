#include "echo_client.hpp"

#include "harness.hpp"

#include <arpa/inet.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace bench {
namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::system_category(), what);
  return result;
}

int port_pipe = -1;

void tell_port(int port) {
  if (write(port_pipe, &port, sizeof port) != sizeof port) _exit(1);
}

/// As many connections as the system allows.
void allow_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

[[noreturn]] void serve_for_ever(echo_server serve, int cpu, int tell) {
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

sockaddr_in local(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

int connected(int port, transport over) {
  const int type = over == transport::tcp ? SOCK_STREAM : SOCK_DGRAM;
  const int made = checked(socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket");
  const sockaddr_in to = local(port);
  checked(connect(made, reinterpret_cast<const sockaddr*>(&to), sizeof to),
          "connect");
  const int one = 1;
  if (over == transport::tcp)
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return made;
}

} // namespace

// --- server_process -------------------------------------------------------

server_process::server_process(echo_server serve, int cpu) {
  allow_descriptors();
  int ends[2];
  checked(pipe(ends), "pipe");
  process_ = checked(fork(), "fork");
  if (process_ == 0) serve_for_ever(serve, cpu, ends[1]);
  ::close(ends[1]);
  const bool told = read(ends[0], &port_, sizeof port_) == sizeof port_;
  ::close(ends[0]);
  if (!told) throw std::runtime_error("the server did not start");
}

void server_process::end() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  process_ = -1;
}

double server_process::cpu_time() const {
  clockid_t clock;
  timespec used{};
  if (clock_getcpuclockid(process_, &clock) != 0 ||
      clock_gettime(clock, &used) != 0)
    throw std::runtime_error("the server has ended");
  return static_cast<double>(used.tv_sec) * 1e6 +
         static_cast<double>(used.tv_nsec) / 1e3;
}

// --- load_client ----------------------------------------------------------

load_client::load_client(int port, transport over, std::size_t connections,
                         std::size_t depth)
    : poller_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
  sent_.fill('g');
  for (std::size_t i = 0; i < connections; ++i)
    add(port, over);
  for (const peer& each : peers_)
    send(each.descriptor, depth);
}

load_client::~load_client() {
  for (const peer& each : peers_)
    ::close(each.descriptor);
  ::close(poller_);
}

double load_client::run_for(long milliseconds) {
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::milliseconds(milliseconds);
  const long before = messages_;
  std::array<epoll_event, 256> events;
  while (std::chrono::steady_clock::now() < end) {
    const int count = epoll_wait(poller_, events.data(), events.size(), 10000);
    if (count == 0) throw std::runtime_error("the server answers no more");
    for (int i = 0; i < count; ++i)
      answered(peers_[events[static_cast<std::size_t>(i)].data.u32]);
  }
  return static_cast<double>(messages_ - before);
}

void load_client::add(int port, transport over) {
  const int descriptor = connected(port, over);
  peers_.push_back({descriptor});
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = static_cast<std::uint32_t>(peers_.size() - 1);
  checked(epoll_ctl(poller_, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
}

void load_client::send(int descriptor, std::size_t messages) {
  const std::size_t bytes = messages * message_size;
  if (write(descriptor, sent_.data(), bytes) != static_cast<ssize_t>(bytes))
    throw std::system_error(errno, std::system_category(), "write");
}

void load_client::answered(peer& from) {
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

// --- visits ---------------------------------------------------------------

double visit_for(int port, long milliseconds) {
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::milliseconds(milliseconds);
  // Leaving by a reset keeps no port busy for a minute.
  const linger at_once{1, 0};
  std::array<int, 64> visitors;
  std::array<char, load_client::message_size> message{};
  long visits = 0;
  while (std::chrono::steady_clock::now() < end) {
    for (int& each : visitors) {
      each = connected(port, transport::tcp);
      setsockopt(each, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      checked(static_cast<int>(write(each, message.data(), message.size())),
              "write");
    }
    for (const int each : visitors) {
      if (read(each, message.data(), message.size()) <= 0)
        throw std::runtime_error("the server closed a connection");
      ::close(each);
      ++visits;
    }
  }
  return static_cast<double>(visits);
}

// --- call_counter ---------------------------------------------------------

namespace {

/// The kernel's number for the beginning of any system call; 0 where it does
/// not tell.
std::uint64_t call_event() {
  std::uint64_t number = 0;
  for (const char* where : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"})
    if (number == 0)
      std::ifstream(where + std::string("/events/raw_syscalls/sys_enter/id")) >>
          number;
  return number;
}

/// Negative where that is not allowed.
int count_calls_of(int thread) {
  perf_event_attr event{};
  event.size = sizeof event;
  event.type = PERF_TYPE_TRACEPOINT;
  event.config = call_event();
  event.inherit = 1;
  if (event.config == 0) return -1;
  return static_cast<int>(syscall(SYS_perf_event_open, &event, thread, -1, -1,
                                  PERF_FLAG_FD_CLOEXEC));
}

} // namespace

bool call_counter::is_possible() {
  const int descriptor = count_calls_of(0);
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0;
}

call_counter::call_counter(int process) {
  const std::filesystem::directory_iterator threads{
      "/proc/" + std::to_string(process) + "/task"};
  for (const auto& each : threads)
    counters_.push_back(checked(
        count_calls_of(std::stoi(each.path().filename())), "perf_event_open"));
}

call_counter::~call_counter() {
  for (const int each : counters_)
    close(each);
}

double call_counter::calls() const {
  std::uint64_t sum = 0;
  for (const int each : counters_) {
    std::uint64_t count = 0;
    if (read(each, &count, sizeof count) == sizeof count) sum += count;
  }
  return static_cast<double>(sum);
}

} // namespace bench
