// A Binary Star in two processes that are killed and frozen at random. Every
// request is answered in the end, and the answers' terms never go back: then
// no two have been active at a time.
//
//   zmq_binary_star_stress [seed [seconds]]

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/process.hpp>
#include <greenroom/zmq_patterns/binary_star.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <stdlib.h>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

constexpr zmq::star_times times{.heartbeat = 100ms, .fail_over = 250ms};
const std::array<std::string, 2> names{"primary", "backup"};

std::string place(const std::string& folder, const std::string& what) {
  return "ipc://" + folder + '/' + what;
}

int serve(const std::string& folder, bool primary) {
  const std::string mine = names[primary ? 0 : 1];
  zmq::binary_star* self = nullptr;
  zmq::binary_star server{
      {.role = primary ? zmq::star_role::primary : zmq::star_role::backup,
       .requests = place(folder, mine),
       .beats = place(folder, mine + ".beats"),
       .peer = place(folder, names[primary ? 1 : 0] + ".beats"),
       .times = times},
      [&](zmq::message&&) {
        return zmq::message{std::to_string(self->term())};
      }};
  self = &server;
  server.run();
  return 0;
}

struct half {
  half(std::string in, std::string called)
      : folder(std::move(in)), name(std::move(called)), child(started()) {}

  process started() const {
    return process{"/proc/self/exe", {"serve", folder, name}};
  }
  void restart() {
    child.kill();
    child.wait(10s);
    child = started();
  }

  const std::string folder;
  const std::string name;
  process child;
};

void disturb(half& victim, std::mt19937& random) {
  if (random() % 3 == 0) {
    victim.restart();
  } else {
    victim.child.send_signal(SIGSTOP);
    sleep(std::chrono::milliseconds(random() % 700));
    victim.child.send_signal(SIGCONT);
  }
  // A peer must have heard of the other: only one is disturbed at a time.
  sleep(std::chrono::milliseconds(200 + random() % 400));
}

int test(unsigned seed, int seconds, const std::string& folder) {
  std::mt19937 random{seed};
  std::array<half, 2> both{half{folder, names[0]}, half{folder, names[1]}};
  auto disturbing = spawn([&] {
    sleep(500ms);
    for (;;)
      disturb(both[random() % 2], random);
  });
  auto how = zmq::binary_star_client(place(folder, names[0]),
                                     place(folder, names[1]), times);
  how.retries = 200;
  zmq::reliable_client client{how};
  std::uint64_t term = 0, changes = 0;
  for (const deadline end{std::chrono::seconds{seconds}};
       deadline{now()} < end;) {
    const auto answer = std::stoull(client.request({"?"}).at(0).text());
    if (answer < term) throw std::runtime_error("two were active");
    if (answer > term) ++changes;
    term = answer;
    sleep(1ms);
  }
  disturbing->kill();
  std::cout << client.counts().replies << " requests answered, "
            << client.counts().retried << " asked again, " << changes
            << " times another one, never two\n";
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  if (count == 4 && std::string(arguments[1]) == "serve")
    return serve(arguments[2], arguments[3] == names[0]);
  const unsigned seed = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 7;
  std::string folder =
      (std::filesystem::temp_directory_path() / "star-XXXXXX").string();
  if (!mkdtemp(folder.data())) return 1;
  int result = 1;
  try {
    result = test(seed, count > 2 ? std::atoi(arguments[2]) : 5, folder);
  } catch (const std::exception& error) {
    std::cout << "seed " << seed << ": " << error.what() << '\n';
  }
  std::filesystem::remove_all(folder);
  return result;
}
