#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/tcp.hpp>

#include <sys/resource.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace chat_load {

/// A server as a child process, which tells where it listens in its first
/// line of output.
///
/// Waits      The constructor, for that line, and `end`: the greenlet only.
class server_process {
public:
  /// Starts `path --port 0`, with more arguments after it.
  explicit server_process(const std::string& path,
                          const std::vector<std::string>& more = {});
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;
  /// Kills it, if it has not ended.
  ~server_process();

  const greenroom::tcp_address& address() const { return address_; }

  /// Sends SIGTERM and waits for its end; kills it when `until` passes. How
  /// it ended, in words: "status 0".
  std::string end(greenroom::deadline until);
  /// Once ended: what it used.
  const rusage& usage() const { return usage_; }

private:
  struct output;
  void start(std::vector<std::string> words, int its_output);
  void read_address();
  int reap();

  pid_t process_ = -1; // -1: reaped
  std::unique_ptr<output> output_;
  greenroom::tcp_address address_;
  rusage usage_{};
};

} // namespace chat_load
