#pragma once

// An account that is asked over the wire.

#include "zmq/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/wire/remote_actor.hpp>
#include <greenroom/wire/serve.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace test {

namespace wire = greenroom::wire;
using greenroom::errc;

struct deposit {
  long amount = 0;
};
struct balance {
  using reply = long;
};
struct fail {
  std::string how;
};
/// Answered when another one comes, or never.
struct later {
  int number = 0;
  using reply = int;
};
struct secret {
  int code = 0;
};

class account : public greenroom::actor<deposit, balance, fail,
                                        greenroom::request<later>, secret> {
public:
  explicit account(bool* holds) : holds_(holds) {}

private:
  void receive(deposit d) override { total_ += d.amount; }
  long receive(balance) override { return total_; }
  void receive(fail f) override { throw std::runtime_error(f.how); }
  void receive(greenroom::request<later> asked) override {
    auto before = std::exchange(held_, std::move(asked));
    if (before) before->reply((*before)->number);
    *holds_ = true;
  }
  void receive(secret) override { total_ = -1; }

  long total_ = 0;
  std::optional<greenroom::request<later>> held_;
  bool* holds_;
};

/// An account behind a socket that is bound, and one that asks it.
struct served_account {
  using remote = wire::remote_actor<deposit, balance, fail, later>;

  explicit served_account(wire::serve_options how = {},
                          socket_type kind = socket_type::router)
      : options(std::move(how)), front(make_socket(context, kind)) {
    front.bind(any_port);
    start();
  }
  ~served_account() {
    server.kill();
    actor.kill();
  }

  void start() {
    server = spawn([this] {
      wire::serve<deposit, balance, fail, later>(front, actor, options);
    });
  }
  zmq::socket connected(socket_type kind) {
    auto made = make_socket(context, kind);
    made.connect(front.last_endpoint());
    return made;
  }
  remote client(const wire::remote_options& how = {}) {
    return remote{connected(socket_type::dealer), how};
  }
  /// What a req gets for a body.
  std::string reply_to(const std::string& body) {
    auto asker = connected(socket_type::req);
    asker.send(body);
    return receive_text(asker);
  }

  zmq::context context;
  wire::serve_options options;
  zmq::socket front;
  bool holds = false; ///< the actor, a request
  greenroom::actor_ref<account> actor = greenroom::spawn<account>(&holds);
  greenroom::greenlet<void> server;
};

template <class Result>
std::error_code failure_of(const Result& result) {
  try {
    result.get(10s);
    return {};
  } catch (const std::system_error& error) {
    return error.code();
  }
}

} // namespace test
