#include <greenroom/io/file.hpp>

#include "descriptor_calls.hpp"
#include "file_ring.hpp"
#include "owned_descriptor.hpp"
#include "turn.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/thread_pool.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <optional>
#include <utility>

namespace greenroom {

struct file::core {
  std::shared_ptr<const owned_descriptor> opened(std::error_code& failed) const;
  std::size_t read(std::uint64_t offset, std::span<char> into, deadline until,
                   std::error_code& failed);
  std::size_t read_full(std::uint64_t offset, std::span<char> into,
                        deadline until, std::error_code& failed);
  std::optional<std::size_t> read_cached(int from, std::uint64_t offset,
                                         std::span<char> into,
                                         std::error_code& failed);
  std::size_t write(std::uint64_t offset, std::string_view bytes,
                    deadline until, std::error_code& failed);

  // Null: closed. Really so when the last call that uses it is over.
  std::shared_ptr<const owned_descriptor> open;
  std::string path;
  std::uint64_t position = 0;
  bool busy = false;           // somebody reads or writes in sequence
  bool tells_cached = true;    // the file system does
  unsigned reads_in_a_row = 0; // that did not wait
};

namespace {

constexpr unsigned most_reads_in_a_row = 16;

/// What a system call returned, as a size; sets `failed` below 0.
std::size_t checked(ssize_t count, std::error_code& failed) {
  failed = count < 0 ? last_error() : std::error_code();
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

bool is_too_far(std::uint64_t offset, std::error_code& failed) {
  constexpr std::uint64_t longest = std::numeric_limits<off_t>::max();
  if (offset > longest) failed = std::make_error_code(std::errc::invalid_seek);
  return offset > longest;
}

/// Calls `function(failed)` on a thread.
template <class Function>
auto elsewhere(Function function, deadline until, std::error_code& failed) {
  using result = std::invoke_result_t<Function&, std::error_code&>;
  try {
    return thread_pool::shared().apply([&] { return function(failed); }, until);
  } catch (const std::system_error& error) { // no time, or no thread
    failed = error.code();
    return result();
  }
}

template <class Call>
auto or_throw(const char* what, const std::string& path, Call&& call) {
  std::error_code failed;
  auto done = call(failed);
  if (failed) throw std::system_error(failed, std::string(what) + " " + path);
  return done;
}

int flags_of(const file_options& options) {
  const bool writes = options.write || options.append;
  int flags = O_CLOEXEC | O_NONBLOCK; // the latter for a pipe's other end
  flags |= options.read && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY;
  if (options.append) flags |= O_APPEND;
  if (options.create) flags |= O_CREAT;
  if (options.exclusive) flags |= O_EXCL;
  if (options.truncate) flags |= O_TRUNC;
  return flags;
}

/// -1 when that failed.
int open_here(const std::string& path, const file_options& options,
              std::error_code& failed) {
  failed.clear();
  const int opened =
      ::open(path.c_str(), flags_of(options), options.permissions);
  if (opened < 0) {
    failed = last_error();
    return -1;
  }
  struct stat what {};
  ::fstat(opened, &what);
  if (!S_ISFIFO(what.st_mode) && !S_ISSOCK(what.st_mode) && !::isatty(opened))
    return opened;
  ::close(opened);
  failed = std::make_error_code(std::errc::not_supported);
  return -1;
}

/// All of it, at `offset`, or at the end of a file open for appending.
std::size_t write_here(int to, std::uint64_t offset, std::string_view bytes,
                       std::error_code& failed) {
  std::size_t written = 0;
  failed.clear();
  while (written < bytes.size() && !failed) {
    const std::string_view rest = bytes.substr(written);
    written += checked(::pwrite(to, rest.data(), rest.size(),
                                static_cast<off_t>(offset + written)),
                       failed);
    if (failed == std::errc::interrupted) failed.clear();
  }
  return written;
}

std::size_t read_here(int from, std::uint64_t offset, std::span<char> into,
                      std::error_code& failed) {
  for (;;) {
    const std::size_t bytes = checked(
        ::pread(from, into.data(), into.size(), static_cast<off_t>(offset)),
        failed);
    if (failed != std::errc::interrupted) return bytes;
  }
}

/// To its end, wherever that is: what the system makes up has no size.
std::string read_to_end(int from, std::error_code& failed) {
  constexpr std::size_t least = 4096; // bytes
  struct stat what {};
  ::fstat(from, &what);
  std::string text;
  std::size_t filled = 0;
  text.resize(static_cast<std::size_t>(what.st_size) + least);
  while (const std::size_t bytes =
             read_here(from, filled, std::span(text).subspan(filled), failed)) {
    filled += bytes;
    if (filled == text.size()) text.resize(2 * filled);
  }
  text.resize(filled);
  return text;
}

} // namespace

// --- file::core -------------------------------------------------------------

std::shared_ptr<const owned_descriptor>
file::core::opened(std::error_code& failed) const {
  failed.clear();
  if (!open) failed = errc::closed;
  return open;
}

/// Nothing when that would have to wait for the disk.
std::optional<std::size_t> file::core::read_cached(int from,
                                                   std::uint64_t offset,
                                                   std::span<char> into,
                                                   std::error_code& failed) {
  if (!tells_cached) return std::nullopt;
  const iovec part{into.data(), into.size()};
  const ssize_t count =
      ::preadv2(from, &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (count < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
    tells_cached = false;
    return std::nullopt;
  }
  return checked(count, failed);
}

std::size_t file::core::read(std::uint64_t offset, std::span<char> into,
                             deadline until, std::error_code& failed) {
  const auto kept = opened(failed); // it may be closed while we wait
  if (failed || is_too_far(offset, failed)) return 0;
  if (const auto bytes = read_cached(kept->get(), offset, into, failed)) {
    if (++reads_in_a_row % most_reads_in_a_row == 0) yield();
    return *bytes;
  }
  if (tells_cached) // else the ring would need a thread of its own
    if (const auto bytes = read_by_ring(kept->get(), offset, into))
      return *bytes;
  return elsewhere(
      [&](std::error_code& why) {
        return read_here(kept->get(), offset, into, why);
      },
      until, failed);
}

/// A single read ends where the page cache does.
std::size_t file::core::read_full(std::uint64_t offset, std::span<char> into,
                                  deadline until, std::error_code& failed) {
  std::size_t filled = 0;
  do {
    const std::size_t bytes =
        read(offset + filled, into.subspan(filled), until, failed);
    filled += bytes;
    if (bytes == 0) break; // the end
  } while (filled < into.size());
  return filled;
}

std::size_t file::core::write(std::uint64_t offset, std::string_view bytes,
                              deadline until, std::error_code& failed) {
  const auto kept = opened(failed);
  if (failed || bytes.empty() || is_too_far(offset, failed)) return 0;
  return elsewhere(
      [&](std::error_code& why) {
        return write_here(kept->get(), offset, bytes, why);
      },
      until, failed);
}

// --- file -------------------------------------------------------------------

file::file() : core_(std::make_shared<core>()) {
}
file::file(std::shared_ptr<core> made) : core_(std::move(made)) {
}
file::file(file&&) noexcept = default;

file& file::operator=(file&& other) noexcept {
  if (this != &other) {
    if (core_) close();
    core_ = std::move(other.core_);
  }
  return *this;
}

file::~file() {
  if (core_) close();
}

file file::open(const std::string& path, file_options options, deadline until) {
  std::error_code failed;
  file made = open(path, options, until, failed);
  if (failed) throw std::system_error(failed, "open " + path);
  return made;
}

file file::open(const std::string& path, file_options options, deadline until,
                std::error_code& failed) {
  auto made = std::make_shared<core>();
  made->path = path;
  made->open = elsewhere(
      [&](std::error_code& why) {
        const int opened = open_here(path, options, why);
        return why ? nullptr : std::make_shared<const owned_descriptor>(opened);
      },
      until, failed);
  return file{std::move(made)};
}

std::size_t file::receive(std::span<char> into, std::size_t at_least,
                          const transfer& how) {
  const auto here = core_;
  how.failed.clear();
  if (here->busy) how.failed = errc::busy;
  std::size_t filled = 0;
  if (!how.failed && !into.empty()) {
    const turn mine{here->busy};
    do {
      const std::size_t bytes = here->read(here->position, into.subspan(filled),
                                           how.until, how.failed);
      filled += bytes;
      here->position += bytes;
      if (bytes == 0) break; // the end
    } while (!how.failed && filled < at_least);
    if (!how.failed && filled < at_least) how.failed = errc::closed;
  }
  if (how.failed && how.who) *how.who = here->path;
  return filled;
}

std::size_t file::send(std::span<const std::string_view> parts,
                       const transfer& how) {
  const auto here = core_;
  how.failed.clear();
  if (here->busy) how.failed = errc::busy;
  std::size_t written = 0;
  if (!how.failed) {
    const turn mine{here->busy};
    std::string whole;
    for (const std::string_view part : parts)
      if (parts.size() > 1) whole += part;
    const std::string_view bytes = parts.size() == 1 ? parts.front() : whole;
    written = here->write(here->position, bytes, how.until, how.failed);
    here->position += written;
  }
  if (how.failed && how.who) *how.who = here->path;
  return written;
}

std::size_t file::read_at(std::uint64_t offset, std::span<char> into,
                          deadline until) {
  const auto here = core_;
  return or_throw("read from", here->path, [&](std::error_code& failed) {
    return here->read_full(offset, into, until, failed);
  });
}

std::size_t file::read_at(std::uint64_t offset, std::span<char> into,
                          deadline until, std::error_code& failed) {
  const auto here = core_;
  return here->read_full(offset, into, until, failed);
}

void file::write_at(std::uint64_t offset, std::string_view bytes,
                    deadline until) {
  const auto here = core_;
  or_throw("write to", here->path, [&](std::error_code& failed) {
    return here->write(offset, bytes, until, failed);
  });
}

std::size_t file::write_at(std::uint64_t offset, std::string_view bytes,
                           deadline until, std::error_code& failed) {
  const auto here = core_;
  return here->write(offset, bytes, until, failed);
}

std::uint64_t file::position() const {
  return core_->position;
}

void file::seek(std::uint64_t to) {
  core_->position = to;
}

template <class Function>
auto file::ask(const char* what, deadline until, Function function) const {
  const auto here = core_;
  return or_throw(what, here->path, [&](std::error_code& failed) {
    const auto kept = here->opened(failed);
    using result = std::invoke_result_t<Function&, int, std::error_code&>;
    if (failed) return result();
    return elsewhere(
        [&](std::error_code& why) { return function(kept->get(), why); }, until,
        failed);
  });
}

std::uint64_t file::size(deadline until) const {
  return ask("size of", until, [](int of, std::error_code& failed) {
    struct stat what {};
    checked(::fstat(of, &what), failed);
    return static_cast<std::uint64_t>(what.st_size);
  });
}

void file::truncate(std::uint64_t size, deadline until) {
  ask("truncate", until, [size](int which, std::error_code& failed) {
    if (is_too_far(size, failed)) return std::size_t{0};
    return checked(::ftruncate(which, static_cast<off_t>(size)), failed);
  });
}

void file::sync(deadline until) {
  ask("sync", until, [](int which, std::error_code& failed) {
    return checked(::fdatasync(which), failed);
  });
}

void file::close() {
  core_->open.reset();
}

std::string file::peer_name() const {
  return core_ && !core_->path.empty() ? core_->path : "a file";
}

bool file::is_open() const {
  return core_ && core_->open;
}

int file::native_handle() const {
  return core_->open ? core_->open->get() : -1;
}

// --- whole files ------------------------------------------------------------

std::string read_file(const std::string& path, deadline until) {
  return or_throw("read", path, [&](std::error_code& failed) {
    return read_file(path, until, failed);
  });
}

std::string read_file(const std::string& path, deadline until,
                      std::error_code& failed) {
  return elsewhere(
      [&](std::error_code& why) {
        const int opened = open_here(path, {}, why);
        if (why) return std::string();
        const owned_descriptor at_end{opened};
        return read_to_end(opened, why);
      },
      until, failed);
}

void write_file(const std::string& path, std::string_view bytes,
                deadline until) {
  std::error_code failed;
  write_file(path, bytes, until, failed);
  if (failed) throw std::system_error(failed, "write " + path);
}

void write_file(const std::string& path, std::string_view bytes, deadline until,
                std::error_code& failed) {
  elsewhere(
      [&](std::error_code& why) {
        const int opened = open_here(
            path,
            {.read = false, .write = true, .create = true, .truncate = true},
            why);
        if (why) return std::size_t{0};
        const owned_descriptor at_end{opened};
        return write_here(opened, 0, bytes, why);
      },
      until, failed);
}

} // namespace greenroom
