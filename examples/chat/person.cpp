#include "person.hpp"

#include <utility>

namespace chat {

person::person(std::shared_ptr<outbox> out) : out_(std::move(out)) {
}

void person::receive(show message) {
  out_->put(std::move(message.text));
}

void person::receive(whisper message) {
  out_->put(make_line('[' + message.from + " to you] " + message.text));
}

void person::receive(farewell) {
  out_->put(make_line("* the server is closing. Goodbye!"));
  out_->close();
}

void person::on_stop(const greenroom::exit_reason&) {
  out_->close(); // whatever ended it: the connection ends, too
}

} // namespace chat
