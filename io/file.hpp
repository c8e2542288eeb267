#pragma once

#include <greenroom/io/stream.hpp>

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom {

struct file_options {
  bool read = true;
  bool write = false;
  bool append = false;       ///< each write goes to the end; implies `write`
  bool create = false;       ///< when there is none
  bool exclusive = false;    ///< with `create`: there must be none
  bool truncate = false;     ///< what was there is dropped
  mode_t permissions = 0666; ///< of one that is created; the umask takes off
};

/// A file on a disk. What the page cache has is read at once, the rest by
/// io_uring; everything else, and what the kernel refuses there, happens on a
/// thread of `thread_pool::shared()`. Only the caller waits.
///
/// Ownership  Owns the descriptor; moved, not copied. A call that runs keeps
///            it: `close` is then carried out at that call's end.
/// Thread     Its hub's thread only.
/// Waits      Every call but `position`, `seek` and those of `stream` that do
///            not. One that runs cannot be broken off: a kill, a timeout or a
///            deadline counts until a thread, or the ring, has taken it.
/// Errors     Both forms; the thrown text names the file. `errc::busy`: reading
///            and writing in sequence is for one greenlet at a time, for they
///            share one position; `read_at` and `write_at` are for any number.
///            Pipes, terminals and sockets are refused: `pipe_stream`.
/// Note       Each write costs a trip to a thread (about 10 us): write much at
///            a time.
/// Source     Rust's OpenOptions; gevent's FileObjectThread; preadv2(2) with
///            RWF_NOWAIT; io_uring(7).
///
///     file log = file::open("service.log", {.append = true, .create = true});
///     log.write("started\n");
///     std::string text = read_file("/etc/hostname");
class file : public stream {
public:
  static file open(const std::string& path, file_options options = {},
                   deadline until = {});
  static file open(const std::string& path, file_options options,
                   deadline until, std::error_code& failed);

  /// Not open.
  file();
  file(file&&) noexcept;
  file& operator=(file&&) noexcept;
  ~file() override;

  /// What is there from `offset` on, up to what `into` holds; 0 at the end.
  std::size_t read_at(std::uint64_t offset, std::span<char> into,
                      deadline until = {});
  std::size_t read_at(std::uint64_t offset, std::span<char> into,
                      deadline until, std::error_code& failed);

  /// Writes everything, to `offset` on; returns how much was written.
  void write_at(std::uint64_t offset, std::string_view bytes,
                deadline until = {});
  std::size_t write_at(std::uint64_t offset, std::string_view bytes,
                       deadline until, std::error_code& failed);

  /// Where the next read or write in sequence begins.
  std::uint64_t position() const;
  void seek(std::uint64_t to);

  std::uint64_t size(deadline until = {}) const;
  void truncate(std::uint64_t size, deadline until = {});
  /// Returns when what was written is on the disk (fdatasync(2)).
  void sync(deadline until = {});

  /// Nothing: a file has no other side.
  void shutdown_write() override {}
  void close() override;
  bool is_open() const override;
  /// Its path.
  std::string peer_name() const override;
  /// -1 when closed.
  int native_handle() const;

private:
  struct core;
  explicit file(std::shared_ptr<core> made);

  template <class Function>
  auto ask(const char* what, deadline until, Function function) const;

  std::size_t receive(std::span<char> into, std::size_t at_least,
                      const transfer& how) final;
  std::size_t send(std::span<const std::string_view> parts,
                   const transfer& how) final;

  std::shared_ptr<core> core_; // never null, but when moved from
};

/// The whole of a file, read by one trip to a thread.
std::string read_file(const std::string& path, deadline until = {});
std::string read_file(const std::string& path, deadline until,
                      std::error_code& failed);

/// Makes it hold `bytes`, and nothing else. Not all at once: who reads it
/// meanwhile sees a part.
void write_file(const std::string& path, std::string_view bytes,
                deadline until = {});
void write_file(const std::string& path, std::string_view bytes, deadline until,
                std::error_code& failed);

} // namespace greenroom
