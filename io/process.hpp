#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/io/message_stream.hpp>
#include <greenroom/io/pipe.hpp>

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

namespace greenroom {

/// How a process ended.
struct exit_status {
  int code = 0;   ///< that it exited with; 0 when a signal ended it
  int signal = 0; ///< that ended it; 0 when it exited

  bool success() const { return code == 0 && signal == 0; }
  /// Python's: the code, or the signal's number below zero.
  int returncode() const { return signal != 0 ? -signal : code; }
  /// "exited with 3", "ended by signal 9 (Killed)".
  std::string text() const;

  friend bool operator==(const exit_status&, const exit_status&) = default;
};

/// What a child's standard stream is.
enum class stdio : std::uint8_t {
  by_default, ///< `inherit`; in `run`, `null` for the input, else `pipe`
  inherit,    ///< ours
  null,       ///< the null device
  pipe,       ///< a pipe whose other end is `process::input` and its like
  output      ///< for the error stream: the same as the output
};

/// One of these, or a descriptor, or a file: read for the input, else created
/// or emptied.
using redirection = std::variant<stdio, int, std::filesystem::path>;

struct process_options {
  redirection input = stdio::by_default;
  redirection output = stdio::by_default;
  redirection error = stdio::by_default;
  std::filesystem::path directory{}; ///< to run in; empty: ours
  /// Variables to set, or to take away: those without a value.
  std::map<std::string, std::optional<std::string>> environment{};
  bool inherit_environment = true; ///< false: it has only those
  std::vector<int> descriptors{};  ///< to pass on, under the same numbers
  /// It begins a process group, so that it can be killed with its children. It
  /// is then in the background of a terminal, and may not read from that.
  bool new_group = true;
  bool new_session = false; ///< and group: setsid
  /// Messages between us, by `process::channel`, and it, by `parent_channel`.
  bool channel = false;
  std::size_t output_limit = 16 << 20; ///< bytes that `communicate` keeps each
};

/// What a child wrote.
struct process_output {
  std::string output;
  std::string error;
  std::uint64_t dropped = 0; ///< bytes beyond the limit, read and not kept
};

enum class signal_target : std::uint8_t {
  process, ///< it alone
  group    ///< and those of its children that have stayed in its group
};

/// A child process that runs a program.
///
/// It has the descriptors it is given, and no other; every signal is as usual
/// for it, none is blocked. No handler of SIGCHLD is needed or touched.
///
/// Ownership  Owns the child: destroyed while that runs, it kills the group and
///            has it reaped, without waiting for it; who waits for it gets
///            `errc::destroyed`. Once it has ended, what it left running lives.
/// Thread     Its hub's thread only.
/// Waits      `wait`, `communicate`, its streams; any number of greenlets may
///            wait for the same one. It can be waited for with others (`wait`,
///            `iwait`). The start blocks the thread until the program is
///            loaded.
/// Errors     `std::system_error`, for a program that cannot be started too;
///            the text names it. Where somebody else has reaped the child, its
///            code is 255, and a log line says so.
/// Note       A child that has ended stays a zombie while the object lives,
///            so that its group can still be told from a later one's.
/// Source     Python's subprocess; GEVENT.md 1.13. posix_spawn(3),
///            pidfd_open(2).
///
///     process sort{"sort", {"-n"}, {.input = stdio::pipe,
///                                   .output = stdio::pipe}};
///     std::string sorted = sort.communicate("10\n9\n", 5s).output;
///     if (!sort.wait().success()) ...
class process {
public:
  /// A program without a slash is looked for along our PATH.
  explicit process(const std::string& program,
                   const std::vector<std::string>& arguments = {},
                   const process_options& options = {});
  process(process&&) noexcept;
  process& operator=(process&&) noexcept;
  ~process();

  pid_t pid() const;

  /// The other ends of its pipes. `std::logic_error` where there is none.
  pipe_stream& input();
  pipe_stream& output();
  pipe_stream& error();

  /// Messages to and from it, if `process_options::channel` was set; else
  /// `std::logic_error`.
  message_stream& channel();

  /// Waits for its end. Read what it writes meanwhile, or it may wait for us.
  exit_status wait(deadline until = {});
  exit_status wait(deadline until, std::error_code& failed);

  /// Its status, if it has ended.
  std::optional<exit_status> poll();
  bool ready() { return poll().has_value(); }
  /// Whoever stands here is woken at its end.
  wait_list& watchers();

  /// False when there is nobody left to hear it.
  bool send_signal(int number, signal_target to = signal_target::process);
  bool terminate(signal_target to = signal_target::process); ///< SIGTERM
  bool kill(signal_target to = signal_target::process);      ///< SIGKILL

  /// Writes `input` to its input, while it reads output and error to their ends
  /// (those that are pipes), and waits for its end. That a child does not read
  /// all of its input is no error. When it failed or was killed, another call
  /// goes on where it was, with the rest of the first `input`, and returns all.
  process_output communicate(std::string_view input = {}, deadline until = {});
  process_output communicate(std::string_view input, deadline until,
                             std::error_code& failed);

private:
  friend struct finished_run;
  struct core;
  std::shared_ptr<core> core_; // never null, but when moved from
};

/// In a process started with a `channel`, at the first call: the other end of
/// it. In others, and later: nothing.
///
/// The descriptor's number is in the variable GREENROOM_CHANNEL, which is taken
/// away, so that no child of ours finds it.
///
/// Errors     `std::system_error` when that is no socket.
///
///     process worker{"/proc/self/exe", {"work"}, {.channel = true}};
///     worker.channel().send("task");              // in the parent
///
///     if (auto parent = parent_channel())         // in the child
///       while (auto task = parent->receive()) parent->send(work(*task));
std::optional<message_stream> parent_channel();

struct completed_process {
  exit_status status;
  std::string output;
  std::string error;
  std::uint64_t dropped = 0; ///< bytes beyond the limit
};

/// Runs a program to its end and returns what it wrote. When `until` passes, or
/// the caller is killed, its whole group is killed; the second form then
/// returns what had come.
///
///     auto log = run("git", {"log", "-1"}, {.directory = checkout}, 5s);
///     if (log.status.success()) std::cout << log.output;
completed_process run(const std::string& program,
                      const std::vector<std::string>& arguments = {},
                      process_options options = {}, deadline until = {});
completed_process run(const std::string& program,
                      const std::vector<std::string>& arguments,
                      process_options options, deadline until,
                      std::error_code& failed);

} // namespace greenroom
