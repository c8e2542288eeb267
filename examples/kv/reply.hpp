#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kv {

/// A command as it came: its name, then its arguments. Whoever carries it out
/// may move them away.
using words = std::span<std::string>;

// What Redis answers, in its protocol (RESP2). Each is added to the end.

inline constexpr std::string_view ok = "+OK\r\n";
inline constexpr std::string_view nil = "$-1\r\n";
inline constexpr std::string_view nil_list = "*-1\r\n";

void add_number(std::string& to, std::int64_t number);
void add_text(std::string& to, std::string_view text);
/// So many answers follow, which are its items.
void add_list(std::string& to, std::size_t items);
/// One line: "-ERR text", whatever is in the text.
void add_error(std::string& to, std::string_view text);

inline constexpr std::string_view no_integer =
    "value is not an integer or out of range";
inline constexpr std::string_view syntax_error = "syntax error";
/// As text for `add_error`.
std::string wrong_number_of_words(std::string_view name);
std::string unknown_subcommand(words given);

/// As strict as Redis: no spaces, no plus, no zeros in front.
std::optional<std::int64_t> to_integer(std::string_view text);

/// Whatever the case of its letters, is it that word, given in small ones?
bool is_word(std::string_view text, std::string_view word);

/// What had to hold a large text once does not keep its memory.
void empty(std::string& text);

} // namespace kv
