#pragma once

#include <greenroom/io/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom {

/// What the stream sockets, `tcp_socket` and `unix_socket`, have in common.
///
/// Ownership  Owns the connection; moved, not copied.
///
/// The rest is as in `stream`. A writer whose peer keeps up never waits; it
/// gives way after 64 writes in a row.
class socket_stream : public stream {
public:
  socket_stream(socket_stream&&) noexcept;
  socket_stream& operator=(socket_stream&&) noexcept;
  ~socket_stream() override;

  /// Sends `bytes` bytes of a file from `offset` on, without a copy through
  /// this process; returns how much was sent: less, where the file ends.
  /// Waits for the peer, as `write` does; for a disk, it blocks the thread.
  /// Source     sendfile(2).
  std::uint64_t send_file(int descriptor, std::uint64_t offset,
                          std::uint64_t bytes, deadline until = {});
  std::uint64_t send_file(int descriptor, std::uint64_t offset,
                          std::uint64_t bytes, deadline until,
                          std::error_code& failed);

  void shutdown_write() override;
  void shutdown_read() override;
  void close() override;
  /// Closes so that a TCP peer gets a reset; unsent bytes are dropped.
  void reset() override;
  bool is_open() const override;
  std::string peer_name() const override;

  /// In bytes, as the system rounds them.
  void set_send_buffer_size(int bytes);
  void set_receive_buffer_size(int bytes);

  // --- for libraries that read and write themselves ------------------------

  /// Waits until a read, or a write, would not block; without one, that is.
  void wait_readable(deadline until, std::error_code& failed);
  void wait_writable(deadline until, std::error_code& failed);

  /// Non-blocking; -1 when closed.
  int native_handle() const;
  /// Gives the descriptor away: the caller closes it. Who waits gets
  /// `errc::closed`.
  int release();

protected:
  struct core;
  explicit socket_stream(std::shared_ptr<core> made);

  core& inner() const { return *core_; }

private:
  friend class socket_listener;

  std::size_t receive(std::span<char> into, std::size_t at_least,
                      const transfer& how) final;
  std::size_t send(std::span<const std::string_view> parts,
                   const transfer& how) final;

  // Shared with the calls that wait; never null, but when moved from.
  std::shared_ptr<core> core_;
};

} // namespace greenroom
