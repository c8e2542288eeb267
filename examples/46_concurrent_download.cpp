// Teaches: many downloads at once in as much time as the slowest takes, and no
//          more than two at a time when a pool says so. The server is a part of
//          this program; its pages are slow.
// Run:     build/dev/bin/46_concurrent_download
// Prints:  expected/46_concurrent_download.txt

#include <greenroom/actors/pool.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/net/stream_server.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

/// "3\n" is answered after 3 s, with 3,000 bytes.
void serve_page(stream& peer) {
  const auto asked = buffered_reader{peer}.read_line();
  const int number = std::stoi(asked.value());
  sleep(std::chrono::seconds(number));
  peer.write(std::string(static_cast<std::size_t>(number) * 1000, '.'));
}

/// Returns the size of a page.
std::size_t download(const tcp_address& from, int page) {
  tcp_socket site = tcp_socket::connect(from);
  site.write(std::to_string(page) + "\n");
  std::array<char, 4096> part;
  std::size_t size = 0;
  while (const std::size_t bytes = site.read_some(part))
    size += bytes;
  std::printf("page %d: %zu bytes\n", page, size);
  return size;
}

void download_all(const tcp_address& from, std::size_t at_a_time) {
  const auto start = now();
  pool downloads{at_a_time};
  const std::vector<int> pages{3, 1, 2};
  std::size_t total = 0;
  for (const std::size_t size :
       downloads.map(pages, [&](int page) { return download(from, page); }))
    total += size;
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now() - start);
  std::printf("%zu bytes in %d s, %zu at a time\n", total,
              static_cast<int>(seconds.count()), at_a_time);
}

int main() {
  stream_server site{{"127.0.0.1", 0}, serve_page};
  site.start();
  for (const std::size_t at_a_time : {3, 2, 1})
    download_all(site.local(), at_a_time);
  site.stop();
}
