#include "echo.hpp"

#include <greenroom/io/tcp.hpp>
#include <greenroom/io/udp.hpp>
#include <greenroom/net/stream_server.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <asio/write.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace bench {
namespace {

constexpr std::size_t buffer_size = 4096; // bytes

} // namespace

// --- ours -----------------------------------------------------------------

void greenroom_echo(void (*listening)(int port)) {
  using namespace greenroom;
  stream_server server{{"127.0.0.1", 0}, [](stream& peer) {
                         std::array<char, buffer_size> bytes;
                         std::error_code failed; // as visitors leave
                         while (const auto count =
                                    peer.read_some(bytes, {}, failed))
                           peer.write({bytes.data(), count}, {}, failed);
                       }};
  server.start();
  listening(server.local().port);
  server.serve_forever();
}

void greenroom_datagrams(void (*listening)(int port)) {
  using namespace greenroom;
  udp_socket door{{"127.0.0.1", 0}};
  listening(door.local().port);
  std::array<char, buffer_size> bytes;
  for (;;) {
    const auto [count, from] = door.receive_from(bytes);
    door.send_to({bytes.data(), count}, from);
  }
}

// --- epoll, and calls that block ------------------------------------------

namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::system_category(), what);
  return result;
}

int on_free_port(int type) {
  const int door = checked(socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  checked(bind(door, reinterpret_cast<sockaddr*>(&address), sizeof address),
          "bind");
  return door;
}

int port_of(int door) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  checked(getsockname(door, reinterpret_cast<sockaddr*>(&address), &size),
          "getsockname");
  return ntohs(address.sin_port);
}

void watch(int poller, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  checked(epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
}

void accept_all(int door, int poller) {
  for (;;) {
    const int peer =
        accept4(door, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer < 0) return;
    const int one = 1;
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(poller, peer);
  }
}

/// The load client has less in flight than a socket's buffer holds: a write
/// is never short.
void echo_once(int peer) {
  char bytes[buffer_size];
  const ssize_t count = read(peer, bytes, sizeof bytes);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0 || write(peer, bytes, static_cast<std::size_t>(count)) < 0)
    close(peer);
}

} // namespace

void epoll_echo(void (*listening)(int port)) {
  const int door = on_free_port(SOCK_STREAM | SOCK_NONBLOCK);
  checked(listen(door, 1024), "listen");
  const int poller = checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  watch(poller, door);
  listening(port_of(door));
  std::array<epoll_event, 256> events;
  for (;;) {
    const int count = epoll_wait(poller, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
      if (descriptor == door)
        accept_all(door, poller);
      else
        echo_once(descriptor);
    }
  }
}

void blocking_datagrams(void (*listening)(int port)) {
  const int door = on_free_port(SOCK_DGRAM);
  listening(port_of(door));
  char bytes[buffer_size];
  sockaddr_in from{};
  auto* peer = reinterpret_cast<sockaddr*>(&from);
  for (;;) {
    socklen_t size = sizeof from;
    const auto count = recvfrom(door, bytes, sizeof bytes, 0, peer, &size);
    if (count < 0) continue;
    sendto(door, bytes, static_cast<std::size_t>(count), 0, peer, size);
  }
}

// --- Asio -----------------------------------------------------------------

namespace {

using tcp = asio::ip::tcp;

class asio_peer : public std::enable_shared_from_this<asio_peer> {
public:
  explicit asio_peer(tcp::socket&& accepted) : socket_(std::move(accepted)) {}

  void read() {
    socket_.async_read_some(
        asio::buffer(bytes_),
        [self = shared_from_this()](asio::error_code failed, std::size_t got) {
          if (!failed) self->write(got);
        });
  }

private:
  void write(std::size_t count) {
    asio::async_write(
        socket_, asio::buffer(bytes_.data(), count),
        [self = shared_from_this()](asio::error_code failed, std::size_t) {
          if (!failed) self->read();
        });
  }

  tcp::socket socket_;
  std::array<char, buffer_size> bytes_;
};

void accept_next(tcp::acceptor& door) {
  door.async_accept([&door](asio::error_code failed, tcp::socket accepted) {
    if (!failed) {
      accepted.set_option(tcp::no_delay(true));
      std::make_shared<asio_peer>(std::move(accepted))->read();
    }
    accept_next(door);
  });
}

} // namespace

void asio_echo(void (*listening)(int port)) {
  asio::io_context loop{1};
  tcp::acceptor door{loop, {asio::ip::address_v4::loopback(), 0}};
  accept_next(door);
  listening(door.local_endpoint().port());
  loop.run();
}

namespace {

using udp = asio::ip::udp;

class asio_door {
public:
  explicit asio_door(asio::io_context& loop)
      : socket_(loop, {asio::ip::address_v4::loopback(), 0}) {}

  int port() const { return socket_.local_endpoint().port(); }

  void receive() {
    socket_.async_receive_from(
        asio::buffer(bytes_), from_,
        [this](asio::error_code, std::size_t count) {
          socket_.async_send_to(
              asio::buffer(bytes_.data(), count), from_,
              [this](asio::error_code, std::size_t) { receive(); });
        });
  }

private:
  udp::socket socket_;
  udp::endpoint from_;
  std::array<char, buffer_size> bytes_;
};

} // namespace

void asio_datagrams(void (*listening)(int port)) {
  asio::io_context loop{1};
  asio_door door{loop};
  door.receive();
  listening(door.port());
  loop.run();
}

// --- Go -------------------------------------------------------------------

#ifdef GREENROOM_BENCH_GO

namespace {

/// In place of this process; it tells its port through descriptor 3.
[[noreturn]] void run_go(const char* what, void (*listening)(int port)) {
  int ends[2];
  checked(pipe(ends), "pipe");
  const pid_t teller = checked(fork(), "fork");
  if (teller == 0) { // passes the port on, which only this program can
    close(ends[1]);
    int port = 0;
    if (read(ends[0], &port, sizeof port) == sizeof port) listening(port);
    _exit(0);
  }
  checked(dup2(ends[1], 3), "dup2");
  setenv("GOMAXPROCS", "1", 1);
  execl(GREENROOM_BENCH_GO, GREENROOM_BENCH_GO, what,
        static_cast<char*>(nullptr));
  throw std::system_error(errno, std::system_category(), GREENROOM_BENCH_GO);
}

} // namespace

void go_echo(void (*listening)(int port)) {
  run_go("tcp", listening);
}

void go_datagrams(void (*listening)(int port)) {
  run_go("udp", listening);
}

#endif

} // namespace bench
