#include "keyspace.hpp"

#include <algorithm>

namespace kv {
namespace {

enum class side : bool { front, back };

void push(keyspace& keys, words given, side where, answer& to) {
  list* items = value_at<list>(keys, given[1], to.text);
  if (!to.text.empty()) return;
  if (!items) items = &keys.make(given[1]).second.value.emplace<list>();
  for (std::string& each : given.subspan(2))
    if (where == side::front)
      items->push_front(std::move(each));
    else
      items->push_back(std::move(each));
  add_number(to.text, static_cast<std::int64_t>(items->size()));
}

void take(list& items, side where, std::string& reply) {
  add_text(reply, where == side::front ? items.front() : items.back());
  if (where == side::front)
    items.pop_front();
  else
    items.pop_back();
}

void pop(keyspace& keys, words given, side where, answer& to) {
  const bool counts = given.size() > 2;
  if (given.size() > 3)
    return add_error(
        to.text, wrong_number_of_words(where == side::front ? "lpop" : "rpop"));
  const auto most = counts ? to_integer(given[2]) : 1;
  if (!most || *most < 0)
    return add_error(to.text, "value is out of range, must be positive");
  list* const items = value_at<list>(keys, given[1], to.text);
  if (!items) {
    if (to.text.empty()) to.text = counts ? nil_list : nil;
    return;
  }
  const std::size_t count =
      std::min<std::size_t>(static_cast<std::size_t>(*most), items->size());
  if (counts) add_list(to.text, count);
  for (std::size_t i = 0; i < count; ++i)
    take(*items, where, to.text);
  if (items->empty()) keys.erase(given[1]);
}

/// From the end where it is negative.
std::int64_t index_of(std::int64_t place, std::int64_t size) {
  return place < 0 ? std::max<std::int64_t>(place + size, -1) : place;
}

} // namespace

void push_front(keyspace& keys, words given, answer& to) {
  push(keys, given, side::front, to);
}

void push_back(keyspace& keys, words given, answer& to) {
  push(keys, given, side::back, to);
}

void pop_front(keyspace& keys, words given, answer& to) {
  pop(keys, given, side::front, to);
}

void pop_back(keyspace& keys, words given, answer& to) {
  pop(keys, given, side::back, to);
}

void list_length(keyspace& keys, words given, answer& to) {
  const list* const items = value_at<list>(keys, given[1], to.text);
  if (to.text.empty())
    add_number(to.text, items ? static_cast<std::int64_t>(items->size()) : 0);
}

void list_range(keyspace& keys, words given, answer& to) {
  const auto begin = to_integer(given[2]);
  const auto end = to_integer(given[3]);
  if (!begin || !end) return add_error(to.text, no_integer);
  const list* const items = value_at<list>(keys, given[1], to.text);
  if (!to.text.empty()) return;
  const auto size = items ? static_cast<std::int64_t>(items->size()) : 0;
  const auto first = std::max<std::int64_t>(index_of(*begin, size), 0);
  const auto last = std::min(index_of(*end, size), size - 1);
  if (first > last) return add_list(to.text, 0);
  add_list(to.text, static_cast<std::size_t>(last - first + 1));
  for (std::int64_t i = first; i <= last; ++i)
    add_text(to.text, (*items)[static_cast<std::size_t>(i)]);
}

} // namespace kv
