#include <greenroom/wire/error_hook.hpp>

#include <greenroom/hub/log.hpp>
#include <greenroom/wire/reply.hpp>
#include <greenroom/wire/typed_socket.hpp>

#include <string>

namespace greenroom::wire::inside {

void tell(const error_hook& hook, const bad_message& why,
          const zmq::message& frames) {
  if (hook)
    hook(why, frames);
  else
    log_warning(std::string("wire: a message was dropped: ") + why.what());
}

zmq::message receive_next(zmq::socket& from, const error_hook& hook,
                          std::error_code& failed) {
  for (;;) {
    zmq::message came = from.receive_multipart({}, failed);
    if (failed != std::errc::message_size) return came;
    const bad_message why{"a message of too many frames"};
    tell(hook, why, {zmq::frame()});
    if (from.kind() == zmq::socket_type::rep)
      from.send(refusal("bad_message", why.what()));
  }
}

std::string_view only_frame(const zmq::message& frames) {
  if (frames.size() != 1)
    throw bad_message("a message of " + std::to_string(frames.size()) +
                      " frames, where one is expected");
  return frames[0].view();
}

} // namespace greenroom::wire::inside
