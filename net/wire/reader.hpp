#pragma once

#include <greenroom/wire/bad_message.hpp>
#include <greenroom/wire/limits.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::wire {

/// Where in a message something is, for error texts: a field of a type, or an
/// element. Lives on the stack of who decodes.
struct place {
  const place* outer = nullptr;
  std::string_view type{};  ///< that has the field; empty: an element
  std::string_view field{}; ///< empty: it has no name
  std::size_t number = 0;   ///< of a field from 1, of an element from 0
};

/// The values of a body, one after the other.
///
/// All is checked when it is made: it is one whole MessagePack value, and
/// within the limits. A declared size costs nothing until the elements have
/// been seen.
///
/// Ownership  Refers to the body.
/// Thread     None's in particular.
/// Errors     `bad_message`.
class reader {
public:
  enum class kind : std::uint8_t {
    nil,
    boolean,
    natural, ///< an integer of 0 or more
    negative,
    real,
    text,
    bytes,
    array,
    map,
    extension
  };

  reader(std::string_view body, const limits& most);

  /// Of the next value.
  kind next() const;

  // Each takes the next value, of that kind.
  void nil(const place& at);
  bool boolean(const place& at);
  std::int64_t integer(const place& at, std::int64_t least, std::int64_t most);
  std::uint64_t natural(const place& at, std::uint64_t most);
  double real(const place& at); ///< also of an integer
  std::string_view text(const place& at);
  std::string_view bytes(const place& at);
  /// How many elements, or pairs, come next.
  std::size_t array(const place& at);
  std::size_t map(const place& at);
  /// Whatever it is, with all that is in it.
  void skip();

  [[noreturn]] void fail(const place& at, const std::string& why) const;
  [[noreturn]] void unexpected(const place& at, const char* expected) const;

private:
  struct item {
    kind is;
    std::uint32_t size; // of a text or bytes; elements or pairs
    union {
      bool boolean;
      std::uint64_t natural;
      std::int64_t negative;
      double real;
      const char* begin;
    };
  };
  struct visitor;

  const item& take(const place& at, kind expected, const char* name);

  std::vector<item> items_; // as in the body; never empty once made
  std::size_t next_ = 0;
};

} // namespace greenroom::wire
