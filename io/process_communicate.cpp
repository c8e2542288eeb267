#include "process_core.hpp"

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/nursery.hpp>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <string_view>
#include <utility>

namespace greenroom {

/// In pieces that a pipe takes whole or not at all, so that it is known how
/// much was written when a kill comes.
void process::core::feed(deadline until, std::error_code& failed) {
  pipe_stream& to = *streams[0];
  while (fed < given->size() && !failed)
    fed +=
        to.write(std::string_view(*given).substr(fed, PIPE_BUF), until, failed);
  if (failed == errc::timed_out) return;
  if (failed == std::errc::broken_pipe || failed == errc::closed)
    failed.clear(); // it did not want more
  to.close();
}

void process::core::drain(pipe_stream& from, std::string& into, deadline until,
                          std::error_code& failed) {
  std::array<char, 16 * 1024> part;
  while (const std::size_t bytes = from.read_some(part, until, failed)) {
    const std::size_t kept = std::min(bytes, limit - into.size());
    into.append(part.data(), kept);
    outcome.dropped += bytes - kept;
  }
}

/// All three at once, for the child may do them in any order.
void process::core::exchange(deadline until, std::error_code& failed) {
  std::array<std::error_code, 3> failures;
  nursery([&](nursery_scope& others) {
    if (streams[0] && streams[0]->is_open())
      others.spawn([&] { feed(until, failures[0]); });
    if (streams[2])
      others.spawn(
          [&] { drain(*streams[2], outcome.error, until, failures[2]); });
    if (streams[1]) drain(*streams[1], outcome.output, until, failures[1]);
  });
  for (const std::error_code& each : failures)
    if (each && !failed) failed = each;
  if (!failed) wait(until, failed);
}

process_output process::communicate(std::string_view input, deadline until) {
  const auto here = core_;
  std::error_code failed;
  auto result = communicate(input, until, failed);
  if (failed)
    throw std::system_error(failed, "communicate with " + here->program);
  return result;
}

process_output process::communicate(std::string_view input, deadline until,
                                    std::error_code& failed) {
  const auto here = core_;
  hub::current().check_wait("process::communicate");
  failed.clear();
  if (here->communicating) failed = errc::busy;
  if (failed) return {};
  const turn mine{here->communicating};
  if (!here->given) here->given = input;
  here->exchange(until, failed);
  if (failed) return {};
  return here->take();
}

// --- run --------------------------------------------------------------------

namespace {

process_options captured(process_options options) {
  const auto choose = [](redirection& which, stdio kind) {
    if (which == redirection{stdio::by_default}) which = kind;
  };
  choose(options.input, stdio::null);
  choose(options.output, stdio::pipe);
  choose(options.error, stdio::pipe);
  return options;
}

} // namespace

/// Kills the group unless it was told that all went well.
struct finished_run {
  explicit finished_run(process& of) : child(of) {}
  finished_run(const finished_run&) = delete;
  finished_run& operator=(const finished_run&) = delete;
  ~finished_run() {
    std::error_code ignored;
    if (!done) child.core_->send_signal(SIGKILL, signal_target::group, ignored);
  }

  completed_process result(process_output&& texts) {
    return {child.poll().value_or(exit_status{.signal = SIGKILL}),
            std::move(texts.output), std::move(texts.error), texts.dropped};
  }
  process_output left() { return child.core_->take(); }

  process& child;
  bool done = false;
};

completed_process run(const std::string& program,
                      const std::vector<std::string>& arguments,
                      process_options options, deadline until) {
  std::error_code failed;
  auto completed = run(program, arguments, std::move(options), until, failed);
  if (failed) throw std::system_error(failed, "run " + program);
  return completed;
}

completed_process run(const std::string& program,
                      const std::vector<std::string>& arguments,
                      process_options options, deadline until,
                      std::error_code& failed) {
  process child{program, arguments, captured(std::move(options))};
  finished_run finished{child};
  process_output texts = child.communicate({}, until, failed);
  finished.done = !failed;
  return finished.result(failed ? finished.left() : std::move(texts));
}

} // namespace greenroom
