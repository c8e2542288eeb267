// The load of `http` for WebSockets: ws_load PORT SOCKETS SECONDS. Has a message
// of 64 bytes on its way on each socket and prints how many came back.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::string_view handshake =
    "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
constexpr std::size_t message_size = 64; // bytes

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// A text frame, masked as a client's must be.
std::string make_frame() {
  constexpr std::string_view mask = "mask";
  std::string frame{"\x81", 1};
  frame += static_cast<char>(0x80 | message_size);
  frame += mask;
  for (std::size_t i = 0; i < message_size; ++i)
    frame += static_cast<char>('g' ^ mask[i % mask.size()]);
  return frame;
}

void send_all(int to, std::string_view text) {
  if (write(to, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    fail("write");
}

int connected(std::uint16_t port) {
  const int made = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(port);
  if (connect(made, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    fail("connect");
  const int one = 1;
  setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  send_all(made, handshake);
  std::string answer;
  for (char each; !answer.ends_with("\r\n\r\n"); answer += each)
    if (read(made, &each, 1) != 1) fail("handshake");
  if (!answer.starts_with("HTTP/1.1 101")) fail("handshake");
  return made;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 1;
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const std::string frame = make_frame();
  const std::size_t echo_size = message_size + 2; // without a mask
  const int poller = epoll_create1(0);
  std::vector<std::size_t> came(static_cast<std::size_t>(std::atoi(argv[2])));
  std::vector<int> sockets;
  for (std::size_t i = 0; i < came.size(); ++i) {
    sockets.push_back(connected(port));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    epoll_ctl(poller, EPOLL_CTL_ADD, sockets.back(), &event);
  }
  for (const int each : sockets)
    send_all(each, frame);
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(std::atoi(argv[3]));
  long messages = 0;
  std::array<epoll_event, 256> events;
  std::array<char, 4096> bytes;
  while (std::chrono::steady_clock::now() < end) {
    const int count = epoll_wait(poller, events.data(), events.size(), 5000);
    if (count <= 0) fail("epoll_wait");
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const std::size_t which = events[i].data.u64;
      const ssize_t got = read(sockets[which], bytes.data(), bytes.size());
      if (got <= 0) fail("read");
      came[which] += static_cast<std::size_t>(got);
      if (came[which] < echo_size) continue;
      came[which] -= echo_size;
      ++messages;
      send_all(sockets[which], frame);
    }
  }
  std::printf("%ld\n", messages);
}
