#pragma once

#include <string>
#include <system_error>

namespace greenroom::wire {

/// A body that cannot be decoded: no MessagePack, past the limits, or not of
/// the type's shape. Its code is `std::errc::bad_message`; its text names the
/// type and the field.
///
///     order field 2, [3], line field 1: expected an integer, found text
class bad_message : public std::system_error {
public:
  explicit bad_message(const std::string& why);
};

} // namespace greenroom::wire
