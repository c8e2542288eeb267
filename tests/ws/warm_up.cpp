// Beast's timers, which are never used, want an io_context for the whole
// process: it is there before descriptors are counted.

#include "listener.hpp"
#include "ws/support.hpp"

namespace {

class warm_up : public test::listener {
public:
  using listener::listener;

  void test_run_start() override {
    test::in_hub([] {
      test::served server{test::echo};
      server.client().close();
    });
  }
};

DOCTEST_REGISTER_LISTENER("warm_up", 0, warm_up);

} // namespace
