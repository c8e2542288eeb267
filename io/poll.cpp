#include <greenroom/io/poll.hpp>

#include "descriptor_calls.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/asio.hpp>

#include <asio/posix/basic_stream_descriptor.hpp>

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

namespace greenroom {
namespace {

using entries = std::span<pollfd>;

/// The bits of poll(2) are those of epoll(7).
std::uint32_t bits(short events) {
  return static_cast<unsigned short>(events);
}

std::size_t count_ready(entries all) {
  return static_cast<std::size_t>(std::ranges::count_if(
      all, [](const pollfd& each) { return each.revents != 0; }));
}

/// An epoll instance of its own for each wait: Asio has one place for each
/// descriptor, which may be taken, and would have to be told of its end.
class epoll_set {
public:
  epoll_set() : epoll_(hub::current().context().get_executor()) {}

  void open(entries all, std::error_code& failed);
  /// Until one is ready. May come back early.
  void wait(deadline until, std::error_code& failed) {
    epoll_.async_wait(decltype(epoll_)::wait_read,
                      use_greenlet[failed].until(until));
  }
  void cancel() {
    std::error_code ignored; // it is not waited on
    epoll_.cancel(ignored);
  }
  void collect(entries all, std::error_code& failed);

private:
  void add(entries all, const pollfd& entry, std::error_code& failed);

  asio::posix::basic_stream_descriptor<asio::io_context::executor_type> epoll_;
};

void epoll_set::open(entries all, std::error_code& failed) {
  const int made = epoll_create1(EPOLL_CLOEXEC);
  if (made < 0) {
    failed = last_error();
    return;
  }
  epoll_.assign(made, failed);
  if (failed) {
    ::close(made);
    return;
  }
  for (const pollfd& each : all)
    if (each.fd >= 0 && !failed) add(all, each, failed);
}

/// One descriptor may stand in several entries.
void epoll_set::add(entries all, const pollfd& entry, std::error_code& failed) {
  const int epoll = epoll_.native_handle();
  epoll_event event{};
  event.data.fd = entry.fd;
  event.events = bits(entry.events);
  int status = epoll_ctl(epoll, EPOLL_CTL_ADD, entry.fd, &event);
  if (status != 0 && errno == EEXIST) {
    for (const pollfd& each : all)
      if (each.fd == entry.fd) event.events |= bits(each.events);
    status = epoll_ctl(epoll, EPOLL_CTL_MOD, entry.fd, &event);
  }
  // A regular file is ready, unless it is asked for what it never is.
  if (status != 0 && errno != EPERM) failed = last_error();
}

/// Tells of the files that were open when the wait began: their numbers may be
/// those of others by now.
void epoll_set::collect(entries all, std::error_code& failed) {
  std::vector<epoll_event> ready(std::max<std::size_t>(1, all.size()));
  const int count = epoll_wait(epoll_.native_handle(), ready.data(),
                               static_cast<int>(ready.size()), 0);
  if (count < 0) failed = last_error();
  ready.resize(static_cast<std::size_t>(std::max(0, count)));
  const auto number = [](const epoll_event& event) { return event.data.fd; };
  std::ranges::sort(ready, {}, number);
  for (pollfd& each : all) {
    const auto found = std::ranges::lower_bound(ready, each.fd, {}, number);
    if (found == ready.end() || found->data.fd != each.fd) continue;
    each.revents = static_cast<short>(
        found->events & (bits(each.events) | EPOLLERR | EPOLLHUP));
  }
}

/// One call, in its frame; found by `close_descriptor`.
class polling {
public:
  explicit polling(entries of) : all_(of), next_(first) {
    if (next_) next_->previous_ = this;
    first = this;
    for (pollfd& each : all_)
      each.revents = 0;
  }
  polling(const polling&) = delete;
  polling& operator=(const polling&) = delete;
  ~polling() {
    (previous_ ? previous_->next_ : first) = next_;
    if (next_) next_->previous_ = previous_;
  }

  std::size_t run(deadline until, std::error_code& failed);
  bool closed() const { return closed_; }

  static void close(int descriptor) {
    for (polling* each = first; each; each = each->next_)
      each->lose(descriptor);
  }

private:
  bool look(std::error_code& failed);
  void wait(deadline until, std::error_code& failed);
  void lose(int descriptor);

  static constinit thread_local polling* first; // of those of this hub

  entries all_;
  bool closed_ = false; // some, which have POLLNVAL
  epoll_set* waiting_ = nullptr;
  polling* previous_ = nullptr;
  polling* next_;
};

constinit thread_local polling* polling::first = nullptr;

std::size_t polling::run(deadline until, std::error_code& failed) {
  failed.clear();
  yield();
  if (!closed_ && !look(failed) && !failed && until > deadline{now()})
    wait(until, failed);
  return failed ? 0 : count_ready(all_);
}

/// True when there is something to tell.
bool polling::look(std::error_code& failed) {
  const int found = ::poll(all_.data(), all_.size(), 0);
  if (found < 0) failed = last_error();
  return found > 0;
}

/// Several may be woken for what one of them takes: the others wait again.
void polling::wait(deadline until, std::error_code& failed) {
  epoll_set set;
  set.open(all_, failed);
  waiting_ = &set;
  bool over = false;
  while (!failed && !over) {
    set.wait(until, failed);
    if (failed == errc::timed_out || failed == asio::error::operation_aborted)
      failed.clear();
    if (!failed && !closed_) set.collect(all_, failed);
    over = closed_ || count_ready(all_) > 0 || until <= deadline{now()};
  }
}

void polling::lose(int descriptor) {
  for (pollfd& each : all_) {
    if (each.fd != descriptor) continue;
    each.revents = POLLNVAL;
    closed_ = true;
  }
  if (closed_ && waiting_) waiting_->cancel();
}

/// `closed` tells a POLLNVAL by `close_descriptor` from others.
std::size_t poll_all(entries all, const char* what, deadline until,
                     bool& closed, std::error_code& failed) {
  hub::current().check_wait(what); // or else the list may be of a dead hub
  polling here{all};
  const std::size_t ready = here.run(until, failed);
  closed = here.closed();
  return ready;
}

std::error_code not_open(bool closed) {
  return closed ? make_error_code(errc::closed)
                : std::make_error_code(std::errc::bad_file_descriptor);
}

void wait_for(short events, int descriptor, const char* what, deadline until,
              std::error_code& failed) {
  if (descriptor < 0) { // poll(2) would ignore it
    failed = not_open(false);
    return;
  }
  pollfd entry{descriptor, events, 0};
  bool closed = false;
  const std::size_t ready = poll_all({&entry, 1}, what, until, closed, failed);
  if (failed) return;
  if (entry.revents & POLLNVAL)
    failed = not_open(closed);
  else if (ready == 0)
    failed = errc::timed_out;
}

void throw_if(std::error_code failed, const std::string& what) {
  if (failed) throw std::system_error(failed, what);
}

} // namespace

void wait_readable(int descriptor, deadline until) {
  std::error_code failed;
  wait_readable(descriptor, until, failed);
  throw_if(failed, "wait_readable of " + std::to_string(descriptor));
}

void wait_readable(int descriptor, deadline until, std::error_code& failed) {
  wait_for(POLLIN, descriptor, "wait_readable", until, failed);
}

void wait_writable(int descriptor, deadline until) {
  std::error_code failed;
  wait_writable(descriptor, until, failed);
  throw_if(failed, "wait_writable of " + std::to_string(descriptor));
}

void wait_writable(int descriptor, deadline until, std::error_code& failed) {
  wait_for(POLLOUT, descriptor, "wait_writable", until, failed);
}

std::size_t poll(std::span<pollfd> descriptors, deadline until) {
  std::error_code failed;
  const std::size_t ready = poll(descriptors, until, failed);
  throw_if(failed, "poll");
  return ready;
}

std::size_t poll(std::span<pollfd> descriptors, deadline until,
                 std::error_code& failed) {
  bool closed = false;
  return poll_all(descriptors, "poll", until, closed, failed);
}

// --- select ---------------------------------------------------------------

namespace {

/// One of the three sets.
struct kind {
  fd_set* set;
  short asked;
  short told; // what makes select(2) tell of it

  bool has(int descriptor) const { return set && FD_ISSET(descriptor, set); }
};

using kinds = std::array<kind, 3>;

std::vector<pollfd> asked_for(int count, const kinds& all) {
  std::vector<pollfd> asked;
  for (int descriptor = 0; descriptor < count; ++descriptor) {
    pollfd entry{descriptor, 0, 0};
    for (const kind& each : all)
      if (each.has(descriptor)) entry.events |= each.asked;
    if (entry.events) asked.push_back(entry);
  }
  return asked;
}

/// poll(2) ignores what is negative.
int ignored(int descriptor) {
  return ~descriptor;
}
int number_of(const pollfd& entry) {
  return entry.fd < 0 ? ~entry.fd : entry.fd;
}

bool any_not_open(entries all) {
  return std::ranges::any_of(
      all, [](const pollfd& each) { return each.revents & POLLNVAL; });
}

/// Ready as `all` have it, one for each set.
std::size_t count_told(entries from, const kinds& all) {
  std::size_t found = 0;
  for (const pollfd& entry : from)
    for (const kind& each : all)
      found += (entry.events & each.asked) && (entry.revents & each.told);
  return found;
}

void tell(entries from, const kinds& all) {
  for (const pollfd& entry : from)
    for (const kind& each : all)
      if ((entry.events & each.asked) && !(entry.revents & each.told))
        FD_CLR(number_of(entry), each.set);
}

/// What has hung up, which its sets are not told, would be ready for ever.
void ignore_hung_up(entries all) {
  for (pollfd& each : all)
    if (each.revents) each.fd = ignored(each.fd);
}

} // namespace

std::size_t select(int count, fd_set* readable, fd_set* writable,
                   fd_set* exceptional, deadline until) {
  std::error_code failed;
  const std::size_t ready =
      select(count, readable, writable, exceptional, until, failed);
  throw_if(failed, "select");
  return ready;
}

std::size_t select(int count, fd_set* readable, fd_set* writable,
                   fd_set* exceptional, deadline until,
                   std::error_code& failed) {
  if (count < 0 || count > FD_SETSIZE) {
    failed = std::make_error_code(std::errc::invalid_argument);
    return 0;
  }
  const kinds all{{{readable, POLLIN, POLLIN | POLLHUP | POLLERR},
                   {writable, POLLOUT, POLLOUT | POLLERR},
                   {exceptional, POLLPRI, POLLPRI}}};
  std::vector<pollfd> asked = asked_for(count, all);
  for (;;) {
    bool closed = false;
    const std::size_t ready = poll_all(asked, "select", until, closed, failed);
    if (!failed && any_not_open(asked)) failed = not_open(closed);
    if (failed) return 0;
    const std::size_t told = count_told(asked, all);
    if (told > 0 || ready == 0) {
      tell(asked, all);
      return told;
    }
    ignore_hung_up(asked);
  }
}

void close_descriptor(int descriptor) {
  std::error_code failed;
  close_descriptor(descriptor, failed);
  throw_if(failed, "close_descriptor of " + std::to_string(descriptor));
}

void close_descriptor(int descriptor, std::error_code& failed) {
  failed.clear();
  const hub* here = hub::current_if_any();
  if (here && !here->is_closed()) polling::close(descriptor);
  if (::close(descriptor) != 0) failed = last_error();
}

} // namespace greenroom
