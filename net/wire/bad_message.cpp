#include <greenroom/wire/bad_message.hpp>

namespace greenroom::wire {

bad_message::bad_message(const std::string& why)
    : std::system_error(std::make_error_code(std::errc::bad_message), why) {
}

} // namespace greenroom::wire
