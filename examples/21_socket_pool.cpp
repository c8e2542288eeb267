// Teaches: a service built around a pool: a class that looks after so many
//          connections and no more, and ends them all at once.
// Run:     build/dev/bin/21_socket_pool
// Prints:  expected/21_socket_pool.txt

#include <greenroom/actors/pool.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/channel.hpp>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace greenroom;

/// Stands for a connection: what a peer sends is received here.
using connection = channel<std::string>;

class socket_pool {
public:
  explicit socket_pool(int most) : pool_(most) {}

  void add_handler(connection& peer) {
    if (pool_.full()) throw std::runtime_error("At maximum pool size");
    pool_.spawn([&peer] { listen(peer); });
  }

  std::size_t size() const { return pool_.size(); }

  /// Every handler unwinds from where it waits.
  void shutdown() { pool_.kill(); }

private:
  static void listen(connection& peer) {
    for (;;)
      std::printf("received %s\n", peer.get().c_str());
  }

  pool pool_;
};

int main() {
  std::vector<connection> peers(3);
  socket_pool service{2};
  for (connection& each : peers)
    try {
      service.add_handler(each);
    } catch (const std::runtime_error& refused) {
      std::puts(refused.what());
    }
  peers[0].put("hello");
  peers[1].put("world");
  std::printf("%zu handlers\n", service.size());

  service.shutdown();
  std::printf("%zu handlers\n", service.size());
}
