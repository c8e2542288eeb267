#include <greenroom/io/process.hpp>

#include <greenroom/hub/log.hpp>
#include <greenroom/io/unix.hpp>

#include "descriptor_calls.hpp"
#include "process_core.hpp"
#include "process_spawn.hpp"

#include <fcntl.h>
#include <sys/wait.h>
extern "C" { // glibc 2.36 forgets that
#include <sys/pidfd.h>
}

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

namespace greenroom {

std::string exit_status::text() const {
  if (signal == 0) return "exited with " + std::to_string(code);
  const char* name = ::sigdescr_np(signal);
  return "ended by signal " + std::to_string(signal) + " (" +
         (name ? name : "unknown") + ")";
}

// --- process::core ----------------------------------------------------------

/// From a child that runs to one that is known to. On failure it is gone.
void process::core::begin(pid_t started) {
  pid = started;
  try {
    owned_descriptor number{::pidfd_open(pid, 0)};
    if (!number && errno == ESRCH) return set_lost();
    if (!number) throw std::system_error(last_error(), "watch " + program);
    end.assign(number.get());
    number.release();
    await_end();
  } catch (...) {
    ::kill(leads_group ? -pid : pid, SIGKILL);
    ::waitpid(pid, nullptr, 0); // at once, or nearly so
    reaped = true;
    throw;
  }
}

void process::core::await_end() {
  end.async_wait(asio::posix::descriptor_base::wait_read,
                 [self = shared_from_this()](const asio::error_code& failed) {
                   if (!failed && !self->note_end()) self->await_end();
                 });
}

/// Looks whether it has ended; takes note if so.
bool process::core::note_end() {
  const bool keep = leads_group && waiters;
  if (status && (reaped || keep)) return true;
  siginfo_t found{};
  int result = 0;
  do
    result = ::waitid(P_PIDFD, static_cast<id_t>(end.native_handle()), &found,
                      WEXITED | WNOHANG | (keep ? WNOWAIT : 0));
  while (result < 0 && errno == EINTR);
  if (result < 0 && errno == ECHILD) {
    set_lost();
  } else if (result == 0 && found.si_pid != 0) {
    reaped = !keep;
    set_status(found.si_code == CLD_EXITED
                   ? exit_status{.code = found.si_status}
                   : exit_status{.signal = found.si_status});
  }
  return status.has_value();
}

/// Somebody else was quicker, or SIGCHLD is ignored.
void process::core::set_lost() {
  reaped = true;
  log_warning("somebody else has reaped " + program);
  set_status({.code = 255});
}

void process::core::set_status(const exit_status& found) {
  if (status) return;
  status = found;
  if (waiters) waiters->wake_all();
}

bool process::core::send_signal(int number, signal_target to,
                                std::error_code& failed) {
  failed.clear();
  const bool ended = note_end();
  if (reaped || (ended && to == signal_target::process)) return false;
  const bool group = to == signal_target::group && leads_group;
  const int result =
      group ? ::kill(-pid, number)
            : ::pidfd_send_signal(end.native_handle(), number, nullptr, 0);
  if (result == 0) return true;
  if (errno != ESRCH) failed = last_error();
  return false;
}

/// Its `process` has gone.
void process::core::let_go() {
  std::error_code ignored;
  if (!note_end()) send_signal(SIGKILL, signal_target::group, ignored);
  waiters.reset();
  for (auto& each : streams)
    if (each) each->close();
  if (channel) channel->close();
  note_end(); // reaps it now, or else the loop will
}

/// With its loop there is nobody left to reap it; it has been killed.
process::core::~core() {
  if (pid == 0 || reaped) return;
  ::fcntl(end.native_handle(), F_SETFL, 0); // Asio made it non-blocking
  ::waitid(P_PIDFD, static_cast<id_t>(end.native_handle()), nullptr, WEXITED);
}

exit_status process::core::wait(deadline until, std::error_code& failed) {
  failed.clear();
  try {
    while (!failed && !note_end())
      if (!waiters)
        failed = errc::destroyed;
      else if (!waiters->wait(until, "process::wait", this))
        failed = errc::timed_out;
  } catch (const std::system_error& error) {
    failed = error.code(); // destroyed
  }
  return failed ? exit_status{} : *status;
}

// --- process ----------------------------------------------------------------

process::process(const std::string& program,
                 const std::vector<std::string>& arguments,
                 const process_options& options)
    : core_(std::make_shared<core>(program,
                                   options.new_group || options.new_session)) {
  standard_ends ends{options};
  core_->limit = options.output_limit;
  core_->streams = std::move(ends.parent);
  core_->channel = std::move(ends.parent_channel);
  core_->begin(spawn_program(program, arguments, options, ends));
}

process::process(process&&) noexcept = default;

process& process::operator=(process&& other) noexcept {
  if (this != &other) {
    if (core_) core_->let_go();
    core_ = std::move(other.core_);
  }
  return *this;
}

process::~process() {
  if (core_) core_->let_go();
}

pid_t process::pid() const {
  return core_->pid;
}

namespace {

pipe_stream& piped(std::optional<pipe_stream>& end, const char* name) {
  if (end) return *end;
  throw std::logic_error(std::string("process: the ") + name + " is no pipe");
}

} // namespace

pipe_stream& process::input() {
  return piped(core_->streams[0], "input");
}

pipe_stream& process::output() {
  return piped(core_->streams[1], "output");
}

pipe_stream& process::error() {
  return piped(core_->streams[2], "error stream");
}

message_stream& process::channel() {
  if (core_->channel) return *core_->channel;
  throw std::logic_error("process: started without a channel");
}

exit_status process::wait(deadline until) {
  const auto here = core_; // may be gone afterwards
  std::error_code failed;
  const exit_status status = here->wait(until, failed);
  if (failed) throw std::system_error(failed, "wait for " + here->program);
  return status;
}

exit_status process::wait(deadline until, std::error_code& failed) {
  const auto here = core_;
  return here->wait(until, failed);
}

std::optional<exit_status> process::poll() {
  core_->note_end();
  return core_->status;
}

wait_list& process::watchers() {
  return *core_->waiters;
}

bool process::send_signal(int number, signal_target to) {
  std::error_code failed;
  const bool sent = core_->send_signal(number, to, failed);
  if (failed) throw std::system_error(failed, "signal " + core_->program);
  return sent;
}

bool process::terminate(signal_target to) {
  return send_signal(SIGTERM, to);
}

bool process::kill(signal_target to) {
  return send_signal(SIGKILL, to);
}

// --- parent_channel ---------------------------------------------------------

std::optional<message_stream> parent_channel() {
  const char* text = std::getenv(channel_variable);
  if (!text) return std::nullopt;
  int number = -1;
  std::from_chars(text, text + std::strlen(text), number);
  ::unsetenv(channel_variable);
  auto parent = std::make_unique<unix_socket>(unix_socket::adopt(number));
  ::fcntl(number, F_SETFD, FD_CLOEXEC);
  return message_stream{std::move(parent)};
}

} // namespace greenroom
