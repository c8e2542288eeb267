// Who made whom.

#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>

#include <chrono>

using namespace greenroom;
using namespace std::chrono_literals;
using test::in_hub;

namespace {

class plain : public greenlet_base {
  void run() override {}
};

} // namespace

TEST_SUITE("hub") {
  // GEVENT.md 3.2, 18
  TEST_CASE("a greenlet knows who made it, while that lives") {
    in_hub([] {
      CHECK_FALSE(current().spawner());
      any_greenlet child;
      const auto maker = spawn([&] {
        CHECK(&*current().spawner() == &hub::current().main_greenlet());
        child = spawn([] { sleep(3s); });
        plain unstarted;
        CHECK(&*unstarted.spawner() == &current());
        sleep(1s);
      });
      yield();
      CHECK(child->spawner() == maker);
      maker.join();
      CHECK(maker->spawner());
      CHECK_FALSE(child->spawner());
      child.join();
    });
  }

  TEST_CASE("what a hub callback makes has no spawner") {
    in_hub([] {
      any_greenlet made;
      hub::current().post([&] { made = spawn([] { sleep(1s); }); });
      idle();
      CHECK_FALSE(made->spawner());
      made.join();
    });
  }
}
