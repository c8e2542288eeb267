// Teaches: a whole server. Who shares something is an actor; who talks to one
//          other, in turns, is a greenlet with straight-line code.
//
//            conversation.cpp  reads what one person types, and does it
//            person.cpp        actor: what others know of that person
//            room.cpp          actor: who is in a room, and in what order
//                              they hear each other
//            lobby.cpp         actor: all names, all rooms
//            outbox.cpp        the lines a person has not been sent yet
//
// Run:     build/dev/bin/chat_server --port 5000, and `nc 127.0.0.1 5000` in as
//          many terminals as you like. Ctrl-C ends it.
//
// A slow reader never holds up the others. Each connection has an outbox of
// 1,000 lines; when it is full the oldest lines are dropped, and the person is
// told how many. A connection that takes nothing at all for two minutes while
// there is something to send is closed. People who are merely silent may stay.

#include "conversation.hpp"
#include "lobby.hpp"
#include "outbox.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/hub/signal.hpp>
#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/net/stream_server.hpp>

#include <CLI/CLI.hpp>

#include <sys/resource.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;

namespace chat {
namespace {

constexpr auto patience = 120s;     // with a connection that takes nothing
constexpr auto vanished_after = 1h; // who is silent is asked, then
constexpr auto linger_time = 1s;    // for a peer to close when we have
constexpr auto closing_time = 3s;   // for everybody to hear the farewell

/// Until the peer has closed. What comes after the conversation is read all
/// the same: closing a connection with unread bytes resets it, and the peer
/// could lose the last lines.
void listen(stream& peer, const std::shared_ptr<outbox>& out, lobby_ref house) {
  buffered_reader lines{peer, conversation::longest_line};
  conversation{lines, out, house}.run();
  std::array<char, 2048> ignored;
  std::error_code failed;
  while (peer.read_some(ignored, {}, failed) > 0) {
  }
}

/// Until the outbox is closed and empty, or the peer is gone.
void write_all(stream& peer, outbox& out) {
  std::error_code failed;
  for (auto piece = out.take(); !piece.empty(); piece = out.take()) {
    peer.write(piece, patience, failed);
    if (failed) return peer.reset();
  }
  peer.shutdown_write();
}

/// One connection: this greenlet writes, its child reads.
void serve(stream& peer, lobby_ref house) {
  const auto out = std::make_shared<outbox>();
  nursery([&](nursery_scope& children) {
    const auto reader = children.spawn([&] { listen(peer, out, house); });
    write_all(peer, *out);
    reader.join(linger_time);
    reader.kill();
  });
}

/// One descriptor per person: as many as we may have.
void raise_limit_of_open_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void run(const tcp_address& at) {
  async_result<int> signal;
  for (const int number : {SIGINT, SIGTERM})
    on_signal(number, [=]() mutable { signal.set(number); });

  const auto house = spawn<lobby>();
  stream_server server{at,
                       [=](stream& peer) { serve(peer, house); },
                       {.tcp = tcp_options{.keep_alive = vanished_after}}};
  server.start();
  std::printf("listening on %s\n", server.local().text().c_str());
  std::fflush(stdout);

  signal.get();
  house.send(close_house{});
  server.stop(closing_time);
  shutdown(1s); // the house, and rooms that are ending
}

} // namespace
} // namespace chat

int main(int argc, char** argv) try {
  CLI::App options{"A chat for everybody with nc."};
  tcp_address at{"127.0.0.1", 0};
  options.add_option("--host", at.host, "Address to listen on")
      ->capture_default_str();
  options.add_option("--port", at.port, "Port; 0 takes a free one")
      ->capture_default_str();
  CLI11_PARSE(options, argc, argv);
  chat::raise_limit_of_open_files();
  chat::run(at);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "chat_server: %s\n", error.what());
  return 1;
}
