#include <greenroom/wire/serve.hpp>

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/mailbox/semaphore.hpp>

#include <exception>
#include <mutex>
#include <stdexcept>
#include <system_error>

namespace greenroom::wire::inside {
namespace {

/// A request that is to be answered, by its end at the latest.
class pending {
public:
  /// Takes the request's body off its frames.
  pending(zmq::socket& from, zmq::message&& frames)
      : from_(&from), body_(std::move(frames.back())),
        envelope_(std::move(frames)) {
    envelope_.pop_back();
  }
  pending(pending&& other) noexcept
      : from_(std::exchange(other.from_, nullptr)),
        body_(std::move(other.body_)), envelope_(std::move(other.envelope_)) {}
  pending& operator=(pending&&) = delete;
  ~pending() {
    if (from_) drop();
  }

  const zmq::frame& body() const { return body_; }

  void reply(std::string text, deadline until, std::error_code& failed) {
    envelope_.push_back(std::move(text));
    std::exchange(from_, nullptr)
        ->send_multipart(std::move(envelope_), until, failed);
  }

private:
  void drop() noexcept {
    try {
      envelope_.push_back(refusal("no_reply", "the server has ended"));
      from_->try_send_multipart(std::move(envelope_));
    } catch (const std::exception&) { // closed: nobody can be told
    }
  }

  zmq::socket* from_; // null: answered
  zmq::frame body_;
  zmq::message envelope_;
};

std::string answer_to(const pending& request, const serve_options& how,
                      const answer_function& answer) {
  const std::string_view body = request.body().view();
  try {
    return answer(body, how.reply_within);
  } catch (const bad_message& why) {
    tell(how.on_bad_message, why, {request.body()});
    return refusal("bad_message", why.what());
  } catch (const std::system_error&) { // the actor cannot be asked
    return refusal_of(std::current_exception());
  }
}

void check_kind(const zmq::socket& at) {
  if (at.kind() != zmq::socket_type::rep &&
      at.kind() != zmq::socket_type::router)
    throw std::invalid_argument("wire::serve: on a " +
                                std::string(zmq::name_of(at.kind())) +
                                " socket, where a rep or router is needed");
}

} // namespace

void serve_bodies(zmq::socket& at, const serve_options& how,
                  const answer_function& answer) {
  check_kind(at);
  const bool one = at.kind() == zmq::socket_type::rep;
  semaphore places{one ? 1 : static_cast<std::ptrdiff_t>(how.most_asks)};
  const auto handle = [&](pending& request) {
    const std::unique_lock held{places, std::adopt_lock};
    std::error_code left; // who asked has: that does not concern the others
    request.reply(answer_to(request, how, answer), how.reply_within, left);
  };
  nursery([&](nursery_scope& requests) {
    for (;;) {
      places.acquire();
      std::error_code failed;
      zmq::message frames = receive_next(at, how.on_bad_message, failed);
      if (failed == errc::closed) return;
      if (failed) throw std::system_error(failed, "wire::serve");
      requests.spawn(
          [&handle, request = pending{at, std::move(frames)}]() mutable {
            pending own = std::move(request);
            handle(own);
          });
    }
  });
}

} // namespace greenroom::wire::inside
