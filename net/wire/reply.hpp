#pragma once

#include <greenroom/wire/reader.hpp>
#include <greenroom/wire/writer.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

// What comes back for a request: ["ok", value], or [status, text] where status
// is "failed", or a name of `errc` ("dead", "timed_out", "no_reply", "full",
// "closed"), or "bad_message".

namespace greenroom::wire {

/// An actor that was asked over the wire has failed, and with that text. What
/// else went wrong is a `std::system_error` as from an actor that is near:
/// `errc::dead`, `errc::timed_out`, `errc::no_reply`, `std::errc::bad_message`.
class remote_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

namespace inside {

std::string refusal(std::string_view status, std::string_view text);
std::string refusal_of(const std::exception_ptr& error);
/// Of a reply, up to its value; throws what it says instead of one.
void read_status(reader& from);

} // namespace inside
} // namespace greenroom::wire
