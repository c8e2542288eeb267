#include <greenroom/io/standard_streams.hpp>

#include <greenroom/io/pipe.hpp>
#include <greenroom/io/poll.hpp>

#include "descriptor_calls.hpp"
#include "owned_descriptor.hpp"
#include "socket_core.hpp"
#include "unsent.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace greenroom {
namespace {

constexpr std::array names{"standard input", "standard output",
                           "standard error"};

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(last_error(), what);
}

enum class shared_kind { socket, regular_file, other };

/// A descriptor that is left blocking, because others share it; shared with the
/// calls that wait on it.
struct shared_core {
  shared_core(int of, shared_kind what);
  ~shared_core() { close(); }

  std::size_t receive(std::span<char> into, std::size_t at_least,
                      deadline until, std::error_code& failed);
  std::size_t send(std::span<const std::string_view> parts, deadline until,
                   std::error_code& failed);
  std::size_t read_once(std::span<char> into, std::error_code& failed) const;
  std::size_t write_once(const unsent& rest, std::error_code& failed) const;
  bool begin(bool writes, std::error_code& failed) const;
  void wait(deadline until, std::error_code& failed);
  void close();

  const int number; // 0 to 2
  const shared_kind kind;
  owned_descriptor descriptor; // a duplicate; none when closed
  bool busy = false;
  bool ended = false;
  unsigned turns = 0;
};

shared_core::shared_core(int of, shared_kind what)
    : number(of), kind(what), descriptor(::fcntl(of, F_DUPFD_CLOEXEC, 3)) {
  if (!descriptor) fail(names.at(of));
}

void shared_core::close() {
  std::error_code ignored;
  if (descriptor) close_descriptor(descriptor.release(), ignored);
}

bool shared_core::begin(bool writes, std::error_code& failed) const {
  failed.clear();
  if (!descriptor)
    failed = errc::closed;
  else if (busy)
    failed = errc::busy;
  else if (writes == (number == 0))
    failed = std::make_error_code(std::errc::bad_file_descriptor);
  return !failed;
}

/// Until it is ready. A regular file always is; others have their turn then.
void shared_core::wait(deadline until, std::error_code& failed) {
  if (kind != shared_kind::regular_file)
    number == 0 ? wait_readable(descriptor.get(), until, failed)
                : wait_writable(descriptor.get(), until, failed);
  else if (++turns % writes_in_a_row == 0)
    yield();
  if (!descriptor) failed = errc::closed;
}

std::size_t shared_core::read_once(std::span<char> into,
                                   std::error_code& failed) const {
  const ssize_t bytes =
      kind == shared_kind::socket
          ? ::recv(descriptor.get(), into.data(), into.size(), MSG_DONTWAIT)
          : ::read(descriptor.get(), into.data(), into.size());
  if (bytes >= 0) return static_cast<std::size_t>(bytes);
  failed = last_error();
  return 0;
}

/// As much as will not block, once it is ready.
std::size_t shared_core::write_once(const unsent& rest,
                                    std::error_code& failed) const {
  if (kind == shared_kind::regular_file)
    return write_now(descriptor.get(), rest, failed);
  const std::string_view part = rest.front().substr(0, PIPE_BUF);
  if (kind != shared_kind::socket)
    return write_now(descriptor.get(), unsent{{&part, 1}}, failed);
  const ssize_t bytes = ::send(descriptor.get(), part.data(), part.size(),
                               MSG_DONTWAIT | MSG_NOSIGNAL);
  if (bytes >= 0) return static_cast<std::size_t>(bytes);
  failed = last_error();
  return 0;
}

/// It may have been ready for somebody else, who shares it.
bool is_to_be_repeated(std::error_code& failed) {
  const bool again = failed == std::errc::interrupted || is_would_block(failed);
  if (again) failed.clear();
  return again;
}

std::size_t shared_core::receive(std::span<char> into, std::size_t at_least,
                                 deadline until, std::error_code& failed) {
  if (!begin(false, failed)) return 0;
  const turn mine{busy};
  std::size_t filled = 0;
  do {
    if (!ended) wait(until, failed);
    if (failed || ended || into.empty()) break;
    const std::size_t bytes = read_once(into.subspan(filled), failed);
    filled += bytes;
    if (!is_to_be_repeated(failed)) ended = !failed && bytes == 0;
  } while (!failed && !ended && (filled == 0 || filled < at_least));
  if (!failed && filled < at_least) failed = errc::closed;
  return filled;
}

std::size_t shared_core::send(std::span<const std::string_view> parts,
                              deadline until, std::error_code& failed) {
  if (!begin(true, failed)) return 0;
  const turn mine{busy};
  std::size_t written = 0;
  for (unsent rest{parts}; !rest.empty() && !failed;) {
    wait(until, failed);
    if (failed) break;
    const std::size_t bytes = write_once(rest, failed);
    is_to_be_repeated(failed);
    rest.skip(bytes);
    written += bytes;
  }
  return written;
}

class shared_stream final : public stream {
public:
  shared_stream(int number, shared_kind kind)
      : core_(std::make_shared<shared_core>(number, kind)) {}
  ~shared_stream() override { core_->close(); }

  void shutdown_write() override { core_->close(); }
  void close() override { core_->close(); }
  bool is_open() const override { return static_cast<bool>(core_->descriptor); }
  std::string peer_name() const override { return names.at(core_->number); }

private:
  std::size_t receive(std::span<char> into, std::size_t at_least,
                      const transfer& how) override;
  std::size_t send(std::span<const std::string_view> parts,
                   const transfer& how) override;

  std::shared_ptr<shared_core> core_;
};

std::size_t shared_stream::receive(std::span<char> into, std::size_t at_least,
                                   const transfer& how) {
  const auto here = core_;
  const std::size_t bytes =
      here->receive(into, at_least, how.until, how.failed);
  if (how.failed && how.who) *how.who = names.at(here->number);
  return bytes;
}

std::size_t shared_stream::send(std::span<const std::string_view> parts,
                                const transfer& how) {
  const auto here = core_;
  const std::size_t bytes = here->send(parts, how.until, how.failed);
  if (how.failed && how.who) *how.who = names.at(here->number);
  return bytes;
}

/// A description of our own of the same pipe or device; none, where that
/// cannot be had.
owned_descriptor opened_again(int number) {
  const std::string path = "/proc/self/fd/" + std::to_string(number);
  const int direction = number == 0 ? O_RDONLY : O_WRONLY;
  return owned_descriptor{
      ::open(path.c_str(), direction | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
}

std::unique_ptr<stream> made_for(int number) {
  struct stat kind {};
  if (::fstat(number, &kind) != 0) fail(names.at(number));
  if (S_ISFIFO(kind.st_mode) || S_ISCHR(kind.st_mode))
    if (auto own = opened_again(number))
      return std::make_unique<pipe_stream>(adopt<pipe_stream>(std::move(own)));
  return std::make_unique<shared_stream>(
      number, S_ISSOCK(kind.st_mode)  ? shared_kind::socket
              : S_ISREG(kind.st_mode) ? shared_kind::regular_file
                                      : shared_kind::other);
}

stream& standard(int number) {
  hub::current(); // outlives them
  thread_local std::array<std::unique_ptr<stream>, names.size()> all;
  std::unique_ptr<stream>& here = all.at(number);
  if (!here) here = made_for(number);
  return *here;
}

} // namespace

stream& standard_input() {
  return standard(STDIN_FILENO);
}

stream& standard_output() {
  return standard(STDOUT_FILENO);
}

stream& standard_error() {
  return standard(STDERR_FILENO);
}

} // namespace greenroom
