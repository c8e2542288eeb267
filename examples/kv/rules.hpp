#pragma once

#include "keyspace.hpp"
#include "reply.hpp"

#include <string>
#include <string_view>

namespace kv {

class connection;

/// The keys of a command that stores carry out.
enum class about : char {
  one_key,    ///< the first argument
  many_keys,  ///< each argument
  many_pairs, ///< keys and values in turn
  all_keys,   ///< those of each store
};

/// What the answer of many stores is made of.
enum class joined : char { in_turn, summed, just_ok };

/// A command: how many words it has, who carries it out, and how.
struct rule {
  std::string_view name;
  int arity; // as Redis counts: the words, or -n for n or more

  /// By stores, or null.
  void (*perform)(keyspace&, words, answer&) = nullptr;
  about keys = about::one_key;
  joined result = joined::in_turn;

  /// By the connection itself, else.
  void (connection::*run)(words, std::string& reply) = nullptr;
  bool after_stores = false; ///< when they have done what was asked before
  bool while_subscribed = false;

  bool takes(std::size_t count) const {
    const auto given = static_cast<int>(count);
    return arity < 0 ? given >= -arity : given == arity;
  }
};

/// Null: there is none of that name.
const rule* find_rule(std::string_view name);

} // namespace kv
