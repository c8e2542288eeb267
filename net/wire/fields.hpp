#pragma once

// The fields of plain aggregates; not for programs.

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace greenroom::wire::inside {

/// As it is written in the program, without its namespaces.
template <class Type>
constexpr std::string_view spelled() {
  constexpr std::string_view all = __PRETTY_FUNCTION__;
  constexpr std::string_view mark = "Type = ";
  std::string_view name = all.substr(all.find(mark) + mark.size());
  name = name.substr(0, name.find_first_of(";]"));
  const std::size_t parameters = name.find('<');
  const std::size_t colons = name.substr(0, parameters).rfind("::");
  if (colons != std::string_view::npos) name.remove_prefix(colons + 2);
  return name;
}

/// What a type is called on the wire: as it says itself, else as spelled.
template <class Type>
constexpr std::string_view name_of() {
  if constexpr (requires { std::string_view{Type::wire_name}; })
    return Type::wire_name;
  else
    return spelled<Type>();
}

inline constexpr std::size_t most_fields = 16;

/// `Type{{}, {}, ...}` is an aggregate with a field for each `{}`, at least.
template <class Type>
constexpr std::size_t field_count() {
  // clang-format off
  if constexpr (!requires { Type{{}}; }) return 0;
  else if constexpr (!requires { Type{{}, {}}; }) return 1;
  else if constexpr (!requires { Type{{}, {}, {}}; }) return 2;
  else if constexpr (!requires { Type{{}, {}, {}, {}}; }) return 3;
  else if constexpr (!requires { Type{{}, {}, {}, {}, {}}; }) return 4;
  else if constexpr (!requires { Type{{}, {}, {}, {}, {}, {}}; }) return 5;
  else if constexpr (!requires { Type{{}, {}, {}, {}, {}, {}, {}}; }) return 6;
  else if constexpr (!requires { Type{{}, {}, {}, {}, {}, {}, {}, {}}; }) return 7;
  else if constexpr (!requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}}; }) return 8;
  else if constexpr (!requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) return 9;
  else if constexpr (!requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) return 10;
  else if constexpr (!requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) return 11;
  else if constexpr (!requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) return 12;
  else if constexpr (!requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) return 13;
  else if constexpr (!requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) return 14;
  else if constexpr (!requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) return 15;
  else if constexpr (!requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) return 16;
  else return most_fields + 1;
  // clang-format on
}

/// Calls `function` with all fields.
template <class Aggregate, class Function>
decltype(auto) with_fields(Aggregate& of, Function&& function) {
  constexpr std::size_t count = field_count<std::remove_const_t<Aggregate>>();
  static_assert(count <= most_fields, "wire: a message has 16 fields at most");
  if constexpr (count == 0) {
    return function();
  } else if constexpr (count == 1) {
    auto& [a] = of;
    return function(a);
  } else if constexpr (count == 2) {
    auto& [a, b] = of;
    return function(a, b);
  } else if constexpr (count == 3) {
    auto& [a, b, c] = of;
    return function(a, b, c);
  } else if constexpr (count == 4) {
    auto& [a, b, c, d] = of;
    return function(a, b, c, d);
  } else if constexpr (count == 5) {
    auto& [a, b, c, d, e] = of;
    return function(a, b, c, d, e);
  } else if constexpr (count == 6) {
    auto& [a, b, c, d, e, f] = of;
    return function(a, b, c, d, e, f);
  } else if constexpr (count == 7) {
    auto& [a, b, c, d, e, f, g] = of;
    return function(a, b, c, d, e, f, g);
  } else if constexpr (count == 8) {
    auto& [a, b, c, d, e, f, g, h] = of;
    return function(a, b, c, d, e, f, g, h);
  } else if constexpr (count == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = of;
    return function(a, b, c, d, e, f, g, h, i);
  } else if constexpr (count == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = of;
    return function(a, b, c, d, e, f, g, h, i, j);
  } else if constexpr (count == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = of;
    return function(a, b, c, d, e, f, g, h, i, j, k);
  } else if constexpr (count == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = of;
    return function(a, b, c, d, e, f, g, h, i, j, k, l);
  } else if constexpr (count == 13) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = of;
    return function(a, b, c, d, e, f, g, h, i, j, k, l, m);
  } else if constexpr (count == 14) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = of;
    return function(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  } else if constexpr (count == 15) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = of;
    return function(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
  } else if constexpr (count == 16) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = of;
    return function(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
  }
}

} // namespace greenroom::wire::inside
