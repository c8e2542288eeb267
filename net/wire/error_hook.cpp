#include <greenroom/wire/error_hook.hpp>

#include <greenroom/hub/log.hpp>
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

std::string_view only_frame(const zmq::message& frames) {
  if (frames.size() != 1)
    throw bad_message("a message of " + std::to_string(frames.size()) +
                      " frames, where one is expected");
  return frames[0].view();
}

} // namespace greenroom::wire::inside
