#pragma once

#include <string>

namespace greenroom {

/// Where a Unix socket is: a path, or an abstract name, which begins with a
/// zero byte, has no file, and goes with its socket. None when empty.
///
///     unix_address{"/run/service/socket"};
///     unix_address::abstract("service");
struct unix_address {
  std::string path;

  static unix_address abstract(const std::string& name) {
    return {std::string(1, '\0') + name};
  }
  bool is_abstract() const { return !path.empty() && path.front() == '\0'; }

  /// The path, or "@name".
  std::string text() const {
    return is_abstract() ? "@" + path.substr(1) : path;
  }
  friend bool operator==(const unix_address&, const unix_address&) = default;
};

} // namespace greenroom
