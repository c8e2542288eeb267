#include "socket_bio.hpp"

#include "../turn.hpp"

#include <greenroom/hub/greenlet.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace greenroom {
namespace {

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

} // namespace

/// What OpenSSL calls.
struct socket_bio::method {
  static socket_bio& self(BIO* bio) {
    return *static_cast<socket_bio*>(BIO_get_data(bio));
  }

  static int read(BIO* bio, char* into, int bytes) {
    return self(bio).read(bio, {into, static_cast<std::size_t>(bytes)});
  }

  static int write(BIO* bio, const char* from, int bytes) {
    return self(bio).write(bio, {from, static_cast<std::size_t>(bytes)});
  }

  static long control(BIO* bio, int command, long, void*) {
    switch (command) {
    case BIO_CTRL_EOF:
      return self(bio).ended_;
    case BIO_CTRL_FLUSH:
      return 1;
    default:
      return 0;
    }
  }

  static BIO_METHOD* make() {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
                                    "greenroom socket");
    if (!made) throw std::bad_alloc();
    BIO_meth_set_read(made, &read);
    BIO_meth_set_write(made, &write);
    BIO_meth_set_ctrl(made, &control);
    return made;
  }
};

bio_ptr socket_bio::make() {
  static const BIO_METHOD* const shared = method::make();
  bio_ptr made{BIO_new(shared)};
  if (made) {
    BIO_set_data(made.get(), this);
    BIO_set_init(made.get(), 1);
  }
  return made;
}

int socket_bio::read(BIO* bio, std::span<char> into) {
  BIO_clear_retry_flags(bio);
  if (taken_ < came_) return static_cast<int>(take(into));
  if (waiting_) { // what comes first is on its way
    BIO_set_retry_read(bio);
    return -1;
  }
  ssize_t got = 0;
  do {
    got =
        ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  dry_ = got < static_cast<ssize_t>(into.size());
  if (got < 0 && would_block())
    BIO_set_retry_read(bio);
  else if (got < 0)
    error_.assign(errno, std::system_category());
  ended_ = got == 0;
  return static_cast<int>(got);
}

std::size_t socket_bio::take(std::span<char> into) {
  const std::size_t bytes = std::min(into.size(), came_ - taken_);
  std::memcpy(into.data(), first_.data() + taken_, bytes);
  taken_ += bytes;
  return bytes;
}

void socket_bio::wait_for_input(deadline until, std::error_code& failed) {
  failed.clear();
  if (taken_ < came_) return yield(); // OpenSSL has not looked at it
  const turn mine{waiting_};
  const std::size_t bytes = socket_.read_some(first_, until, failed);
  if (failed) return;
  taken_ = 0;
  came_ = bytes;
  dry_ = bytes < first_.size();
  ended_ = bytes == 0;
}

int socket_bio::write(BIO* bio, std::string_view bytes) {
  BIO_clear_retry_flags(bio);
  const std::size_t sent = flush() ? send_now(bytes) : 0;
  if (error_) return -1;
  if (sent == bytes.size() || keep(bytes.substr(sent)))
    return static_cast<int>(bytes.size());
  if (error_) return -1;
  if (sent == 0) BIO_set_retry_write(bio);
  return sent == 0 ? -1 : static_cast<int>(sent);
}

/// Only so much: a peer that lets us write and does not read must not fill the
/// memory.
bool socket_bio::keep(std::string_view bytes) {
  constexpr std::size_t most = 64 * 1024;
  if (kept_.size() + bytes.size() > most) return false;
  try {
    kept_.append(bytes);
  } catch (const std::bad_alloc&) { // OpenSSL would not survive it
    error_ = std::make_error_code(std::errc::not_enough_memory);
    return false;
  }
  return true;
}

bool socket_bio::flush() {
  if (kept_.empty()) return true;
  kept_.erase(0, send_now(kept_));
  if (!kept_.empty()) return false;
  kept_.shrink_to_fit();
  return true;
}

std::size_t socket_bio::send_now(std::string_view bytes) {
  ssize_t sent = 0;
  do {
    sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(),
                  MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (!would_block()) error_.assign(errno, std::system_category());
  return 0;
}

} // namespace greenroom
