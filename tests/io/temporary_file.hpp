#pragma once

#include <cstdio>
#include <memory>
#include <string>

namespace test {

/// A file without a name that holds `bytes`.
class temporary_file {
public:
  explicit temporary_file(const std::string& bytes)
      : file_(std::tmpfile(), &std::fclose) {
    std::fwrite(bytes.data(), 1, bytes.size(), file_.get());
    std::fflush(file_.get());
  }
  int descriptor() const { return ::fileno(file_.get()); }

private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

} // namespace test
