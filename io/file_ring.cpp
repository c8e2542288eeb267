#include "file_ring.hpp"

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/event.hpp>

#include <asio/execution_context.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>

#include <liburing.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace greenroom {
namespace {

constexpr unsigned most_queued = 64;         // that the kernel was not told of
constexpr unsigned most_finished = 1024;     // that we have not looked at
constexpr std::size_t most_bytes = 1u << 30; // a read: a length is 32 bits

/// In the frame of who reads, which stays until the kernel is done with it.
struct pending_read {
  event done;
  int result = 0; // bytes, or an error below 0
};

class file_ring : public asio::execution_context::service {
public:
  using key_type = file_ring;
  inline static asio::execution_context::id id;

  explicit file_ring(asio::execution_context& owner)
      : service(owner), finished_(static_cast<asio::io_context&>(owner)) {
    io_uring_params how{};
    how.flags = IORING_SETUP_CQSIZE;
    how.cq_entries = most_finished;
    if (io_uring_queue_init_params(most_queued, &ring_, &how) != 0) return;
    std::error_code failed;
    finished_.assign(ring_.ring_fd, failed);
    open_ = !failed;
    if (failed) io_uring_queue_exit(&ring_);
  }
  ~file_ring() override = default;

  /// False where there is no ring, or no room.
  bool begin(pending_read& made, int from, std::uint64_t offset,
             std::span<char> into);

private:
  void shutdown() override;
  void submit_soon();
  void submit();
  void watch();
  void take_finished();

  io_uring ring_{};
  asio::posix::stream_descriptor finished_; // borrows the ring's own
  std::size_t running_ = 0;
  bool open_ = false;
  bool is_submitted_soon_ = false;
};

bool file_ring::begin(pending_read& made, int from, std::uint64_t offset,
                      std::span<char> into) {
  io_uring_sqe* entry = open_ ? io_uring_get_sqe(&ring_) : nullptr;
  if (!entry && open_) {
    submit();
    entry = io_uring_get_sqe(&ring_);
  }
  if (!entry) return false;
  const std::size_t bytes = std::min(into.size(), most_bytes);
  io_uring_prep_read(entry, from, into.data(), static_cast<unsigned>(bytes),
                     offset);
  io_uring_sqe_set_data(entry, &made);
  submit_soon();
  return true;
}

/// Together with what others add meanwhile.
void file_ring::submit_soon() {
  if (std::exchange(is_submitted_soon_, true)) return;
  asio::post(finished_.get_executor(), [this] {
    is_submitted_soon_ = false;
    submit();
    if (io_uring_sq_ready(&ring_) > 0) submit_soon(); // no memory, for now
  });
}

void file_ring::submit() {
  const bool was_watching = running_ > 0;
  const int taken = io_uring_submit(&ring_);
  if (taken > 0) running_ += static_cast<std::size_t>(taken);
  if (!was_watching && running_ > 0) watch();
}

void file_ring::watch() {
  finished_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [this](std::error_code failed) {
                         if (failed) return; // the end
                         take_finished();
                         if (running_ > 0) watch();
                       });
}

void file_ring::take_finished() {
  io_uring_cqe* entry = nullptr;
  while (io_uring_peek_cqe(&ring_, &entry) == 0) {
    auto* const read = static_cast<pending_read*>(io_uring_cqe_get_data(entry));
    read->result = entry->res;
    io_uring_cqe_seen(&ring_, entry);
    --running_;
    read->done.set();
  }
}

/// Who reads has been abandoned, with its frame; the kernel must not write
/// there any more when that is gone.
void file_ring::shutdown() {
  if (!open_) return;
  finished_.release();
  io_uring_cqe* entry = nullptr;
  while (running_ > 0) {
    const int failed = io_uring_wait_cqe(&ring_, &entry);
    if (failed == -EINTR) continue;
    if (failed) break;
    io_uring_cqe_seen(&ring_, entry);
    --running_;
  }
  io_uring_queue_exit(&ring_);
}

} // namespace

std::optional<std::size_t> read_by_ring(int from, std::uint64_t offset,
                                        std::span<char> into) {
  hub& here = hub::current();
  here.check_wait("file"); // nothing may throw once the kernel was told
  here.throw_pending();
  pending_read read;
  if (!asio::use_service<file_ring>(here.context())
           .begin(read, from, offset, into))
    return std::nullopt;
  const shield until_done;
  read.done.wait();
  if (read.result < 0) return std::nullopt; // a thread finds out why
  return static_cast<std::size_t>(read.result);
}

} // namespace greenroom
