#pragma once

#include "reply.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

namespace kv {

using moment = std::chrono::time_point<std::chrono::steady_clock,
                                       std::chrono::milliseconds>;
moment this_moment();

using list = std::deque<std::string>;

/// Keys, their values, and when they expire: the part of one owner.
class keyspace {
  using expiries = std::multimap<moment, std::string_view>; // keys by time

public:
  class entry {
  public:
    std::variant<std::string, list> value;
    std::optional<moment> expiry() const;

  private:
    friend class keyspace;
    std::optional<expiries::iterator> expiry_;
  };
  using item = std::pair<const std::string, entry>;

  /// Null when there is none (any more).
  item* find(std::string_view key);
  /// That key's, which it makes, with an empty text, where there is none.
  item& make(std::string_view key);
  bool erase(std::string_view key);
  void clear();
  std::size_t size() const { return entries_.size(); }
  std::size_t expiring() const { return expiries_.size(); }

  void set_expiry(item& of, std::optional<moment> when);
  void drop_expired();
  std::optional<moment> next_expiry() const;

private:
  struct hash { // which is kept with each key, as it is not noexcept
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
      return std::hash<std::string_view>()(key);
    }
  };
  using table = std::unordered_map<std::string, entry, hash, std::equal_to<>>;

  void erase(table::iterator which);

  table entries_;
  expiries expiries_; // views of the keys in `entries_`
};

/// The value of `key`, if it is such a one; null where there is none. Of
/// another type: null as well, and `reply` says so.
template <class Value>
Value* value_at(keyspace& keys, std::string_view key, std::string& reply) {
  keyspace::item* const found = keys.find(key);
  if (!found) return nullptr;
  auto* const value = std::get_if<Value>(&found->second.value);
  if (!value)
    reply = "-WRONGTYPE Operation against a key holding the wrong kind of "
            "value\r\n";
  return value;
}

/// What a store does for one command, or for one of the keys that a command is
/// about.
struct answer {
  std::string text;        // empty, to begin with
  std::int64_t number = 0; // instead, of one that counts over many keys
};

// --- the commands -----------------------------------------------------------

// About the key in given[1].
void get(keyspace& keys, words given, answer& to);
void set(keyspace& keys, words given, answer& to);
void append(keyspace& keys, words given, answer& to);
void text_length(keyspace& keys, words given, answer& to);
void increment(keyspace& keys, words given, answer& to);
void decrement(keyspace& keys, words given, answer& to);
void increment_by(keyspace& keys, words given, answer& to);
void decrement_by(keyspace& keys, words given, answer& to);
void type(keyspace& keys, words given, answer& to);
void expire(keyspace& keys, words given, answer& to);
void expire_in_milliseconds(keyspace& keys, words given, answer& to);
void time_to_live(keyspace& keys, words given, answer& to);
void milliseconds_to_live(keyspace& keys, words given, answer& to);
void persist(keyspace& keys, words given, answer& to);
void push_front(keyspace& keys, words given, answer& to);
void push_back(keyspace& keys, words given, answer& to);
void pop_front(keyspace& keys, words given, answer& to);
void pop_back(keyspace& keys, words given, answer& to);
void list_length(keyspace& keys, words given, answer& to);
void list_range(keyspace& keys, words given, answer& to);

// About one of many keys, given[0], with its value behind it if it has one.
void get_one(keyspace& keys, words given, answer& to);
void set_one(keyspace& keys, words given, answer& to);
void delete_one(keyspace& keys, words given, answer& to);
void count_one(keyspace& keys, words given, answer& to);

// About all the keys of a store.
void drop_all(keyspace& keys, words given, answer& to);
void count_all(keyspace& keys, words given, answer& to);

} // namespace kv
