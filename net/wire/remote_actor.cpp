#include <greenroom/wire/remote_actor.hpp>

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/semaphore.hpp>

#include <array>
#include <cstring>
#include <map>
#include <stdexcept>
#include <system_error>

namespace greenroom::wire::inside {
namespace {

/// A request is [number, "", body], and so is its reply. One greenlet reads
/// replies, while there are any to come.
class asking final : public remote_core,
                     public std::enable_shared_from_this<asking> {
public:
  asking(zmq::socket&& over, const remote_options& how)
      : over_(std::move(over)), how_(how),
        places_(static_cast<std::ptrdiff_t>(how.most_asks)) {}

  void ask(std::string body, taker reply, deadline until) override {
    const auto here = shared_from_this(); // it may be closed while we wait
    if (!places_.acquire(until)) throw_error(errc::timed_out, "wire: ask");
    const std::uint64_t number = ++last_;
    asked_.emplace(number, waiting{std::move(reply), how_.reply_within});
    try {
      if (!reading_) start_reading();
      over_.send_multipart({zmq::frame(&number, sizeof number), zmq::frame(),
                            zmq::frame(std::move(body))},
                           until);
    } catch (...) {
      const auto left = asked_.find(number);
      if (left != asked_.end()) take(left);
      throw;
    }
  }

  void close() override { over_.close(); }
  std::size_t asked() const override { return asked_.size(); }
  std::uint64_t dropped() const override { return dropped_; }

private:
  struct waiting {
    taker reply;
    deadline until;
  };

  void start_reading() {
    reading_ = true;
    spawn({.name = "remote_actor"}, [here = shared_from_this()] {
      try {
        here->read_replies();
      } catch (...) { // killed
        here->reading_ = false;
        here->fail_all(errc::closed);
        throw;
      }
      here->reading_ = false;
    });
  }

  void read_replies() {
    while (!asked_.empty()) {
      std::error_code failed;
      const zmq::message frames = over_.receive_multipart(next_end(), failed);
      if (!failed)
        take_reply(frames);
      else if (failed == errc::timed_out)
        give_up_late();
      else
        fail_all(failed);
    }
  }

  deadline next_end() const { return asked_.begin()->second.until; }

  waiting take(std::map<std::uint64_t, waiting>::iterator at) {
    waiting found = std::move(at->second);
    asked_.erase(at);
    places_.release();
    return found;
  }

  void take_reply(const zmq::message& frames) {
    std::uint64_t number = 0;
    const bool shaped = frames.size() == 3 && frames[1].empty() &&
                        frames[0].size() == sizeof number;
    if (shaped) std::memcpy(&number, frames[0].data(), sizeof number);
    const auto found = asked_.find(number);
    if (found == asked_.end()) {
      ++dropped_;
      return;
    }
    const waiting asker = take(found);
    try {
      reader from{frames[2].view(), how_.body};
      read_status(from);
      asker.reply(&from, nullptr);
    } catch (const std::exception&) {
      asker.reply(nullptr, std::current_exception());
    }
  }

  void fail(const waiting& asker, std::error_code why) {
    asker.reply(nullptr,
                std::make_exception_ptr(std::system_error(why, "wire: ask")));
  }
  void give_up_late() {
    const deadline moment{now()};
    while (!asked_.empty() && next_end() <= moment)
      fail(take(asked_.begin()), errc::timed_out);
  }
  void fail_all(std::error_code why) {
    while (!asked_.empty())
      fail(take(asked_.begin()), why);
  }

  zmq::socket over_;
  const remote_options how_;
  semaphore places_;
  std::map<std::uint64_t, waiting> asked_; // by number: who ends first is first
  std::uint64_t last_ = 0;
  std::uint64_t dropped_ = 0;
  bool reading_ = false;
};

} // namespace

std::shared_ptr<remote_core> remote_core::make(zmq::socket over,
                                               const remote_options& how) {
  if (over.kind() != zmq::socket_type::dealer)
    throw std::invalid_argument("wire::remote_actor: on a " +
                                std::string(zmq::name_of(over.kind())) +
                                " socket, where a dealer is needed");
  return std::make_shared<asking>(std::move(over), how);
}

} // namespace greenroom::wire::inside
