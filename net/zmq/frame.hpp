#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::zmq {

/// A frame: bytes, of which messages are made. What it holds does not change.
///
/// Ownership  Owns its bytes. A copy shares them, if they are many; a
///            `std::string` of a kilobyte or more is taken over, not copied,
///            up to the wire.
/// Thread     Distinct frames: any.
/// Errors     `std::bad_alloc`.
/// Source     zmq_msg_t of libzmq.
///
///     frame large{std::move(text)};
///     socket.send(std::move(large));
///     std::cout << socket.receive().view();
class frame {
public:
  frame() noexcept;
  frame(std::string_view bytes);
  frame(const char* text) : frame(std::string_view(text)) {}
  frame(std::string&& bytes);
  frame(const std::string& bytes) : frame(std::string_view(bytes)) {}
  frame(const void* bytes, std::size_t size)
      : frame(std::string_view(static_cast<const char*>(bytes), size)) {}
  /// The one moved from is empty.
  frame(frame&& other) noexcept;
  frame(const frame& other);
  frame& operator=(frame&& other) noexcept;
  frame& operator=(const frame& other);
  ~frame();

  /// Takes over memory that `release` gives back, on any thread, when nobody
  /// has the bytes any more; it must not throw.
  static frame adopt(void* bytes, std::size_t size,
                     void (*release)(void* bytes, void* hint),
                     void* hint = nullptr);

  const char* data() const;
  std::size_t size() const;
  bool empty() const { return size() == 0; }
  std::string_view view() const { return {data(), size()}; }
  std::string text() const { return std::string(view()); }

  /// As received: others of its message follow.
  bool more() const;

  /// A property of the connection it came by, such as "Peer-Address" or
  /// "User-Id"; empty when there is none.
  std::string property(const char* name) const;

  friend bool operator==(const frame& one, const frame& other) {
    return one.view() == other.view();
  }
  friend bool operator==(const frame& one, std::string_view other) {
    return one.view() == other;
  }
  friend bool operator==(const frame& one, const char* other) {
    return one.view() == other;
  }

  /// For libzmq: a zmq_msg_t.
  void* native() { return memory_.data(); }

private:
  alignas(void*) std::array<unsigned char, 64> memory_;
};

/// One or more frames, which travel together.
using message = std::vector<frame>;

} // namespace greenroom::zmq
