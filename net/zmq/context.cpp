#include <greenroom/zmq/context.hpp>

#include "errors.hpp"

#include <zmq.h>

#include <cerrno>

namespace greenroom::zmq {

/// Ended by whoever lets it go last, so no socket is open then: that waits no
/// longer than they linger.
struct context::core {
  core() : handle(zmq_ctx_new()) {
    if (!handle) throw_last("zmq::context");
  }
  core(const core&) = delete;
  core& operator=(const core&) = delete;
  ~core() {
    while (zmq_ctx_term(handle) != 0 && zmq_errno() == EINTR) {
    }
  }

  void set(int option, int value, const char* name) {
    if (zmq_ctx_set(handle, option, value) != 0)
      throw_last(std::string("zmq::context: ") + name);
  }

  void* handle;
};

context::context(const context_options& how) : core_(std::make_shared<core>()) {
  core_->set(ZMQ_IO_THREADS, how.io_threads, "io_threads");
  core_->set(ZMQ_MAX_SOCKETS, how.max_sockets, "max_sockets");
  core_->set(ZMQ_IPV6, how.ipv6, "ipv6");
}

context context::shared() {
  static const context only;
  return only;
}

void* context::native() const {
  return core_->handle;
}

} // namespace greenroom::zmq
