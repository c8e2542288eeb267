#pragma once

#include <greenroom/inproc/socket_base.hpp>

namespace greenroom::inproc {

/// Deals messages out to `pull` sockets: to each peer that has room in turn.
///
/// Ownership  A message is moved, never copied: from the caller to its place in
///            the connection, from there to who receives it.
/// Thread     Its hub's only (`wrong_hub`), as its peers'.
/// Waits      `send`, while all peers are at their high-water mark or there is
///            none. Any number of greenlets, served oldest first. Who never has
///            to wait lets others run at times.
/// Errors     Both forms: `greenroom::errc::timed_out`, `closed`. A kill or
///            timeout loses no message.
/// Source     ZMQ_PUSH.
///
///     inproc::push<job> jobs;
///     jobs.bind("inproc://jobs");
///     jobs.send(job{42});
template <transferable Message>
class push : public sending<push<Message>, Message> {
public:
  using message_type = Message;

  push()
      : push::sending(
            socket_core::profile_of<socket_type::push, Message, nothing>()) {}

private:
  friend class sending<push, Message>;

  static bool put(socket_core& core, Message& message, std::error_code*) {
    lane_base* const to = core.writable.front();
    if (to) push::add(*to, std::move(message));
    return to;
  }
};

/// Takes what `push` sockets deal out: from each peer that has something in
/// turn.
///
/// Ownership  A message is moved out once. What was not received when it closes
///            goes to whom the endpoint is bound next, if it was bound, else it
///            is gone and counted by its sender (`dropped`).
/// Thread     Its hub's only (`wrong_hub`).
/// Waits      `receive`, as `push::send`.
/// Errors     As those of `push`.
/// Source     ZMQ_PULL.
///
///     inproc::pull<job> jobs;
///     jobs.connect("inproc://jobs");
///     for (;;) work(jobs.receive());
template <transferable Message>
class pull : public receiving<pull<Message>, Message> {
public:
  using message_type = Message;

  pull()
      : pull::receiving(
            socket_core::profile_of<socket_type::pull, nothing, Message>()) {}

private:
  friend class receiving<pull, Message>;

  static lane_base* next(socket_core& core, std::error_code*) {
    return core.readable.front();
  }
  static Message take_from(socket_core& core, lane_base& from) {
    return pull::template take<Message>(core, from);
  }
};

} // namespace greenroom::inproc
