#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <typeinfo>

namespace greenroom {

class greenlet_base;

/// What can go wrong in an ordinary way. Calls that can meet one of these
/// come in two forms, as Asio's do: one throws `std::system_error`, one
/// stores the code.
enum class errc {
  timed_out = 1,   ///< the call's own deadline passed
  killed,          ///< the greenlet was killed, so it has no value
  closed,          ///< the other side closed, or the object is shut
  full,            ///< a bounded container has no room
  empty,           ///< nothing to take
  destroyed,       ///< the object waited on was destroyed
  dead,            ///< the actor asked is not alive
  no_reply,        ///< the request was dropped unanswered
  busy,            ///< another greenlet already waits where one is allowed
  already_started, ///< started twice
  name_taken,      ///< somebody has that name, or one has another
  unknown_name,    ///< nobody has that name
  wrong_type       ///< it is of another type than it was looked up as
};

const std::error_category& error_category() noexcept;
std::error_code make_error_code(errc code) noexcept;

/// Unwinds a killed greenlet. Not a `std::exception`, so that ordinary
/// handlers do not swallow it; `catch (...)` without rethrow does, and then
/// the greenlet lives on (gevent's rule for GreenletExit).
class greenlet_exit {
public:
  explicit greenlet_exit(const greenlet_base& target) : target_(&target) {}

  /// The greenlet that was killed; compared by identity, never dereferenced.
  bool is_for(const greenlet_base& greenlet) const {
    return target_ == &greenlet;
  }

private:
  const greenlet_base* target_;
};

/// Thrown in the main greenlet when it waits and nothing can ever end the
/// wait: nothing ready, no timer, no I/O, no work guard. The text lists who
/// waits on what. The hub stays usable.
class loop_exit : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A waiting call where no greenlet may wait: inside a hub callback or
/// within a `no_wait` scope.
class wait_refused : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

/// An object of one hub used from the thread of another.
class wrong_hub : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

/// Type and text of any exception, for logs: "std::runtime_error: no luck".
std::string describe(const std::exception_ptr& error);

/// As people write it: "greenroom::actor<deposit>".
std::string type_name(const std::type_info& type);

/// Throws `std::system_error` with "what" in front of the code's message.
[[noreturn]] void throw_error(errc code, const std::string& what);

} // namespace greenroom

template <>
struct std::is_error_code_enum<greenroom::errc> : std::true_type {};
