#include "rules.hpp"

#include "connection.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <unordered_map>

namespace kv {
namespace {

rule for_key(std::string_view name, int arity,
             void (*perform)(keyspace&, words, answer&)) {
  rule made{.name = name, .arity = arity};
  made.perform = perform;
  return made;
}

rule for_keys(std::string_view name, int arity,
              void (*perform)(keyspace&, words, answer&), about keys,
              joined result) {
  rule made = for_key(name, arity, perform);
  made.keys = keys;
  made.result = result;
  return made;
}

rule for_connection(std::string_view name, int arity,
                    void (connection::*run)(words, std::string&)) {
  rule made{.name = name, .arity = arity};
  made.run = run;
  return made;
}

rule after_stores(rule made) {
  made.after_stores = true;
  return made;
}

rule while_subscribed(rule made) {
  made.while_subscribed = true;
  return made;
}

const rule rules[] = {
    for_key("get", 2, &get),
    for_key("set", -3, &set),
    for_key("append", 3, &append),
    for_key("strlen", 2, &text_length),
    for_key("incr", 2, &increment),
    for_key("decr", 2, &decrement),
    for_key("incrby", 3, &increment_by),
    for_key("decrby", 3, &decrement_by),
    for_key("type", 2, &type),
    for_key("expire", -3, &expire),
    for_key("pexpire", -3, &expire_in_milliseconds),
    for_key("ttl", 2, &time_to_live),
    for_key("pttl", 2, &milliseconds_to_live),
    for_key("persist", 2, &persist),
    for_key("lpush", -3, &push_front),
    for_key("rpush", -3, &push_back),
    for_key("lpop", -2, &pop_front),
    for_key("rpop", -2, &pop_back),
    for_key("llen", 2, &list_length),
    for_key("lrange", 4, &list_range),
    for_keys("mget", -2, &get_one, about::many_keys, joined::in_turn),
    for_keys("mset", -3, &set_one, about::many_pairs, joined::just_ok),
    for_keys("del", -2, &delete_one, about::many_keys, joined::summed),
    for_keys("exists", -2, &count_one, about::many_keys, joined::summed),
    for_keys("flushall", -1, &drop_all, about::all_keys, joined::just_ok),
    for_keys("flushdb", -1, &drop_all, about::all_keys, joined::just_ok),
    for_keys("dbsize", 1, &count_all, about::all_keys, joined::summed),

    while_subscribed(for_connection("ping", -1, &connection::ping)),
    while_subscribed(for_connection("quit", -1, &connection::quit)),
    for_connection("echo", 2, &connection::echo),
    for_connection("select", 2, &connection::select),
    for_connection("hello", -1, &connection::hello),
    for_connection("client", -2, &connection::client),
    for_connection("command", -1, &connection::command),
    for_connection("config", -2, &connection::config),
    after_stores(for_connection("info", -1, &connection::info)),
    after_stores(for_connection("publish", 3, &connection::publish)),
    while_subscribed(
        after_stores(for_connection("subscribe", -2, &connection::subscribe))),
    while_subscribed(after_stores(
        for_connection("unsubscribe", -1, &connection::unsubscribe))),
};

constexpr std::size_t longest_name = 16; // bytes

} // namespace

const rule* find_rule(std::string_view name) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, const rule*> made;
    for (const rule& each : rules)
      made.emplace(each.name, &each);
    return made;
  }();
  std::array<char, longest_name> small;
  if (name.size() > small.size()) return nullptr;
  std::transform(name.begin(), name.end(), small.begin(), [](char each) {
    return each >= 'A' && each <= 'Z' ? static_cast<char>(each + 32) : each;
  });
  const auto found = by_name.find({small.data(), name.size()});
  return found == by_name.end() ? nullptr : found->second;
}

} // namespace kv
