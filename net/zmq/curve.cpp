#include <greenroom/zmq/curve.hpp>

#include "socket_core.hpp"

#include <zmq.h>

#include <array>

namespace greenroom::zmq {
namespace {

using key_text = std::array<char, 41>;

} // namespace

curve_keys curve_keys::make() {
  key_text open;
  key_text secret;
  if (zmq_curve_keypair(open.data(), secret.data()) != 0)
    throw_last("curve_keys::make");
  return {open.data(), secret.data()};
}

curve_keys curve_keys::of(const std::string& secret_key) {
  key_text open;
  if (zmq_curve_public(open.data(), secret_key.c_str()) != 0)
    throw_last("curve_keys::of");
  return {open.data(), secret_key};
}

void socket::set_curve_server(const curve_keys& mine) {
  core_->set(ZMQ_CURVE_SERVER, 1, "set_curve_server");
  core_->set(ZMQ_CURVE_SECRETKEY, mine.secret_key, "set_curve_server");
}

void socket::set_curve_client(const std::string& server_key,
                              const curve_keys& mine) {
  core_->set(ZMQ_CURVE_SERVERKEY, server_key, "set_curve_client");
  core_->set(ZMQ_CURVE_PUBLICKEY, mine.public_key, "set_curve_client");
  core_->set(ZMQ_CURVE_SECRETKEY, mine.secret_key, "set_curve_client");
}

} // namespace greenroom::zmq
