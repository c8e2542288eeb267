#pragma once

// Private to the io room: what is behind a process.

#include <greenroom/hub/wait.hpp>
#include <greenroom/io/pipe.hpp>
#include <greenroom/io/process.hpp>

#include "socket_core.hpp"

#include <asio/posix/basic_stream_descriptor.hpp>

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace greenroom {

/// Shared with the calls that wait, and with the loop until the child has
/// ended.
///
/// A child that leads a group is reaped only when its `process` has gone: until
/// then nobody else can get its number, and with that its signals.
struct process::core : std::enable_shared_from_this<process::core> {
  core(std::string name, bool leads)
      : program(std::move(name)), leads_group(leads),
        end(hub::current().context().get_executor()) {}
  ~core();

  void begin(pid_t started);
  void await_end();
  bool note_end();
  void set_lost();
  void set_status(const exit_status& found);
  bool send_signal(int number, signal_target to, std::error_code& failed);
  void let_go();
  exit_status wait(deadline until, std::error_code& failed);

  void feed(deadline until, std::error_code& failed);
  void drain(pipe_stream& from, std::string& into, deadline until,
             std::error_code& failed);
  void exchange(deadline until, std::error_code& failed);
  process_output take() { return std::exchange(outcome, {}); }

  const std::string program;
  const bool leads_group;
  pid_t pid = 0;
  asio::posix::basic_stream_descriptor<hub_executor> end; // a pidfd
  std::optional<exit_status> status;
  bool reaped = false;
  std::unique_ptr<wait_list> waiters = std::make_unique<wait_list>();
  std::array<std::optional<pipe_stream>, 3> streams;
  std::optional<message_stream> channel;

  // What `communicate` has done so far.
  bool communicating = false;
  std::optional<std::string> given; // input
  std::size_t fed = 0;              // bytes of it
  process_output outcome;
  std::size_t limit = 0; // bytes of each text
};

} // namespace greenroom
