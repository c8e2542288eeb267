// Teaches: why greenlets: the same handler under three accept loops. One that
//          handles each connection before it takes the next; one with a thread
//          for each; one with a greenlet for each.
// Run:     build/release/bin/accept_loops --requests 200 --time 20
// Prints:  requests a second of each, as fast as this machine is.

#include <greenroom/actors/group.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <CLI/CLI.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace greenroom;

std::chrono::milliseconds time_to_answer{20}; // a database has to be asked

void answer(stream& peer) {
  std::array<char, 1000> request;
  peer.read_some(request);
  sleep(time_to_answer); // of a thread that has no other greenlet: it blocks
  peer.write("HTTP/1.0 200 OK\r\n\r\nhello");
}

/// Accepts until so many have come, and hands each to `handle`.
void accept_loop(tcp_listener door, int connections,
                 const std::function<void(tcp_socket)>& handle) {
  for (int i = 0; i < connections; ++i)
    handle(door.accept());
}

void one_after_the_other(tcp_listener door, int connections) {
  accept_loop(std::move(door), connections,
              [](tcp_socket peer) { answer(peer); });
}

/// A socket belongs to the hub of its thread: its descriptor moves.
void threads(tcp_listener door, int connections) {
  std::vector<std::jthread> all;
  accept_loop(std::move(door), connections, [&](tcp_socket peer) {
    all.emplace_back([number = peer.release()] {
      tcp_socket own = tcp_socket::adopt(number);
      answer(own);
    });
  });
}

void greenlets(tcp_listener door, int connections) {
  group all;
  accept_loop(std::move(door), connections, [&](tcp_socket peer) {
    all.spawn([own = std::make_shared<tcp_socket>(std::move(peer))] {
      answer(*own);
    });
  });
  all.join();
}

void ask(const tcp_address& server) {
  tcp_socket peer = tcp_socket::connect(server);
  peer.write("GET / HTTP/1.0\r\n\r\n");
  std::array<char, 1000> reply;
  while (peer.read_some(reply) > 0) {
  }
}

void measure(const char* name, void (*serve)(tcp_listener, int), int requests) {
  async_result<tcp_address> where;
  std::jthread server{[&, set = where]() mutable {
    tcp_listener door{{"127.0.0.1", 0}};
    set.set(door.local());
    serve(std::move(door), requests);
  }};
  const tcp_address at = [&] {
    const work_guard waiting; // another thread will answer
    return where.get();
  }();
  const auto began = std::chrono::steady_clock::now();
  group clients;
  for (int i = 0; i < requests; ++i)
    clients.spawn([&] { ask(at); });
  clients.join();
  const std::chrono::duration<double> time =
      std::chrono::steady_clock::now() - began;
  std::printf("%-20s %7.0f requests a second\n", name, requests / time.count());
}

int main(int argc, char** argv) {
  CLI::App options{"One handler under three accept loops."};
  int requests = 200;
  long milliseconds = 20;
  options.add_option("--requests", requests, "all at once")
      ->capture_default_str();
  options.add_option("--time", milliseconds, "that an answer takes, in ms")
      ->capture_default_str();
  CLI11_PARSE(options, argc, argv);
  time_to_answer = std::chrono::milliseconds(milliseconds);
  measure("one after the other", one_after_the_other, requests);
  measure("a thread each", threads, requests);
  measure("a greenlet each", greenlets, requests);
}
