// Linked into a room's tests: no test case may leave a descriptor open, but
// those with the description "leaves a descriptor".

#include "listener.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

namespace {

std::set<std::string> open_descriptors() {
  std::set<std::string> all;
  for (const auto& each :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code own; // the folder's own is closed by now
    const auto what = std::filesystem::read_symlink(each.path(), own);
    const std::string text = what.string();
    if (!own && text.find("/proc/") != 0)
      all.insert(each.path().filename().string() + " (" + text + ")");
  }
  return all;
}

class leak_check : public test::listener {
public:
  using listener::listener;

  void test_case_start(const doctest::TestCaseData& test) override {
    name_ = test.m_name;
    exempt_ = test.m_description &&
              std::string_view(test.m_description) == "leaves a descriptor";
    before_ = open_descriptors();
  }
  void test_case_end(const doctest::CurrentTestCaseStats&) override {
    if (exempt_) return;
    for (const std::string& each : open_descriptors())
      if (!before_.count(each)) {
        std::fprintf(stderr, "descriptor %s was left open by \"%s\"\n",
                     each.c_str(), name_.c_str());
        leaked_ = true;
      }
  }
  void test_run_end(const doctest::TestRunStats&) override {
    std::fflush(nullptr);
    if (leaked_) std::_Exit(EXIT_FAILURE);
  }

private:
  std::string name_;
  bool exempt_ = false;
  std::set<std::string> before_;
  bool leaked_ = false;
};

DOCTEST_REGISTER_LISTENER("descriptor_leaks", 1, leak_check);

} // namespace
