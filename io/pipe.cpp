#include <greenroom/io/pipe.hpp>

#include "owned_descriptor.hpp"
#include "socket_core.hpp"
#include "unsent.hpp"

#include <asio/buffer.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <string>
#include <system_error>
#include <utility>

namespace greenroom {
namespace {

/// Keeps a SIGPIPE that this thread raises meanwhile from being delivered. One
/// that was pending before stays so.
class no_sigpipe {
public:
  no_sigpipe() {
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::sigemptyset(&only_);
    ::sigaddset(&only_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &only_, &before_);
  }
  no_sigpipe(const no_sigpipe&) = delete;
  no_sigpipe& operator=(const no_sigpipe&) = delete;
  ~no_sigpipe() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  void take_back() const {
    constexpr timespec at_once{};
    if (was_pending_) return;
    while (::sigtimedwait(&only_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }

private:
  sigset_t only_;
  sigset_t before_;
  bool was_pending_ = false;
};

} // namespace

std::size_t write_now(int to, const unsent& rest, std::error_code& failed) {
  const no_sigpipe guard;
  ssize_t written = 0;
  if (rest.is_one_part()) {
    written = ::write(to, rest.front().data(), rest.front().size());
  } else {
    std::array<iovec, 64> parts;
    written = ::writev(to, parts.data(), static_cast<int>(rest.list(parts)));
  }
  if (written >= 0) return static_cast<std::size_t>(written);
  if (errno != EINTR) failed = last_error();
  if (failed == std::errc::broken_pipe) guard.take_back();
  return 0;
}

// --- pipe_stream::core ----------------------------------------------------

/// Shared with the calls that wait on it, which may outlive the stream.
struct pipe_stream::core {
  using asio_descriptor = asio::posix::basic_stream_descriptor<hub_executor>;

  core() : descriptor(hub::current().context().get_executor()) {}

  std::size_t receive(std::span<char> into, std::size_t at_least,
                      deadline until, std::error_code& failed);
  std::size_t send(std::span<const std::string_view> parts, deadline until,
                   std::error_code& failed);
  void close();
  std::string who();

  asio_descriptor descriptor;
  bool reading = false;
  bool writing = false;
  bool ended = false; // read to the end
  unsigned writes = 0;
};

/// A path, if there is one.
std::string pipe_stream::core::who() {
  std::array<char, 256> name;
  const std::string link =
      "/proc/self/fd/" + std::to_string(descriptor.native_handle());
  const ssize_t size = ::readlink(link.c_str(), name.data(), name.size());
  if (size < 1 || name.front() != '/') return "a pipe";
  return {name.data(), static_cast<std::size_t>(size)};
}

std::size_t pipe_stream::core::receive(std::span<char> into,
                                       std::size_t at_least, deadline until,
                                       std::error_code& failed) {
  failed.clear();
  if (reading) failed = errc::busy;
  if (failed) return 0;
  const turn mine{reading};
  return receive_from(descriptor, ended, into, at_least, until, failed);
}

/// Waits by Asio, but writes itself: Asio's writes would raise SIGPIPE.
std::size_t pipe_stream::core::send(std::span<const std::string_view> parts,
                                    deadline until, std::error_code& failed) {
  failed.clear();
  if (writing) failed = errc::busy;
  if (failed) return 0;
  const turn mine{writing};
  if (++writes % writes_in_a_row == 0) yield();
  std::size_t written = 0;
  for (unsent rest{parts}; !rest.empty() && !failed;) {
    const std::size_t bytes =
        write_now(descriptor.native_handle(), rest, failed);
    rest.skip(bytes);
    written += bytes;
    if (is_would_block(failed))
      descriptor.async_wait(asio::posix::descriptor_base::wait_write,
                            use_greenlet[failed].until(until));
    if (was_withdrawn(descriptor, failed)) failed.clear();
  }
  if (failed) failed = explained(descriptor, failed);
  return written;
}

void pipe_stream::core::close() {
  std::error_code ignored; // the descriptor is released all the same
  descriptor.close(ignored);
}

// --- pipe_stream ----------------------------------------------------------

pipe_stream::pipe_stream(std::shared_ptr<core> made) : core_(std::move(made)) {
}
pipe_stream::pipe_stream(pipe_stream&&) noexcept = default;

pipe_stream& pipe_stream::operator=(pipe_stream&& other) noexcept {
  if (this != &other) {
    if (core_) core_->close();
    core_ = std::move(other.core_);
  }
  return *this;
}

pipe_stream::~pipe_stream() {
  if (core_) core_->close();
}

pipe_stream pipe_stream::adopt(int descriptor) {
  auto made = std::make_shared<core>();
  std::error_code failed;
  made->descriptor.assign(descriptor, failed);
  if (failed) throw std::system_error(standard(failed), "adopt a descriptor");
  made->descriptor.native_non_blocking(true, failed);
  if (failed) {
    made->descriptor.release();
    throw std::system_error(standard(failed), "adopt a descriptor");
  }
  return pipe_stream{std::move(made)};
}

std::size_t pipe_stream::receive(std::span<char> into, std::size_t at_least,
                                 const transfer& how) {
  const auto here = core_; // may be closed, and gone, while we wait
  const std::size_t bytes =
      here->receive(into, at_least, how.until, how.failed);
  if (how.failed && how.who) *how.who = here->who();
  return bytes;
}

std::size_t pipe_stream::send(std::span<const std::string_view> parts,
                              const transfer& how) {
  const auto here = core_;
  const std::size_t bytes = here->send(parts, how.until, how.failed);
  if (how.failed && how.who) *how.who = here->who();
  return bytes;
}

void pipe_stream::shutdown_write() {
  const int mode = ::fcntl(native_handle(), F_GETFL);
  if (mode >= 0 && (mode & O_ACCMODE) == O_WRONLY)
    close();
  else
    ::shutdown(native_handle(), SHUT_WR); // nothing, unless it is a socket
}

void pipe_stream::close() {
  core_->close();
}

std::string pipe_stream::peer_name() const {
  return core_ ? core_->who() : "a pipe";
}

bool pipe_stream::is_open() const {
  return core_ && core_->descriptor.is_open();
}

int pipe_stream::native_handle() const {
  return core_->descriptor.native_handle();
}

int pipe_stream::release() {
  return core_->descriptor.release();
}

pipe_ends pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    throw std::system_error(last_error(), "make a pipe");
  owned_descriptor reader{ends[0]};
  owned_descriptor writer{ends[1]};
  return {adopt<pipe_stream>(std::move(reader)),
          adopt<pipe_stream>(std::move(writer))};
}

} // namespace greenroom
