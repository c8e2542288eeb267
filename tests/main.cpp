#define DOCTEST_CONFIG_IMPLEMENT
#include "listener.hpp"

#include <cstdio>
#include <cstdlib>

namespace {

unsigned cases_selected = 0;

struct case_counter : test::listener {
  using listener::listener;
  void test_run_end(const doctest::TestRunStats& run) override {
    cases_selected = run.numTestCasesPassingFilters;
  }
};

DOCTEST_REGISTER_LISTENER("case_counter", 1, case_counter);

} // namespace

// A filter that selects nothing is a mistake in a test list, not a success.
int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int status = context.run();
  if (context.shouldExit() || status != 0) return status;
  if (cases_selected > 0) return EXIT_SUCCESS;
  std::fputs("no test case matches the filters\n", stderr);
  return EXIT_FAILURE;
}
