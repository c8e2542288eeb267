#include <greenroom/zmq/frame.hpp>

#include <zmq.h>

#include <cstring>
#include <memory>
#include <new>
#include <utility>

namespace greenroom::zmq {
namespace {

/// Of these a copy costs less than to hand the string over.
constexpr std::size_t copied_below = 1024;

zmq_msg_t* native_of(const frame& of) {
  // Several calls of libzmq that only look want it mutable.
  return static_cast<zmq_msg_t*>(const_cast<frame&>(of).native());
}

void delete_string(void*, void* string) {
  delete static_cast<std::string*>(string);
}

} // namespace

frame::frame() noexcept {
  static_assert(sizeof memory_ == sizeof(zmq_msg_t));
  zmq_msg_init(native_of(*this));
}

frame::frame(std::string_view bytes) {
  if (zmq_msg_init_size(native_of(*this), bytes.size()) != 0)
    throw std::bad_alloc();
  if (!bytes.empty())
    std::memcpy(zmq_msg_data(native_of(*this)), bytes.data(), bytes.size());
}

frame::frame(std::string&& bytes)
    : frame(bytes.size() < copied_below ? std::string_view(bytes)
                                        : std::string_view()) {
  if (bytes.size() < copied_below) return;
  auto kept = std::make_unique<std::string>(std::move(bytes));
  *this = adopt(kept->data(), kept->size(), &delete_string, kept.get());
  static_cast<void>(kept.release());
}

frame frame::adopt(void* bytes, std::size_t size,
                   void (*release)(void* bytes, void* hint), void* hint) {
  frame made;
  if (zmq_msg_init_data(native_of(made), bytes, size, release, hint) != 0) {
    zmq_msg_init(native_of(made));
    throw std::bad_alloc();
  }
  return made;
}

frame::frame(frame&& other) noexcept : frame() {
  zmq_msg_move(native_of(*this), native_of(other));
}

frame::frame(const frame& other) : frame() {
  zmq_msg_copy(native_of(*this), native_of(other));
}

frame& frame::operator=(frame&& other) noexcept {
  if (this != &other) zmq_msg_move(native_of(*this), native_of(other));
  return *this;
}

frame& frame::operator=(const frame& other) {
  if (this != &other) zmq_msg_copy(native_of(*this), native_of(other));
  return *this;
}

frame::~frame() {
  zmq_msg_close(native_of(*this));
}

const char* frame::data() const {
  return static_cast<const char*>(zmq_msg_data(native_of(*this)));
}

std::size_t frame::size() const {
  return zmq_msg_size(native_of(*this));
}

bool frame::more() const {
  return zmq_msg_more(native_of(*this)) != 0;
}

std::string frame::property(const char* name) const {
  const char* found = zmq_msg_gets(native_of(*this), name);
  return found ? found : "";
}

} // namespace greenroom::zmq
