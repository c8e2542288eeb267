#pragma once

#include <any>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace greenroom {

/// The kinds of reasons for which a greenlet ends.
enum class exit_kind : std::uint8_t {
  normal,       ///< it had done its work
  shutdown,     ///< told to end, in an orderly way
  kill,         ///< of an exit signal: to end at once, whatever it wants
  killed,       ///< it was killed
  noproc,       ///< it was dead before
  noconnection, ///< its hub, or the way there, is gone
  timeout,      ///< it took too long
  exception,    ///< an exception left it
  custom        ///< a value of yours
};

/// Why a greenlet ended: what links, monitors and supervisors are told.
///
/// Ownership  A value; copies share what it holds.
/// Thread     Any.
/// Source     Erlang's exit reasons; OTP.md 1.1. `normal` over a link does
///            nothing; `normal` and `shutdown` restart no transient child.
///
///     exit_reason why{exit_kind::shutdown, "no more work"};
///     to_string(why);   // "shutdown: no more work"
class exit_reason {
public:
  exit_reason(exit_kind kind = exit_kind::normal, std::string note = {});
  /// `exception`; must not be null.
  explicit exit_reason(std::exception_ptr error);
  /// `custom`: `value` with a text for people.
  template <class Value>
  static exit_reason custom(Value value, std::string note) {
    return exit_reason(std::any(std::move(value)), std::move(note));
  }

  exit_kind kind() const { return kind_; }
  /// For people; empty unless given.
  const std::string& note() const;
  /// Null unless that is what it is.
  std::exception_ptr exception() const;
  /// The value of a custom reason of that type, else null.
  template <class Value>
  const Value* value() const {
    return details_ ? std::any_cast<Value>(&details_->value) : nullptr;
  }

  /// As it was meant to: `normal` or `shutdown`.
  bool orderly() const {
    return kind_ == exit_kind::normal || kind_ == exit_kind::shutdown;
  }

  /// Of the same kind, with the same note and exception. Values are not
  /// compared.
  friend bool operator==(const exit_reason& a, const exit_reason& b);

private:
  struct details {
    std::string note;
    std::exception_ptr error;
    std::any value;
  };

  exit_reason(std::any value, std::string note);

  exit_kind kind_;
  std::shared_ptr<const details> details_;
};

/// "normal", "shutdown: no more work", "std::runtime_error: no luck".
std::string to_string(const exit_reason& reason);
std::string to_string(exit_kind kind);

} // namespace greenroom
