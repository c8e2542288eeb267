#include <greenroom/wire/reader.hpp>

#define MSGPACK_NO_BOOST
#include <msgpack/null_visitor.hpp>
#include <msgpack/unpack.hpp> // and what parse.hpp needs

#include <algorithm>
#include <array>

namespace greenroom::wire {
namespace {

constexpr std::array<const char*, 10> names{
    "nil",   "a boolean", "an integer", "a negative integer", "a float", "text",
    "bytes", "an array",  "a map",      "an extension"};

std::string text_of(const place& at) {
  std::string text = at.outer ? text_of(*at.outer) : "";
  if (!text.empty()) text += ", ";
  if (at.type.empty()) return text + "[" + std::to_string(at.number) + "]";
  text += at.type;
  if (at.number == 0) return text; // the whole
  text += " field ";
  return at.field.empty() ? text + std::to_string(at.number)
                          : text.append(at.field);
}

} // namespace

/// Called by msgpack-cxx for each value; false ends that.
struct reader::visitor : msgpack::null_visitor {
  visitor(std::vector<item>& into, const limits& bounds)
      : items(into), most(bounds) {}

  bool add(kind is, std::uint32_t size = 0) {
    if (items.size() >= most.items) {
      why = "more than " + std::to_string(most.items) + " items";
      return false;
    }
    items.emplace_back();
    items.back().is = is;
    items.back().size = size;
    return true;
  }
  bool add_bytes(kind is, const char* begin, std::uint32_t size) {
    const bool added = add(is, size);
    if (added) items.back().begin = begin;
    return added;
  }
  bool begin(kind is, std::uint32_t size) {
    if (++depth > most.depth) {
      why = "arrays and maps more than " + std::to_string(most.depth) + " deep";
      return false;
    }
    return add(is, size);
  }
  bool end() {
    --depth;
    return true;
  }

  bool visit_nil() { return add(kind::nil); }
  bool visit_boolean(bool value) {
    const bool added = add(kind::boolean);
    if (added) items.back().boolean = value;
    return added;
  }
  bool visit_positive_integer(std::uint64_t value) {
    const bool added = add(kind::natural);
    if (added) items.back().natural = value;
    return added;
  }
  bool visit_negative_integer(std::int64_t value) {
    const bool added = add(kind::negative);
    if (added) items.back().negative = value;
    return added;
  }
  bool visit_float64(double value) {
    const bool added = add(kind::real);
    if (added) items.back().real = value;
    return added;
  }
  bool visit_float32(float value) { return visit_float64(value); }
  bool visit_str(const char* begin, std::uint32_t size) {
    return add_bytes(kind::text, begin, size);
  }
  bool visit_bin(const char* begin, std::uint32_t size) {
    return add_bytes(kind::bytes, begin, size);
  }
  bool visit_ext(const char* begin, std::uint32_t size) {
    return add_bytes(kind::extension, begin, size);
  }
  bool start_array(std::uint32_t size) { return begin(kind::array, size); }
  bool end_array() { return end(); }
  bool start_map(std::uint32_t size) { return begin(kind::map, size); }
  bool end_map() { return end(); }
  void parse_error(std::size_t, std::size_t at) {
    why = "no MessagePack at byte " + std::to_string(at);
  }
  void insufficient_bytes(std::size_t, std::size_t) { why = "it is cut off"; }

  std::vector<item>& items;
  const limits& most;
  std::size_t depth = 0;
  std::string why;
};

reader::reader(std::string_view body, const limits& most) {
  if (body.size() > most.bytes)
    throw bad_message("a body of " + std::to_string(body.size()) +
                      " bytes, where " + std::to_string(most.bytes) +
                      " are allowed");
  visitor seen{items_, most};
  std::size_t end = 0;
  if (!msgpack::parse(body.data(), body.size(), end, seen))
    throw bad_message("a body of " + std::to_string(body.size()) +
                      " bytes: " + seen.why);
  if (end != body.size())
    throw bad_message("a body of " + std::to_string(body.size()) +
                      " bytes: something follows the value");
}

reader::kind reader::next() const {
  return items_[next_].is;
}

void reader::fail(const place& at, const std::string& why) const {
  throw bad_message(text_of(at) + ": " + why);
}

void reader::unexpected(const place& at, const char* expected) const {
  fail(at, std::string("expected ") + expected + ", found " +
               names.at(static_cast<std::size_t>(next())));
}

const reader::item& reader::take(const place& at, kind expected,
                                 const char* name) {
  const item& found = items_[next_];
  if (found.is != expected) unexpected(at, name);
  ++next_;
  return found;
}

void reader::nil(const place& at) {
  take(at, kind::nil, "nil");
}

bool reader::boolean(const place& at) {
  return take(at, kind::boolean, "a boolean").boolean;
}

std::int64_t reader::integer(const place& at, std::int64_t least,
                             std::int64_t most) {
  if (next() == kind::natural)
    return static_cast<std::int64_t>(
        natural(at, static_cast<std::uint64_t>(most)));
  const std::int64_t value = take(at, kind::negative, "an integer").negative;
  if (value < least)
    fail(at, std::to_string(value) + " is less than " + std::to_string(least));
  return value;
}

std::uint64_t reader::natural(const place& at, std::uint64_t most) {
  const char* const expected = "an integer of 0 or more";
  const std::uint64_t value =
      take(at, kind::natural,
           next() == kind::negative ? expected : "an integer")
          .natural;
  if (value > most)
    fail(at, std::to_string(value) + " is more than " + std::to_string(most));
  return value;
}

double reader::real(const place& at) {
  if (next() == kind::natural)
    return static_cast<double>(items_[next_++].natural);
  if (next() == kind::negative)
    return static_cast<double>(items_[next_++].negative);
  return take(at, kind::real, "a number").real;
}

std::string_view reader::text(const place& at) {
  const item& found = take(at, kind::text, "text");
  return {found.begin, found.size};
}

std::string_view reader::bytes(const place& at) {
  const item& found = take(at, kind::bytes, "bytes");
  return {found.begin, found.size};
}

std::size_t reader::array(const place& at) {
  return take(at, kind::array, "an array").size;
}

std::size_t reader::map(const place& at) {
  return take(at, kind::map, "a map").size;
}

void reader::skip() {
  for (std::uint64_t left = 1; left > 0; --left) {
    const item& found = items_[next_++];
    if (found.is == kind::array) left += found.size;
    if (found.is == kind::map) left += std::uint64_t{2} * found.size;
  }
}

} // namespace greenroom::wire
