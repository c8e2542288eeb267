#pragma once

#include "tally.hpp"
#include "voice.hpp"

#include <greenroom/io/tcp.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace chat_load {

/// Opens when so many have come.
class gate {
public:
  explicit gate(std::size_t visitors) : missing_(visitors) {}
  void arrive() {
    if (--missing_ == 0) open_.set();
  }
  void wait() const { open_.get(); }
  bool is_open() const { return open_.ready(); }

private:
  std::size_t missing_;
  greenroom::async_result<void> open_;
};

/// What the clients of one run have in common.
struct run {
  run(const plan& what, const greenroom::tcp_address& where)
      : talk(what), server(where), all_in(what.clients), all_done(what.clients),
        orders(what.clients) {}

  const plan talk;
  const greenroom::tcp_address server;
  decltype(&connect_lines) connect = &connect_lines;
  bool quits = false; // leaves, or waits for the farewell
  gate all_in;
  gate all_done;
  greenroom::queue<bool> doors{200}; // one item for each who is connecting
  tally counts;
  std::vector<std::uint64_t> orders; // by client, see `listener::order`
};

/// One person at the server, from the greeting to the goodbye. Says the next
/// message when it has heard its own last one, so it never talks faster than
/// the server can tell it on.
class client {
public:
  client(run& of, std::size_t number);

  /// What goes wrong is counted, never thrown.
  void live();

private:
  void enter();
  void talk();
  void take_leave();
  void say(std::size_t number);
  void failed(const std::string& why);

  run& run_;
  const std::size_t number_;
  std::unique_ptr<voice> voice_; // null: not connected, or failed
  listener ears_;
};

} // namespace chat_load
