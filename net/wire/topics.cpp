#include <greenroom/wire/topics.hpp>

#include <utility>

namespace greenroom::wire::inside {

bool send_news(zmq::socket& to, const std::string& name, std::string body) {
  std::error_code failed;
  to.send_multipart({name, std::move(body)}, {}, failed);
  if (failed && failed != errc::closed)
    throw std::system_error(failed, "wire::publish " + name);
  return !failed;
}

void receive_news(zmq::socket& from, const std::string& name,
                  const error_hook& hook,
                  const std::function<void(std::string_view body)>& publish) {
  if (!from.is_open()) return;
  from.subscribe(name);
  for (;;) {
    std::error_code failed;
    const zmq::message frames = receive_next(from, hook, failed);
    if (failed == errc::closed) return;
    if (failed) throw std::system_error(failed, "wire::subscribe " + name);
    if (frames[0].view() != name) continue;
    try {
      if (frames.size() != 2) throw bad_message("expected [name, body]");
      publish(frames[1].view());
    } catch (const bad_message& why) {
      tell(hook, why, frames);
    }
  }
}

} // namespace greenroom::wire::inside
