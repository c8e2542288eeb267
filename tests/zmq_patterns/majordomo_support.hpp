#pragma once

#include "zmq_patterns/support.hpp"

#include <greenroom/zmq_patterns/majordomo_broker.hpp>
#include <greenroom/zmq_patterns/majordomo_client.hpp>
#include <greenroom/zmq_patterns/majordomo_worker.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace test {

struct majordomo {
  explicit majordomo(const zmq::context& in,
                     zmq::majordomo_broker_options how = {})
      : heartbeat(how.heartbeat), at(in, with_ports(std::move(how))) {}

  static zmq::majordomo_broker_options
  with_ports(zmq::majordomo_broker_options how) {
    how.clients = how.workers = any_port;
    return how;
  }

  std::chrono::nanoseconds heartbeat;
  zmq::majordomo_broker at;
  beside running{[this] { at.run(); }};
};

struct majordomo_service {
  majordomo_service(const zmq::context& in, const majordomo& of,
                    const std::string& name, zmq::request_handler does)
      : at(in,
           {.broker = of.at.workers_endpoint(),
            .service = name,
            .heartbeat = of.heartbeat,
            .pause = 10ms},
           std::move(does)) {}
  zmq::majordomo_worker at;
  beside running{[this] { at.run(); }};
};

inline zmq::message echo(zmq::message&& request) {
  return std::move(request);
}

inline zmq::majordomo_client client_of(const zmq::context& in,
                                       const majordomo& of) {
  return zmq::majordomo_client{in,
                               {.endpoints = {of.at.clients_endpoint()},
                                .timeout = 500ms,
                                .retries = 20}};
}

} // namespace test
