// The yardstick of `http`: the least that answers at all. It does not parse; it
// counts empty lines.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view answer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 13\r\n\r\n"
    "Hello, World!";

int listening_on(std::uint16_t port) {
  const int door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int one = 1;
  setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(door, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(door, 1024) != 0) {
    std::perror("http_minimal");
    std::exit(1);
  }
  return door;
}

void watch(int poller, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event);
}

void accept_all(int door, int poller) {
  const int one = 1;
  for (int peer;
       (peer = accept4(door, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(poller, peer);
  }
}

void answer_all(int peer) {
  static std::array<char, 65'536> input;
  static std::string output;
  const ssize_t count = read(peer, input.data(), input.size());
  if (count <= 0) {
    if (count == 0) close(peer);
    return;
  }
  output.clear();
  std::string_view left{input.data(), static_cast<std::size_t>(count)};
  for (std::size_t end; (end = left.find("\r\n\r\n")) != left.npos;) {
    left.remove_prefix(end + 4);
    output += answer;
  }
  if (write(peer, output.data(), output.size()) < 0) close(peer);
}

} // namespace

int main(int argc, char** argv) {
  const int port = argc > 1 ? std::atoi(argv[1]) : 8000;
  const int door = listening_on(static_cast<std::uint16_t>(port));
  const int poller = epoll_create1(0);
  watch(poller, door);
  std::array<epoll_event, 256> events;
  for (;;) {
    const int count = epoll_wait(poller, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int ready = events[static_cast<std::size_t>(i)].data.fd;
      if (ready == door)
        accept_all(door, poller);
      else
        answer_all(ready);
    }
  }
}
