#include "keyspace.hpp"

#include <limits>

namespace kv {
namespace {

using std::chrono::milliseconds;

/// Nothing when that is no time to live, and `reply` says so.
std::optional<moment> to_expiry(std::int64_t count, milliseconds unit,
                                std::string_view command, std::string& reply) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const moment now = this_moment();
  std::int64_t length = 0;
  if (__builtin_mul_overflow(count, unit.count(), &length) ||
      length > most - now.time_since_epoch().count()) {
    add_error(reply,
              "invalid expire time in '" + std::string(command) + "' command");
    return std::nullopt;
  }
  return now + milliseconds(length);
}

/// What SET is to do beside setting.
struct set_options {
  bool only_new = false;
  bool only_known = false;
  bool returns_old = false;
  bool keeps_expiry = false;
  std::optional<moment> expiry;
};

/// False when `reply` says what is wrong.
bool read_expiry(std::string_view option, std::string_view count,
                 set_options& into, std::string& reply) {
  const milliseconds unit{option == "ex" ? 1000 : 1};
  const auto number = to_integer(count);
  if (!number) {
    add_error(reply, no_integer);
  } else if (*number <= 0) {
    add_error(reply, "invalid expire time in 'set' command");
  } else {
    into.expiry = to_expiry(*number, unit, "set", reply);
  }
  return into.expiry.has_value();
}

bool read_options(words given, set_options& into, std::string& reply) {
  std::string_view expiry; // "ex" or "px"; the last count of it holds
  std::string_view count;
  for (std::size_t i = 3; i < given.size(); ++i) {
    const std::string_view option = given[i];
    const std::string_view unit = is_word(option, "ex")   ? "ex"
                                  : is_word(option, "px") ? "px"
                                                          : "";
    if (is_word(option, "nx") && !into.only_known) {
      into.only_new = true;
    } else if (is_word(option, "xx") && !into.only_new) {
      into.only_known = true;
    } else if (is_word(option, "get")) {
      into.returns_old = true;
    } else if (is_word(option, "keepttl") && expiry.empty()) {
      into.keeps_expiry = true;
    } else if (!unit.empty() && (expiry.empty() || expiry == unit) &&
               !into.keeps_expiry && i + 1 < given.size()) {
      expiry = unit;
      count = given[++i];
    } else {
      add_error(reply, syntax_error);
      return false;
    }
  }
  return expiry.empty() || read_expiry(expiry, count, into, reply);
}

void add(keyspace& keys, std::string_view key, std::int64_t amount,
         answer& to) {
  std::int64_t sum = amount;
  auto* const text = value_at<std::string>(keys, key, to.text);
  if (!to.text.empty()) return;
  if (text) {
    const auto before = to_integer(*text);
    if (!before) return add_error(to.text, no_integer);
    if (__builtin_add_overflow(*before, amount, &sum))
      return add_error(to.text, "increment or decrement would overflow");
  }
  (text ? *text : std::get<std::string>(keys.make(key).second.value)) =
      std::to_string(sum);
  add_number(to.text, sum);
}

/// When EXPIRE is to do anything.
struct conditions {
  bool none_before = false;
  bool some_before = false;
  bool later = false; // for ever is the latest
  bool sooner = false;

  bool hold(std::optional<moment> before, moment when) const {
    if (none_before && before) return false;
    if (some_before && !before) return false;
    if (later && (!before || when <= *before)) return false;
    return !(sooner && before && when >= *before);
  }
};

/// False when `reply` says what is wrong.
bool read_conditions(words given, conditions& into, std::string& reply) {
  for (const std::string& option : given.subspan(3)) {
    if (is_word(option, "nx")) {
      into.none_before = true;
    } else if (is_word(option, "xx")) {
      into.some_before = true;
    } else if (is_word(option, "gt")) {
      into.later = true;
    } else if (is_word(option, "lt")) {
      into.sooner = true;
    } else {
      add_error(reply, "Unsupported option " + option);
      return false;
    }
  }
  if (into.none_before && (into.some_before || into.later || into.sooner))
    add_error(reply, "NX and XX, GT or LT options at the same time are not "
                     "compatible");
  else if (into.later && into.sooner)
    add_error(reply, "GT and LT options at the same time are not compatible");
  return reply.empty();
}

void expire_in(keyspace& keys, words given, milliseconds unit, answer& to) {
  conditions only;
  if (!read_conditions(given, only, to.text)) return;
  const bool seconds = unit > milliseconds(1);
  const auto count = to_integer(given[2]);
  if (!count) return add_error(to.text, no_integer);
  const auto when =
      to_expiry(*count, unit, seconds ? "expire" : "pexpire", to.text);
  if (!when) return;
  keyspace::item* const known = keys.find(given[1]);
  const bool sets = known && only.hold(known->second.expiry(), *when);
  if (sets) keys.set_expiry(*known, when);
  keys.find(given[1]); // drops what is over
  add_number(to.text, sets ? 1 : 0);
}

void add_time_left(keyspace& keys, words given, std::int64_t unit, answer& to) {
  constexpr std::int64_t no_key = -2;
  constexpr std::int64_t for_ever = -1;
  const keyspace::item* const found = keys.find(given[1]);
  if (!found) return add_number(to.text, no_key);
  const auto when = found->second.expiry();
  if (!when) return add_number(to.text, for_ever);
  const std::int64_t left = (*when - this_moment()).count();
  const std::int64_t rounded_up = left % unit * 2 >= unit ? 1 : 0;
  add_number(to.text, unit == 1 ? left : left / unit + rounded_up);
}

} // namespace

void get(keyspace& keys, words given, answer& to) {
  if (const auto* text = value_at<std::string>(keys, given[1], to.text))
    add_text(to.text, *text);
  else if (to.text.empty())
    to.text = nil;
}

void set(keyspace& keys, words given, answer& to) {
  set_options options;
  if (!read_options(given, options, to.text)) return;
  if (options.returns_old) {
    get(keys, given, to);
    if (to.text.front() == '-') return; // it is no text
  }
  if (options.only_new || options.only_known) {
    const bool known = keys.find(given[1]);
    if (known ? options.only_new : options.only_known) {
      if (!options.returns_old) to.text = nil;
      return;
    }
  }
  keyspace::item& made = keys.make(given[1]);
  made.second.value = std::move(given[2]);
  if (!options.keeps_expiry) keys.set_expiry(made, options.expiry);
  if (!options.returns_old) to.text = ok;
}

void append(keyspace& keys, words given, answer& to) {
  value_at<std::string>(keys, given[1], to.text);
  if (!to.text.empty()) return;
  auto& text = std::get<std::string>(keys.make(given[1]).second.value);
  text += given[2];
  add_number(to.text, static_cast<std::int64_t>(text.size()));
}

void text_length(keyspace& keys, words given, answer& to) {
  const auto* text = value_at<std::string>(keys, given[1], to.text);
  if (to.text.empty())
    add_number(to.text, text ? static_cast<std::int64_t>(text->size()) : 0);
}

void increment(keyspace& keys, words given, answer& to) {
  add(keys, given[1], 1, to);
}

void decrement(keyspace& keys, words given, answer& to) {
  add(keys, given[1], -1, to);
}

void increment_by(keyspace& keys, words given, answer& to) {
  const auto amount = to_integer(given[2]);
  if (!amount) return add_error(to.text, no_integer);
  add(keys, given[1], *amount, to);
}

void decrement_by(keyspace& keys, words given, answer& to) {
  const auto amount = to_integer(given[2]);
  if (!amount) return add_error(to.text, no_integer);
  if (*amount == std::numeric_limits<std::int64_t>::min())
    return add_error(to.text, "decrement would overflow");
  add(keys, given[1], -*amount, to);
}

void type(keyspace& keys, words given, answer& to) {
  const keyspace::item* const found = keys.find(given[1]);
  if (!found)
    to.text = "+none\r\n";
  else
    to.text = std::holds_alternative<list>(found->second.value) ? "+list\r\n"
                                                                : "+string\r\n";
}

void expire(keyspace& keys, words given, answer& to) {
  expire_in(keys, given, std::chrono::seconds(1), to);
}

void expire_in_milliseconds(keyspace& keys, words given, answer& to) {
  expire_in(keys, given, milliseconds(1), to);
}

void time_to_live(keyspace& keys, words given, answer& to) {
  add_time_left(keys, given, 1000, to);
}

void milliseconds_to_live(keyspace& keys, words given, answer& to) {
  add_time_left(keys, given, 1, to);
}

void persist(keyspace& keys, words given, answer& to) {
  keyspace::item* const found = keys.find(given[1]);
  const bool expires = found && found->second.expiry();
  if (expires) keys.set_expiry(*found, std::nullopt);
  add_number(to.text, expires ? 1 : 0);
}

void get_one(keyspace& keys, words given, answer& to) {
  std::string wrong;
  if (const auto* text = value_at<std::string>(keys, given[0], wrong))
    add_text(to.text, *text);
  else
    to.text = nil;
}

void set_one(keyspace& keys, words given, answer&) {
  keyspace::item& made = keys.make(given[0]);
  made.second.value = std::move(given[1]);
  keys.set_expiry(made, std::nullopt);
}

void delete_one(keyspace& keys, words given, answer& to) {
  to.number = keys.erase(given[0]) ? 1 : 0;
}

void count_one(keyspace& keys, words given, answer& to) {
  to.number = keys.find(given[0]) ? 1 : 0;
}

void drop_all(keyspace& keys, words, answer&) {
  keys.clear();
}

void count_all(keyspace& keys, words, answer& to) {
  to.number = static_cast<std::int64_t>(keys.size());
}

} // namespace kv
