#include "unix_path.hpp"

#include <cerrno>

namespace greenroom {

void unix_path::own(const unix_address& bound) {
  if (bound.is_abstract() || ::stat(bound.path.c_str(), &file_) != 0) return;
  path_ = bound.path;
}

void unix_path::remove() {
  struct stat now {};
  if (!path_.empty() && ::stat(path_.c_str(), &now) == 0 &&
      now.st_dev == file_.st_dev && now.st_ino == file_.st_ino)
    ::unlink(path_.c_str());
  path_.clear();
}

bool is_left_behind(const std::string& path, int type, const sockaddr* address,
                    std::size_t size) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode))
    return false;
  const int probe = ::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const bool refused =
      probe >= 0 &&
      ::connect(probe, address, static_cast<socklen_t>(size)) != 0 &&
      errno == ECONNREFUSED;
  if (probe >= 0) ::close(probe);
  return refused;
}

} // namespace greenroom
