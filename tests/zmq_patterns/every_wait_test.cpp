// What every waiting call of this room owes: see every_wait.hpp.

#include "every_wait.hpp"
#include "zmq_patterns/support.hpp"

#include <greenroom/zmq_patterns/majordomo_client.hpp>
#include <greenroom/zmq_patterns/majordomo_pipeline.hpp>
#include <greenroom/zmq_patterns/reliable_client.hpp>

using namespace greenroom;
using namespace test;

namespace {

constexpr const char* nobody = "tcp://127.0.0.1:9";

struct reliable_request {
  bool call(deadline until) {
    client.request({"x"}, until);
    return true;
  }
  bool left_clean() { return true; }
  zmq::context own;
  zmq::reliable_client client{own, {.endpoints = {nobody}, .timeout = 1h}};
};

struct majordomo_request {
  bool call(deadline until) {
    client.request("echo", {"x"}, until);
    return true;
  }
  bool left_clean() { return true; }
  zmq::context own;
  zmq::majordomo_client client{own, {.endpoints = {nobody}, .timeout = 1h}};
};

struct pipeline_send {
  pipeline_send() { client.send("echo", {"x"}); }
  bool call(deadline until) {
    client.send("echo", {"x"}, until);
    return true;
  }
  bool left_clean() { return client.outstanding() == 1; }
  zmq::context own;
  zmq::majordomo_pipeline client{
      own, {.broker = nobody, .window = 1, .timeout = 24h}};
};

struct pipeline_receive : pipeline_send {
  bool call(deadline until) {
    client.receive(until);
    return true;
  }
};

} // namespace

TEST_CASE_TEMPLATE("every wait: zmq_patterns", Wait, reliable_request,
                   majordomo_request, pipeline_send, pipeline_receive) {
  test::every_wait<Wait>();
}
