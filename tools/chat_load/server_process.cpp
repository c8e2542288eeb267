#include "server_process.hpp"

#include <greenroom/hub/hub.hpp>
#include <greenroom/io/asio.hpp>

#include <asio/buffer.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

extern char** environ;

namespace chat_load {
namespace {

using namespace std::chrono_literals;

constexpr auto start_time = 20s;
constexpr std::string_view announcement = "listening on ";
constexpr std::string_view scheme = "http://";

} // namespace

struct server_process::output {
  explicit output(int descriptor)
      : pipe(greenroom::hub::current().context(), descriptor) {}
  asio::posix::stream_descriptor pipe;
  std::string text;
};

server_process::server_process(const std::string& path,
                               const std::vector<std::string>& more) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::system_error(errno, std::system_category(), "pipe");
  output_ = std::make_unique<output>(ends[0]);
  std::vector<std::string> words{path, "--port", "0"};
  words.insert(words.end(), more.begin(), more.end());
  start(std::move(words), ends[1]);
  try {
    read_address();
  } catch (...) {
    ::kill(process_, SIGKILL);
    reap();
    throw;
  }
}

server_process::~server_process() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  reap();
}

/// Closes `its_output` here, whatever happens.
void server_process::start(std::vector<std::string> words, int its_output) {
  std::vector<char*> arguments;
  for (std::string& each : words)
    arguments.push_back(each.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, its_output, STDOUT_FILENO);
  const int error = posix_spawnp(&process_, words[0].c_str(), &actions, nullptr,
                                 arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(its_output);
  if (error == 0) return;
  process_ = -1;
  throw std::system_error(error, std::system_category(), words[0]);
}

void server_process::read_address() {
  asio::error_code failed;
  asio::async_read_until(output_->pipe, asio::dynamic_buffer(output_->text),
                         '\n',
                         greenroom::use_greenlet[failed].until(start_time));
  std::string_view line = output_->text;
  line = line.substr(0, line.find('\n'));
  const std::size_t colon = line.rfind(':');
  if (failed || !line.starts_with(announcement) || colon == line.npos)
    throw std::runtime_error(
        "the server does not say where it listens: " +
        (failed ? failed.message() : '"' + std::string(line) + '"'));
  const std::string_view port = line.substr(colon + 1);
  line = line.substr(0, colon).substr(announcement.size());
  if (line.starts_with(scheme)) line.remove_prefix(scheme.size());
  address_.host = line;
  std::from_chars(port.data(), port.data() + port.size(), address_.port);
}

std::string server_process::end(greenroom::deadline until) {
  ::kill(process_, SIGTERM);
  asio::error_code failed; // its output ends when it does
  asio::async_read(output_->pipe, asio::dynamic_buffer(output_->text),
                   greenroom::use_greenlet[failed].until(until));
  const bool late = failed != asio::error::eof;
  if (late) ::kill(process_, SIGKILL);
  const int status = reap();
  if (late) return "not ended in time, so it was killed";
  if (WIFSIGNALED(status))
    return "ended by signal " + std::to_string(WTERMSIG(status));
  return "status " + std::to_string(WEXITSTATUS(status));
}

int server_process::reap() {
  int status = 0;
  while (wait4(process_, &status, 0, &usage_) < 0 && errno == EINTR) {
  }
  process_ = -1;
  return status;
}

} // namespace chat_load
