// Teaches: datagrams. One socket answers everybody, since each datagram says
//          where it came from; a connected one hears only its peer. Nobody
//          promises that an answer comes, so who waits for one has a deadline.
// Run:     build/dev/bin/41_udp_echo
// Prints:  expected/41_udp_echo.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/udp.hpp>

#include <array>
#include <cctype>
#include <cstdio>
#include <string>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;

/// Answers in capitals; a question of no bytes gets no answer.
void serve(udp_socket& door) {
  std::array<char, 1500> text;
  for (;;) {
    const auto [bytes, from] = door.receive_from(text);
    for (std::size_t i = 0; i < bytes; ++i)
      text[i] = static_cast<char>(std::toupper(text[i]));
    if (bytes > 0) door.send_to({text.data(), bytes}, from);
  }
}

/// Asks again when no answer came in time.
std::string ask(udp_socket& server, const std::string& question) {
  std::array<char, 1500> answer;
  for (int attempt = 1; attempt <= 3; ++attempt) {
    std::error_code failed;
    server.send(question);
    const std::size_t bytes = server.receive(answer, 1s, failed);
    if (!failed) return {answer.data(), bytes};
    std::printf("attempt %d: %s\n", attempt, failed.message().c_str());
  }
  return "(no answer)";
}

int main() {
  udp_socket door{{"127.0.0.1", 0}};
  auto server = spawn([&] { serve(door); });

  udp_socket client;
  client.connect(door.local());
  for (const char* question : {"hello", "anybody there?", ""})
    std::printf("'%s': %s\n", question, ask(client, question).c_str());

  server.kill();
  door.close(); // from now on the system answers that nobody is there
  std::error_code failed;
  std::array<char, 10> answer;
  client.send("hello?");
  client.receive(answer, 1s, failed);
  std::printf("%s\n", failed.message().c_str());
}
