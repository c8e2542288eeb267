#include <greenroom/actors/exit_reason.hpp>

#include <greenroom/hub/error.hpp>

namespace greenroom {

exit_reason::exit_reason(exit_kind kind, std::string note) : kind_(kind) {
  if (!note.empty())
    details_ = std::make_shared<details>(details{std::move(note), {}, {}});
}

exit_reason::exit_reason(std::exception_ptr error)
    : kind_(exit_kind::exception),
      details_(std::make_shared<details>(details{{}, std::move(error), {}})) {
}

exit_reason::exit_reason(std::any value, std::string note)
    : kind_(exit_kind::custom), details_(std::make_shared<details>(details{
                                    std::move(note), {}, std::move(value)})) {
}

const std::string& exit_reason::note() const {
  static const std::string none;
  return details_ ? details_->note : none;
}

std::exception_ptr exit_reason::exception() const {
  return details_ ? details_->error : nullptr;
}

bool operator==(const exit_reason& a, const exit_reason& b) {
  return a.kind() == b.kind() && a.note() == b.note() &&
         a.exception() == b.exception();
}

std::string to_string(exit_kind kind) {
  switch (kind) {
  case exit_kind::normal:
    return "normal";
  case exit_kind::shutdown:
    return "shutdown";
  case exit_kind::kill:
    return "kill";
  case exit_kind::killed:
    return "killed";
  case exit_kind::noproc:
    return "noproc";
  case exit_kind::noconnection:
    return "noconnection";
  case exit_kind::timeout:
    return "timeout";
  case exit_kind::exception:
    return "exception";
  case exit_kind::custom:
    return "custom";
  }
  return "?";
}

std::string to_string(const exit_reason& reason) {
  if (reason.exception()) return describe(reason.exception());
  const std::string kind = to_string(reason.kind());
  return reason.note().empty() ? kind : kind + ": " + reason.note();
}

} // namespace greenroom
