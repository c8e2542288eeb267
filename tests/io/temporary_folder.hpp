#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace test {

/// A folder that goes with the test.
class temporary_folder {
public:
  temporary_folder() {
    const auto root = std::filesystem::temp_directory_path();
    std::string made = root / "greenroom.XXXXXX";
    path_ = ::mkdtemp(made.data());
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

private:
  std::string path_;
};

} // namespace test
