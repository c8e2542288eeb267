#include <greenroom/zmq/error.hpp>

#include "errors.hpp"

#include <greenroom/hub/error.hpp>

#include <zmq.h>

#include <string>

namespace greenroom::zmq {
namespace {

class category final : public std::error_category {
public:
  const char* name() const noexcept override { return "greenroom.zmq"; }

  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
    case errc::wrong_state:
      return "not in the state for it: sends and receives must alternate";
    case errc::incompatible_protocol:
      return "the transport is not for sockets of this type";
    case errc::no_io_thread:
      return "the context has no I/O thread";
    }
    return "unknown";
  }
};

} // namespace

const std::error_category& error_category() noexcept {
  static const category only;
  return only;
}

std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

std::error_code code_of(int number) {
  switch (number) {
  case EFSM:
    return errc::wrong_state;
  case ENOCOMPATPROTO:
    return errc::incompatible_protocol;
  case EMTHREAD:
    return errc::no_io_thread;
  case ETERM:
  case ENOTSOCK:
    return greenroom::errc::closed;
  default:
    return {number, std::system_category()};
  }
}

void throw_last(const std::string& what) {
  throw std::system_error(code_of(zmq_errno()), what);
}

} // namespace greenroom::zmq
