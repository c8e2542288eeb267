#include "process_spawn.hpp"

#include <greenroom/io/unix.hpp>

#include "descriptor_calls.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <variant>

namespace greenroom {
namespace {

void check(int error, const std::string& what) {
  if (error != 0) throw std::system_error(error, std::system_category(), what);
}

owned_descriptor checked(int descriptor, const std::string& what) {
  if (descriptor < 0) throw std::system_error(last_error(), what);
  return owned_descriptor{descriptor};
}

/// Where no dup2 to a standard stream can overwrite it.
owned_descriptor above_standard(owned_descriptor from) {
  if (from.get() > STDERR_FILENO) return from;
  return checked(::fcntl(from.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1),
                 "duplicate a descriptor");
}

owned_descriptor opened(int number, const std::filesystem::path& file) {
  const int flags =
      number == STDIN_FILENO ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC;
  return checked(::open(file.c_str(), flags | O_CLOEXEC, 0666),
                 "open " + file.string());
}

struct made_end {
  owned_descriptor child;
  std::optional<pipe_stream> parent;
};

/// A pipe of which only our end is non-blocking.
made_end piped(int number) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::system_error(last_error(), "make a pipe");
  owned_descriptor ours{ends[0]};
  owned_descriptor theirs{ends[1]};
  if (number == STDIN_FILENO) std::swap(ours, theirs);
  return {std::move(theirs), adopt<pipe_stream>(std::move(ours))};
}

made_end end_of(int number, stdio kind) {
  if (kind == stdio::pipe) return piped(number);
  if (kind == stdio::null) return {opened(number, "/dev/null"), std::nullopt};
  return {};
}

made_end end_of(int number, const redirection& wanted) {
  if (const auto* kind = std::get_if<stdio>(&wanted))
    return end_of(number, *kind);
  if (const auto* file = std::get_if<std::filesystem::path>(&wanted))
    return {opened(number, *file), std::nullopt};
  return {checked(::fcntl(std::get<int>(wanted), F_DUPFD_CLOEXEC, 3),
                  "redirect to a descriptor"),
          std::nullopt};
}

bool is_merged(const redirection& wanted) {
  const auto* kind = std::get_if<stdio>(&wanted);
  return kind && *kind == stdio::output;
}

// --- the lists that posix_spawn takes ---------------------------------------

/// Pointers to texts, and a null at the end.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& each : texts) {
    if (each.find('\0') != std::string::npos)
      throw std::invalid_argument("process: a zero byte in " + each);
    all.push_back(each.data());
  }
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> environment_of(const process_options& options,
                                        const owned_descriptor& channel) {
  std::map<std::string, std::string> all; // name to whole entry
  if (options.inherit_environment)
    for (char** each = environ; *each; ++each) {
      const std::string entry = *each;
      all.emplace(entry.substr(0, entry.find('=')), entry);
    }
  all.erase(channel_variable); // ours
  if (channel)
    all.emplace(channel_variable, std::string(channel_variable) + "=" +
                                      std::to_string(channel.get()));
  for (const auto& [name, value] : options.environment)
    if (value)
      all.insert_or_assign(name, name + "=" + *value);
    else
      all.erase(name);
  std::vector<std::string> entries;
  for (auto& [name, entry] : all)
    entries.push_back(std::move(entry));
  return entries;
}

class file_actions {
public:
  file_actions() { check(::posix_spawn_file_actions_init(&all_), "a process"); }
  file_actions(const file_actions&) = delete;
  file_actions& operator=(const file_actions&) = delete;
  ~file_actions() { ::posix_spawn_file_actions_destroy(&all_); }

  /// With the same number twice: it stays open.
  void duplicate(int from, int to) {
    check(::posix_spawn_file_actions_adddup2(&all_, from, to), "a process");
  }
  void close(int descriptor) {
    check(::posix_spawn_file_actions_addclose(&all_, descriptor), "a process");
  }
  void close_from(int lowest) {
    check(::posix_spawn_file_actions_addclosefrom_np(&all_, lowest),
          "a process");
  }
  void enter(const std::filesystem::path& directory) {
    check(::posix_spawn_file_actions_addchdir_np(&all_, directory.c_str()),
          "a process");
  }
  const posix_spawn_file_actions_t* get() const { return &all_; }

private:
  posix_spawn_file_actions_t all_;
};

/// All but these are closed, whoever opened them.
void keep_only(std::vector<int> kept, file_actions& actions) {
  std::sort(kept.begin(), kept.end());
  int next = STDERR_FILENO + 1;
  for (const int each : kept) {
    for (; next < each; ++next)
      actions.close(next);
    if (next == each) actions.duplicate(each, each);
    next = std::max(next, each + 1);
  }
  actions.close_from(next);
}

class attributes {
public:
  explicit attributes(const process_options& options) {
    check(::posix_spawnattr_init(&all_), "a process");
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&all_, &signals);
    ::sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&all_, &signals);
    ::posix_spawnattr_setpgroup(&all_, 0);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (options.new_session)
      flags |= POSIX_SPAWN_SETSID;
    else if (options.new_group)
      flags |= POSIX_SPAWN_SETPGROUP;
    ::posix_spawnattr_setflags(&all_, static_cast<short>(flags));
  }
  attributes(const attributes&) = delete;
  attributes& operator=(const attributes&) = delete;
  ~attributes() { ::posix_spawnattr_destroy(&all_); }

  const posix_spawnattr_t* get() const { return &all_; }

private:
  posix_spawnattr_t all_;
};

} // namespace

standard_ends::standard_ends(const process_options& options)
    : merged(is_merged(options.error)) {
  const std::array wanted{&options.input, &options.output, &options.error};
  if (is_merged(*wanted[0]) || is_merged(*wanted[1]))
    throw std::logic_error("process: stdio::output is for the error stream");
  for (const int number : options.descriptors)
    if (::fcntl(number, F_GETFD) < 0)
      throw std::system_error(last_error(), "pass a descriptor on");
  for (int number = 0; number < 3; ++number) {
    made_end made = end_of(number, *wanted.at(number));
    if (made.child) child.at(number) = above_standard(std::move(made.child));
    parent.at(number) = std::move(made.parent);
  }
  if (options.channel) make_channel();
}

/// Of which only our end is non-blocking.
void standard_ends::make_channel() {
  std::array<int, 2> both{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()) != 0)
    throw std::system_error(last_error(), "make a channel");
  owned_descriptor ours{both[0]};
  child_channel = above_standard(owned_descriptor{both[1]});
  parent_channel.emplace(
      std::make_unique<unix_socket>(adopt<unix_socket>(std::move(ours))));
}

pid_t spawn_program(const std::string& program,
                    const std::vector<std::string>& arguments,
                    const process_options& options, const standard_ends& ends) {
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables =
      environment_of(options, ends.child_channel);
  file_actions actions;
  for (int number = 0; number < 3; ++number)
    if (const auto& end = ends.child.at(number))
      actions.duplicate(end.get(), number);
  if (ends.merged) actions.duplicate(STDOUT_FILENO, STDERR_FILENO);
  std::vector<int> kept = options.descriptors;
  if (ends.child_channel) kept.push_back(ends.child_channel.get());
  keep_only(std::move(kept), actions);
  if (!options.directory.empty()) actions.enter(options.directory);
  const attributes attributes{options};
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, program.c_str(), actions.get(), attributes.get(),
                     pointers_to(words).data(), pointers_to(variables).data());
  if (error == 0) return pid;
  const std::string where =
      options.directory.empty() ? "" : " in " + options.directory.string();
  throw std::system_error(error, std::system_category(),
                          "start " + program + where);
}

} // namespace greenroom
