#include <greenroom/actors/spawn_started.hpp>

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <chrono>
#include <exception>
#include <string>
#include <system_error>

namespace greenroom {
namespace {

[[noreturn]] void throw_end(actor_base& ended) {
  if (ended.exception()) std::rethrow_exception(ended.exception());
  throw_error(errc::dead, "actor '" + ended.name() +
                              "' ended while it started: " +
                              to_string(exit_reason_of(ended)));
}

} // namespace

void inside::start_and_wait(actor_base& made, deadline until) {
  made.home().check_wait("spawn_started");
  const auto started = actor_access::start(made);
  try {
    return started.get(until);
  } catch (const std::system_error& error) {
    if (error.code() == errc::timed_out) {
      actor_access::end_for(made, exit_kind::timeout, true);
      constexpr std::chrono::seconds patience{1};
      made.join(patience); // its frames may refer to the caller's
      throw_error(errc::timed_out, "the start of actor '" + made.name() + "'");
    }
  } catch (...) { // nobody else knows of it
    made.kill_soon();
    throw;
  }
  made.join();
  throw_end(made);
}

} // namespace greenroom
