#include <greenroom/io/message_stream.hpp>

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/semaphore.hpp>

#include "turn.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <mutex>
#include <span>
#include <utility>

namespace greenroom {
namespace {

constexpr std::size_t header_size = 4;           // bytes
constexpr std::size_t least_read = 4 * 1024;     // bytes
constexpr std::size_t greatest_read = 64 * 1024; // bytes

using header = std::array<char, header_size>;

header header_of(std::size_t length) {
  header bytes;
  for (std::size_t i = 0; i < header_size; ++i)
    bytes[i] = static_cast<char>(length >> (8 * i));
  return bytes;
}

/// Of a text that begins with a whole header.
std::size_t length_in(std::string_view text) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < header_size; ++i)
    length |= std::size_t{static_cast<unsigned char>(text[i])} << (8 * i);
  return length;
}

} // namespace

struct message_stream::core : std::enable_shared_from_this<core> {
  core(std::unique_ptr<stream> kept, stream& used, std::size_t most)
      : owned(std::move(kept)), through(&used),
        limit(std::min<std::size_t>(
            most, std::numeric_limits<std::uint32_t>::max())) {}

  std::optional<std::string> receive(deadline until, std::error_code& failed);
  std::optional<std::string> cut(std::error_code& failed);
  void fill(deadline until, std::error_code& failed);
  void send(std::string_view message, deadline until, std::error_code& failed);
  void leave_to_writer(std::string unsent);
  void await_writer(deadline until, std::error_code& failed);
  void close();
  void let_go();

  const std::unique_ptr<stream> owned; // or null
  stream* const through;
  const std::size_t limit; // bytes of a message
  bool gone = false;       // and with it, perhaps, a borrowed stream

  // What was read: `buffer` from `taken` to `filled`.
  bool receiving = false;
  std::string buffer;
  std::size_t taken = 0;
  std::size_t filled = 0;
  bool ended = false;

  semaphore sending{1};
  std::string rest;      // of a message whose beginning was sent
  greenlet<void> writer; // sends it, whatever becomes of the sender
  std::error_code broken;
};

// --- receiving --------------------------------------------------------------

std::optional<std::string>
message_stream::core::receive(deadline until, std::error_code& failed) {
  failed.clear();
  if (receiving) failed = errc::busy;
  if (failed) return std::nullopt;
  const turn mine{receiving};
  for (;;) {
    auto message = cut(failed);
    if (message || failed) return message;
    if (gone) failed = errc::closed;
    if (ended && taken < filled) failed = errc::closed;
    if (!ended && !failed) fill(until, failed);
    if (failed || (ended && taken == filled)) return std::nullopt;
  }
}

/// The first message, if it is there in whole.
std::optional<std::string> message_stream::core::cut(std::error_code& failed) {
  const auto text = std::string_view(buffer).substr(taken, filled - taken);
  if (text.size() < header_size) return std::nullopt;
  const std::size_t length = length_in(text);
  if (length > limit) failed = std::make_error_code(std::errc::message_size);
  if (failed || text.size() - header_size < length) return std::nullopt;
  std::string message(text.substr(header_size, length));
  taken += header_size + length;
  return message;
}

/// The buffer grows with what has come, not with what was announced.
void message_stream::core::fill(deadline until, std::error_code& failed) {
  buffer.erase(0, taken);
  filled -= std::exchange(taken, 0);
  if (filled == 0 && buffer.capacity() > greatest_read) buffer = std::string();
  std::size_t wanted = least_read;
  if (filled >= header_size)
    wanted = std::clamp(header_size + length_in(buffer) - filled, least_read,
                        greatest_read);
  buffer.resize(filled + wanted);
  const std::size_t bytes =
      through->read_some({buffer.data() + filled, wanted}, until, failed);
  filled += bytes;
  ended = bytes == 0 && !failed;
}

// --- sending ----------------------------------------------------------------

/// Writes what there is room for at once. What is left a greenlet of its own
/// writes, so that nobody who is killed meanwhile leaves half a message.
void message_stream::core::send(std::string_view message, deadline until,
                                std::error_code& failed) {
  hub::current().check_wait("message_stream::send");
  failed.clear();
  if (message.size() > limit)
    failed = std::make_error_code(std::errc::message_size);
  else if (!sending.acquire(until))
    failed = errc::timed_out;
  if (failed) return;
  const std::unique_lock mine{sending, std::adopt_lock};
  await_writer(until, failed);
  if (!failed && gone) failed = errc::closed;
  if (failed) return;
  const header begin = header_of(message.size());
  const std::array<std::string_view, 2> parts{
      std::string_view{begin.data(), begin.size()}, message};
  std::size_t written = 0;
  {
    const shield guard; // it does not wait, and tells how much was written
    written = through->write(parts, now(), failed);
  }
  if (failed != errc::timed_out) return;
  failed.clear();
  std::string whole;
  whole.append(parts[0]).append(parts[1]);
  leave_to_writer(whole.substr(written));
  await_writer(until, failed);
}

void message_stream::core::leave_to_writer(std::string unsent) {
  rest = std::move(unsent);
  writer = spawn([here = shared_from_this()] {
    std::error_code failed;
    here->broken = errc::closed; // should it be killed
    here->through->write(here->rest, {}, failed);
    here->broken = failed;
  });
}

void message_stream::core::await_writer(deadline until,
                                        std::error_code& failed) {
  const auto awaited = writer; // kept, whatever becomes of the stream
  if (awaited && !awaited.join(until)) {
    failed = errc::timed_out;
    return;
  }
  writer = {};
  rest = {};
  failed = broken;
}

void message_stream::core::close() {
  through->close();
}

/// Its `message_stream` has gone.
void message_stream::core::let_go() {
  gone = true;
  if (owned) owned->close();
  if (writer) writer.kill_soon();
  writer = {}; // it keeps this
}

// --- message_stream ---------------------------------------------------------

message_stream::message_stream(stream& through, std::size_t limit)
    : core_(std::make_shared<core>(nullptr, through, limit)) {
}

message_stream::message_stream(std::unique_ptr<stream> through,
                               std::size_t limit) {
  stream& used = *through;
  core_ = std::make_shared<core>(std::move(through), used, limit);
}

message_stream::message_stream(message_stream&&) noexcept = default;

message_stream& message_stream::operator=(message_stream&& other) noexcept {
  if (this != &other) {
    if (core_) core_->let_go();
    core_ = std::move(other.core_);
  }
  return *this;
}

message_stream::~message_stream() {
  if (core_) core_->let_go();
}

void message_stream::send(std::string_view message, deadline until) {
  std::error_code failed;
  send(message, until, failed);
  if (failed) throw std::system_error(failed, "send a message");
}

void message_stream::send(std::string_view message, deadline until,
                          std::error_code& failed) {
  const auto here = core_;
  here->send(message, until, failed);
}

std::optional<std::string> message_stream::receive(deadline until) {
  std::error_code failed;
  auto message = receive(until, failed);
  if (failed) throw std::system_error(failed, "receive a message");
  return message;
}

std::optional<std::string> message_stream::receive(deadline until,
                                                   std::error_code& failed) {
  const auto here = core_;
  return here->receive(until, failed);
}

void message_stream::shutdown_write() {
  core_->through->shutdown_write();
}

void message_stream::close() {
  core_->close();
}

bool message_stream::is_open() const {
  return core_ && core_->through->is_open();
}

} // namespace greenroom
