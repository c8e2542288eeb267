#include "outbox.hpp"

#include <utility>

namespace kv {

void outbox::put(std::string_view text) {
  if (closed_) return;
  if (text_.size() + text.size() > most_bytes) {
    text_.clear();
    close();
    peer_->close();
    return;
  }
  text_ += text;
  news_.set();
}

void outbox::close() {
  closed_ = true;
  news_.set();
}

void outbox::leave() {
  close();
  peer_ = nullptr;
}

std::string outbox::take() {
  while (text_.empty() && !closed_) {
    news_.clear();
    news_.wait();
  }
  return std::exchange(text_, {});
}

} // namespace kv
