#include "socket_core.hpp"

#include <greenroom/hub/greenlet.hpp>

#include <zmq.h>

#include <algorithm>
#include <utility>

namespace greenroom::zmq {
namespace {

using namespace std::chrono_literals;

constexpr int linger_unless_set = 1000; // milliseconds
// libzmq does not tell that one of many peers has room again.
constexpr auto vague_pause = 10ms;

bool is_vague(socket_type kind) {
  return kind == socket_type::router || kind == socket_type::stream ||
         kind == socket_type::pub || kind == socket_type::xpub;
}

/// Some calls return -1 without having waited, for a signal.
template <class Function>
int retried(Function function) {
  int status;
  do
    status = function();
  while (status < 0 && zmq_errno() == EINTR);
  return status;
}

} // namespace

socket::core::core(const context& in, socket_type of)
    : runnable(&take_turn), hub_end_link(&hub_ended), kind(of),
      home_(hub::current()), home_address_(home_.address()),
      vague_(is_vague(of)), context_(in),
      handle_(zmq_socket(in.native(), static_cast<int>(of))) {
  if (!handle_) throw_last("zmq::socket of type " + std::string(name_of(of)));
  zmq_setsockopt(handle_, ZMQ_LINGER, &linger_unless_set,
                 sizeof linger_unless_set);
  home_.add_end_link(*this);
}

socket::core::~core() {
  close();
}

void socket::core::let_go() {
  if (home_address_.is_here())
    close();
  else // at that hub's end it is closed by itself
    post_to(home_address_, [self = shared_from_this()] { self->close(); });
}

void socket::core::close() {
  if (!handle_) return;
  home_.remove_end_link(*this);
  end();
  readers_.wake_all();
  writers_.wake_all();
}

/// The descriptor is libzmq's own: the loop must have forgotten it before the
/// socket ends.
void socket::core::end() {
  if (signals_) signals_->release();
  signals_.reset();
  zmq_close(std::exchange(handle_, nullptr));
  if (queued_) home_.take_back(*this);
  queued_ = false;
  context_.reset();
}

/// Who waits now is abandoned.
void socket::core::hub_ended(hub_end_link& self) noexcept {
  static_cast<core&>(self).end();
}

void* socket::core::checked_handle(const char* what) const {
  home_.check_thread("a zmq::socket");
  if (!handle_) throw_error(greenroom::errc::closed, named(what));
  return handle_;
}

std::string socket::core::named(const char* call) const {
  return std::string(call) + " on " + std::string(name_of(kind)) + " socket" +
         (endpoint.empty() ? "" : " " + endpoint);
}

// --- operations -------------------------------------------------------------

/// What was not done at once. Others may close the socket, and destroy it.
void socket::core::finish(int status, const operation& of, deadline until,
                          std::error_code& failed) {
  const auto kept = shared_from_this();
  if (status == turn_over) {
    yield();
    status = handle_ ? of.what(handle_, of.argument) : ENOTSOCK;
    if (status != EAGAIN) touched();
  }
  if (status == EAGAIN) status = wait_for(of, until);
  failed.clear();
  if (status == EAGAIN)
    failed = greenroom::errc::timed_out;
  else if (status != 0)
    failed = code_of(status);
}

void socket::core::finish(int status, const operation& of, deadline until,
                          const char* call) {
  const auto kept = shared_from_this();
  std::error_code failed;
  finish(status, of, until, failed);
  if (failed) throw std::system_error(failed, named(call));
}

/// Here the commands for the socket are seen to: a receive that finds nothing
/// has done that, a send has not.
int socket::core::try_again(const operation& of) {
  if (!handle_) return ENOTSOCK;
  if (of.sending) events();
  return of.what(handle_, of.argument);
}

bool socket::core::operate_now(bool sending, attempt what, void* argument) {
  home_.check_thread("a zmq::socket");
  int status = handle_ ? what(handle_, argument) : ENOTSOCK;
  if (status == EAGAIN && sending)
    status = try_again({sending, what, argument});
  touched();
  if (status != 0 && status != EAGAIN)
    throw std::system_error(code_of(status),
                            named(sending ? "try_send" : "try_receive"));
  return status == 0;
}

/// When nobody is left waiting, the descriptor rests.
struct socket::core::waiting {
  explicit waiting(core& socket) : on(socket) {}
  waiting(const waiting&) = delete;
  waiting& operator=(const waiting&) = delete;
  ~waiting() {
    if (!on.somebody_waits()) on.rest();
  }
  core& on;
};

int socket::core::wait_for(const operation& of, deadline until) {
  const waiting here{*this};
  const auto limit = of.sending ? send_timeout : receive_timeout;
  if (until.is_never() && limit > 0s) until = deadline{limit};
  int status = of.sending ? try_again(of) : EAGAIN;
  bool in_time = true;
  for (bool again = false; status == EAGAIN && in_time; again = true) {
    if (somebody_waits())
      look_later(); // what was tried may have hidden it from them
    else
      watch();
    in_time = wait_turn(of.sending, until, again);
    status = try_again(of);
  }
  touched();
  return status;
}

bool socket::core::wait_turn(bool sending, deadline until, bool again) {
  wait_list& mine = sending ? writers_ : readers_;
  const char* what = sending ? "zmq::socket::send" : "zmq::socket::receive";
  if (!sending || !vague_) return mine.wait_turn(until, what, this, again);
  mine.wait_turn(std::min(until, deadline{vague_pause}), what, this, again);
  return until > deadline{now()};
}

// --- waking -----------------------------------------------------------------

int socket::core::events() const {
  int found = 0;
  std::size_t size = sizeof found;
  retried([&] { return zmq_getsockopt(handle_, ZMQ_EVENTS, &found, &size); });
  return found;
}

/// Who waits alone may as well find out by trying.
int socket::core::likely_events() const {
  if (writers_.empty()) return ZMQ_POLLIN;
  if (readers_.empty() && !vague_) return ZMQ_POLLOUT;
  return events();
}

/// One of each direction: what it leaves is the next one's, which is looked at
/// when it has had its turn.
void socket::core::look(bool signalled) {
  if (!handle_ || !somebody_waits()) return;
  const int found = signalled ? likely_events() : events();
  bool woken = (found & ZMQ_POLLIN) && readers_.wake_one();
  if (!vague_)
    woken |= (found & ZMQ_POLLOUT) && writers_.wake_one();
  else if (signalled)
    writers_.wake_all();
  if (!somebody_waits()) return;
  woken ? look_later() : watch();
}

void socket::core::look_later() {
  if (queued_) return;
  queued_ = true;
  home_.make_ready(*this);
}

void socket::core::take_turn(runnable& step) {
  auto& self = static_cast<core&>(step);
  self.queued_ = false;
  self.look(false);
}

void socket::core::watch() {
  if (watching_) return;
  if (!signals_) {
    int number = -1;
    std::size_t size = sizeof number;
    zmq_getsockopt(handle_, ZMQ_FD, &number, &size);
    signals_.emplace(home_.context().get_executor(), number);
  }
  watching_ = true;
  signals_->async_wait(descriptor::wait_read,
                       [self = shared_from_this()](std::error_code failed) {
                         self->watching_ = false;
                         self->look(!failed);
                       });
}

/// So that the hub knows that nothing can end a wait, if that is so.
void socket::core::rest() {
  if (!watching_ || !signals_) return;
  std::error_code ignored;
  signals_->cancel(ignored);
}

bool socket::core::ready(bool sending) {
  home_.check_thread("a zmq::socket");
  return !handle_ || (events() & (sending ? ZMQ_POLLOUT : ZMQ_POLLIN));
}

/// Somebody is going to stand here.
wait_list& socket::core::watchers(bool sending) {
  if (handle_) look_later();
  return sending ? writers_ : readers_;
}

} // namespace greenroom::zmq
