#include <greenroom/inproc/error.hpp>

#include <string>

namespace greenroom::inproc {
namespace {

class category final : public std::error_category {
public:
  const char* name() const noexcept override { return "greenroom.inproc"; }

  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
    case errc::wrong_state:
      return "not in the state for it: sends and receives must alternate";
    case errc::incompatible:
      return "sockets of these types do not talk to each other";
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

} // namespace greenroom::inproc
