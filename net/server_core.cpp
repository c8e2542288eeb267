#include "server_core.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/timeout.hpp>

#include <algorithm>
#include <utility>

namespace greenroom {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds shortest_pause = 10ms;
constexpr std::chrono::milliseconds longest_pause = 1s;

} // namespace

bool is_fatal(const std::error_code& failed) {
  return failed == std::errc::bad_file_descriptor ||
         failed == std::errc::invalid_argument ||
         failed == std::errc::not_a_socket;
}

void growing_pause::after(const std::string& what,
                          const std::error_code& failed) {
  last_ = std::clamp(last_ * 2, shortest_pause, longest_pause);
  log_warning(what + ": " + failed.message() + "; trying again in " +
              std::to_string(last_.count()) + " ms");
  sleep(last_);
}

server_core::server_core(const char* kind, const char* stopping)
    : handlers(stopping), kind_(kind), home_(hub::current().address()) {
}

// --- serving ----------------------------------------------------------------

void server_core::serve_forever() {
  start();
  unusable_.clear();
  try {
    const unsigned before = stops_;
    while (stops_ == before)
      stopped_.wait_turn(deadline::never(), "serve_forever", this);
    if (unusable_) throw std::system_error(unusable_, unusable_what_);
    // Handlers that stopped it go on; unless it was started again, meanwhile.
    while (!started() && handlers.size() > 0)
      handlers.wait_for_end(deadline::never(), "serve_forever", this);
  } catch (...) {
    stop(1s);
    throw;
  }
}

void server_core::give_up(const std::string& what,
                          const std::error_code& failed) {
  log_error(what + ": " + failed.message() + "; it is closed");
  unusable_ = failed;
  unusable_what_ = what;
  ++stops_;
  stopped_.wake_all();
}

// --- stopping ---------------------------------------------------------------

void server_core::keep_out() {
  const shield guard;
  if (doorman) std::exchange(doorman, {}).kill();
}

void server_core::stop(deadline grace) {
  // Whatever happens to the caller, the server is stopped when this returns.
  const shield guard;
  begin_to_stop();
  keep_out();
  handlers.stop(grace);
  let_go();
  ++stops_;
  stopped_.wake_all();
}

void server_core::end(std::shared_ptr<server_core> last) noexcept {
  server_core& core = *last;
  if (core.home_.is_here()) return core.end_here();
  const hub_address home = core.home_;
  (void)post_to(home, [last = std::move(last)] { // if not, nothing runs there
    log_error(last->kind_ + (" on " + last->name()) +
              " was destroyed on another thread than its own; it is stopped "
              "there");
    spawn([last] { end(last); });
  });
}

void server_core::check_alive() const {
  if (is_over_) throw_error(errc::destroyed, kind_ + (" on " + name()));
}

void server_core::end_here() {
  is_over_ = true;
  if (!started() && handlers.size() == 0) return;
  const std::string who = kind_ + (" on " + name()) + " was destroyed ";
  if (handlers.has_caller()) {
    log_error(who + "by one of its handlers: the others are killed, and not "
                    "waited for");
    begin_to_stop();
    return handlers.kill_soon();
  }
  try {
    hub::current().check_wait(kind_);
  } catch (const wait_refused& refused) {
    log_error(who + "where it cannot wait, and its handlers are killed: " +
              refused.what());
    begin_to_stop();
    return handlers.kill_brutally();
  }
  stop(0s);
}

} // namespace greenroom
