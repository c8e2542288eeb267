#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::http {

struct field {
  std::string_view name;
  std::string_view value;
};

/// The header fields of a message, in order. Names are compared without case.
///
/// Ownership  A value; what it returns points into it, until it is changed.
/// Errors     `std::invalid_argument` for a name that is no token, or a value
///            that could end the line: nobody writes a second header, or a
///            body, into a response through what a stranger sent.
/// Source     RFC 9110, 5.
///
///     fields headers;
///     headers.set("Content-Type", "text/html");
///     if (headers.get("content-type") == "text/html") ...
class fields {
public:
  class iterator;

  /// The value of the first of that name; empty when there is none.
  std::string_view get(std::string_view name) const;
  bool contains(std::string_view name) const { return count(name) > 0; }
  std::size_t count(std::string_view name) const;
  /// Whether `word` is among the values of that name, separated by commas.
  bool lists(std::string_view name, std::string_view word) const;

  /// Replaces all of that name.
  void set(std::string_view name, std::string_view value);
  void add(std::string_view name, std::string_view value);
  void erase(std::string_view name);
  /// Keeps the memory for the next ones.
  void clear();

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  iterator begin() const;
  iterator end() const;

private:
  friend class message_head;

  struct entry {
    std::uint32_t at; // of the name in text_; the value follows it
    std::uint32_t name_size;
    std::uint32_t value_size;
  };

  void add_checked(std::string_view name, std::string_view value);
  field at(const entry& place) const;

  std::string text_;
  std::vector<entry> entries_;
};

class fields::iterator {
public:
  using iterator_category = std::input_iterator_tag;
  using value_type = field;
  using difference_type = std::ptrdiff_t;
  using pointer = const field*;
  using reference = field;

  iterator(const fields& of, std::size_t place) : of_(&of), place_(place) {}
  field operator*() const { return of_->at(of_->entries_[place_]); }
  iterator& operator++() {
    ++place_;
    return *this;
  }
  iterator operator++(int) {
    iterator before = *this;
    ++place_;
    return before;
  }
  friend bool operator==(const iterator&, const iterator&) = default;

private:
  const fields* of_;
  std::size_t place_;
};

inline fields::iterator fields::begin() const {
  return {*this, 0};
}
inline fields::iterator fields::end() const {
  return {*this, entries_.size()};
}

/// Without regard to the case of ASCII letters.
bool same_word(std::string_view left, std::string_view right);

} // namespace greenroom::http
