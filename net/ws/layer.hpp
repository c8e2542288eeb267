#pragma once

// Private to the ws room: what Beast's WebSocket reads from and writes to.

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace greenroom::ws {

using beast_code = boost::system::error_code;

/// One end of bytes, as Beast's synchronous streams want it.
class byte_layer {
public:
  virtual std::size_t read(std::span<char> into, beast_code& failed) = 0;
  virtual std::size_t write(std::span<const std::string_view> parts,
                            beast_code& failed) = 0;
  virtual void shut_down() = 0;

protected:
  ~byte_layer() = default;
};

class layer {
public:
  explicit layer(byte_layer& below) : below_(&below) {}

  /// Beast has timers, which we do not use: this is never run.
  using executor_type = boost::asio::io_context::executor_type;
  executor_type get_executor() const noexcept;

  template <class Buffers>
  std::size_t read_some(const Buffers& into, beast_code& failed) {
    const boost::asio::mutable_buffer first =
        *boost::asio::buffer_sequence_begin(into);
    return below_->read({static_cast<char*>(first.data()), first.size()},
                        failed);
  }

  /// Always everything: nobody else's bytes may come between.
  template <class Buffers>
  std::size_t write_some(const Buffers& from, beast_code& failed) {
    std::array<char, small> bytes;
    if (boost::asio::buffer_size(from) <= bytes.size()) { // one cheap call
      const std::size_t all =
          boost::asio::buffer_copy(boost::asio::buffer(bytes), from);
      const std::string_view part{bytes.data(), all};
      return below_->write({&part, 1}, failed);
    }
    std::vector<std::string_view> parts;
    parts.reserve(4);
    const auto end = boost::asio::buffer_sequence_end(from);
    for (auto each = boost::asio::buffer_sequence_begin(from); each != end;
         ++each) {
      const boost::asio::const_buffer part = *each;
      parts.emplace_back(static_cast<const char*>(part.data()), part.size());
    }
    return below_->write(parts, failed);
  }

  // As Beast's concept of a stream has them; it calls the others.
  template <class Buffers>
  std::size_t read_some(const Buffers& into) {
    beast_code failed;
    const std::size_t bytes = read_some(into, failed);
    if (failed) throw boost::system::system_error(failed);
    return bytes;
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& from) {
    beast_code failed;
    const std::size_t bytes = write_some(from, failed);
    if (failed) throw boost::system::system_error(failed);
    return bytes;
  }

  friend void teardown(boost::beast::role_type, layer& self,
                       beast_code& failed) {
    self.below_->shut_down();
    failed = {};
  }

private:
  static constexpr std::size_t small = 1024; // bytes: copied, not gathered

  byte_layer* below_;
};

} // namespace greenroom::ws
