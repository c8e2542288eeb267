#pragma once

#include <greenroom/wire/bad_message.hpp>
#include <greenroom/wire/fields.hpp>
#include <greenroom/wire/limits.hpp>
#include <greenroom/wire/reader.hpp>
#include <greenroom/wire/writer.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// Messages as MessagePack, from plain structs as they are:
//
//     struct line { std::string item; int count; };
//     struct order { int number; std::vector<line> lines; };
//
//     std::string body = wire::encode(order{7, {{"nail", 100}}});
//     order again = wire::decode<order>(body);   // [7, [["nail", 100]]]
//
// In C++                         in MessagePack, and Python
//
// struct, up to 16 fields        array of its fields
//   with `wire_fields`           map by their names; an array is read, too
// bool, integers, floats         the same
// enum                           integer
// std::string                    text, which Python wants to be UTF-8
// std::vector<std::byte>         bytes
// vector, deque, set, array ...  array
// map, unordered_map             map
// pair, tuple                    array
// std::optional                  nil, or the value; as a last field it may lack
// std::variant                   [tag, value]: a struct's name, else the index
// std::chrono::duration          its count, in its own unit
//
//     struct line {
//       std::string item;
//       int count;
//       static constexpr std::array wire_fields{"item", "count"};
//       static constexpr std::string_view wire_name = "order_line"; // for tags
//     };
//
// What is decoded can be made without arguments. A map's unknown names are
// skipped. A variant's alternatives should have different names.

namespace greenroom::wire {

namespace inside {

template <class Type, template <class...> class Of>
inline constexpr bool is_a = false;
template <template <class...> class Of, class... Types>
inline constexpr bool is_a<Of<Types...>, Of> = true;

template <class Type>
inline constexpr bool is_duration = false;
template <class Count, class Unit>
inline constexpr bool is_duration<std::chrono::duration<Count, Unit>> = true;

template <class Type>
inline constexpr bool is_array = false;
template <class Element, std::size_t Size>
inline constexpr bool is_array<std::array<Element, Size>> = true;

template <class Type>
concept byte_array = std::same_as<Type, std::vector<std::byte>>;
template <class Type>
concept text_like = std::convertible_to<const Type&, std::string_view>;
template <class Type>
concept tuple_like = is_a<Type, std::pair> || is_a<Type, std::tuple>;
template <class Type>
concept container = requires(Type& of) {
  typename Type::value_type;
  of.begin();
  of.end();
};
template <class Type>
concept map_like = container<Type> && requires {
  typename Type::mapped_type;
};
template <class Type>
concept with_names = requires {
  Type::wire_fields.size();
};

template <class>
inline constexpr bool never = false;

template <class Type>
void check_names() {
  if constexpr (with_names<Type>)
    static_assert(Type::wire_fields.size() == field_count<Type>(),
                  "wire: wire_fields names each field, in order");
}

// --- out --------------------------------------------------------------------

template <class Type>
void write(writer& to, const Type& value);

template <class... Fields>
void write_all(writer& to, const Fields&... fields) {
  (write(to, fields), ...);
}

template <class Type>
void write_aggregate(writer& to, const Type& value) {
  check_names<Type>();
  if constexpr (with_names<Type>) {
    to.map(Type::wire_fields.size());
    with_fields(value, [&](const auto&... fields) {
      [[maybe_unused]] auto name = Type::wire_fields.begin();
      ((to.text(*name++), write(to, fields)), ...);
    });
  } else {
    to.array(field_count<Type>());
    with_fields(value,
                [&](const auto&... fields) { write_all(to, fields...); });
  }
}

/// What says which of a variant's alternatives follows.
template <class Alternative>
void write_tag(writer& to, std::size_t index) {
  if constexpr (std::is_class_v<Alternative> &&
                std::is_aggregate_v<Alternative>) {
    static_assert(name_of<Alternative>().find('<') == std::string_view::npos,
                  "wire: a template in a variant has a wire_name");
    to.text(name_of<Alternative>());
  } else {
    to.natural(index);
  }
}

template <class... Types>
void write_variant(writer& to, const std::variant<Types...>& value) {
  to.array(2);
  std::visit(
      [&](const auto& held) {
        write_tag<std::decay_t<decltype(held)>>(to, value.index());
        write(to, held);
      },
      value);
}

template <class Type>
void write_number(writer& to, Type value) {
  if constexpr (std::same_as<Type, bool>)
    to.boolean(value);
  else if constexpr (std::same_as<Type, float>)
    to.real(value);
  else if constexpr (std::floating_point<Type>)
    to.real(static_cast<double>(value));
  else if constexpr (std::signed_integral<Type>)
    to.integer(value);
  else
    to.natural(value);
}

template <class Type>
void write_container(writer& to, const Type& value) {
  map_like<Type> ? to.map(value.size()) : to.array(value.size());
  for (const typename Type::value_type& each : value)
    if constexpr (map_like<Type>)
      write_all(to, each.first, each.second);
    else
      write(to, each);
}

template <class Type>
void write(writer& to, const Type& value) {
  if constexpr (std::is_arithmetic_v<Type>)
    write_number(to, value);
  else if constexpr (std::is_enum_v<Type>)
    write_number(to, static_cast<std::underlying_type_t<Type>>(value));
  else if constexpr (is_duration<Type>)
    write_number(to, value.count());
  else if constexpr (text_like<Type>)
    to.text(value);
  else if constexpr (byte_array<Type>)
    to.bytes(value.data(), value.size());
  else if constexpr (is_a<Type, std::optional>)
    value ? write(to, *value) : to.nil();
  else if constexpr (is_a<Type, std::variant>)
    write_variant(to, value);
  else if constexpr (std::same_as<Type, std::monostate>)
    to.nil();
  else if constexpr (tuple_like<Type>) {
    to.array(std::tuple_size_v<Type>);
    std::apply([&](const auto&... each) { write_all(to, each...); }, value);
  } else if constexpr (container<Type>)
    write_container(to, value);
  else if constexpr (std::is_aggregate_v<Type>)
    write_aggregate(to, value);
  else
    static_assert(never<Type>, "wire: this type cannot be encoded");
}

// --- in ---------------------------------------------------------------------

template <class Type>
void read(reader& from, Type& into, const place& at);

template <class Type>
void read_number(reader& from, Type& into, const place& at) {
  using bounds = std::numeric_limits<Type>;
  if constexpr (std::same_as<Type, bool>)
    into = from.boolean(at);
  else if constexpr (std::floating_point<Type>)
    into = static_cast<Type>(from.real(at));
  else if constexpr (std::signed_integral<Type>)
    into = static_cast<Type>(from.integer(at, bounds::min(), bounds::max()));
  else
    into = static_cast<Type>(from.natural(at, bounds::max()));
}

template <class Type>
void read_field(reader& from, Type& into, const place& at, bool there) {
  if (there)
    read(from, into, at);
  else if constexpr (is_a<Type, std::optional>)
    into.reset();
  else
    from.fail(at, "is missing");
}

/// The fields one after the other, of an array of so many.
template <class Type>
void read_in_order(reader& from, Type& into, const place& at) {
  constexpr std::size_t count = field_count<Type>();
  const std::size_t given = from.array(at);
  if (given > count)
    from.fail(at, std::to_string(given) + " fields, where it has " +
                      std::to_string(count));
  with_fields(into, [&](auto&... fields) {
    place field{at.outer, at.type};
    [[maybe_unused]] const auto next = [&](auto& each) {
      if constexpr (with_names<Type>)
        field.field = Type::wire_fields[field.number];
      ++field.number;
      read_field(from, each, field, field.number <= given);
    };
    (next(fields), ...);
  });
}

template <class Type>
void read_by_name(reader& from, Type& into, const place& at) {
  std::array<bool, most_fields> seen{};
  place field{at.outer, at.type};
  const auto visit = [&](auto&& function) { // (field, its number from 0)
    with_fields(into, [&](auto&... fields) {
      [[maybe_unused]] std::size_t index = 0;
      (function(fields, index++), ...);
    });
  };
  for (std::size_t left = from.map(at); left > 0; --left) {
    const std::string_view name = from.text(at);
    bool known = false;
    visit([&](auto& each, std::size_t index) {
      if (known || name != Type::wire_fields[index]) return;
      known = seen[index] = true;
      field.number = index + 1;
      field.field = Type::wire_fields[index];
      read(from, each, field);
    });
    if (!known) from.skip();
  }
  visit([&](auto& each, std::size_t index) {
    field.number = index + 1;
    field.field = Type::wire_fields[index];
    if (!seen[index]) read_field(from, each, field, false);
  });
}

template <class Type>
void read_aggregate(reader& from, Type& into, const place* outer) {
  check_names<Type>();
  const place at{outer, name_of<Type>()};
  if constexpr (with_names<Type>)
    if (from.next() == reader::kind::map) return read_by_name(from, into, at);
  read_in_order(from, into, at);
}

/// Whether the value that comes next, without taking it, is the tag's.
template <class Alternative>
bool has_tag(std::string_view name, std::uint64_t index, std::size_t own) {
  if constexpr (std::is_class_v<Alternative> &&
                std::is_aggregate_v<Alternative>)
    return name == name_of<Alternative>();
  else
    return name.empty() && index == own;
}

template <class... Types>
void read_variant(reader& from, std::variant<Types...>& into, const place& at) {
  if (from.array(at) != 2) from.fail(at, "expected [tag, value]");
  std::string_view name;
  std::uint64_t index = 0;
  if (from.next() == reader::kind::text)
    name = from.text(at);
  else
    index = from.natural(at, std::numeric_limits<std::uint64_t>::max());
  std::size_t own = 0;
  bool known = false;
  const auto try_one = [&]<class Alternative>(std::type_identity<Alternative>) {
    if (known || !has_tag<Alternative>(name, index, own++)) return;
    known = true;
    Alternative value{};
    read(from, value, at);
    into = std::move(value);
  };
  (try_one(std::type_identity<Types>{}), ...);
  if (!known)
    from.fail(at, "unknown tag " + (name.empty() ? std::to_string(index)
                                                 : std::string(name)));
}

template <class Type>
void read_map(reader& from, Type& into, const place& at) {
  into.clear();
  place each{&at};
  for (const std::size_t size = from.map(at); each.number < size;
       ++each.number) {
    typename Type::key_type key{};
    typename Type::mapped_type value{};
    read(from, key, each);
    read(from, value, each);
    into.insert_or_assign(std::move(key), std::move(value));
  }
}

template <class Type>
void read_sequence(reader& from, Type& into, const place& at) {
  into.clear();
  place each{&at};
  for (const std::size_t size = from.array(at); each.number < size;
       ++each.number) {
    typename Type::value_type value{};
    read(from, value, each);
    into.insert(into.end(), std::move(value));
  }
}

/// Of an array that has to have so many elements.
inline void take_array(reader& from, std::size_t size, const place& at) {
  const std::size_t given = from.array(at);
  if (given != size)
    from.fail(at, "expected " + std::to_string(size) + " elements, found " +
                      std::to_string(given));
}

template <class Type>
void read_tuple(reader& from, Type& into, const place& at) {
  take_array(from, std::tuple_size_v<Type>, at);
  place each{&at};
  std::apply(
      [&](auto&... elements) {
        ((read(from, elements, each), ++each.number), ...);
      },
      into);
}

template <class Type>
void read_bytes(reader& from, Type& into, const place& at) {
  const std::string_view bytes = from.bytes(at);
  const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
  into.assign(begin, begin + bytes.size());
}

template <class Type>
void read_optional(reader& from, Type& into, const place& at) {
  if (from.next() != reader::kind::nil) return read(from, into.emplace(), at);
  from.nil(at);
  into.reset();
}

template <class Type>
void read(reader& from, Type& into, const place& at) {
  if constexpr (std::is_arithmetic_v<Type>)
    read_number(from, into, at);
  else if constexpr (std::is_enum_v<Type>) {
    std::underlying_type_t<Type> number{};
    read_number(from, number, at);
    into = static_cast<Type>(number);
  } else if constexpr (is_duration<Type>) {
    typename Type::rep count{};
    read_number(from, count, at);
    into = Type{count};
  } else if constexpr (std::same_as<Type, std::string>)
    into = from.text(at);
  else if constexpr (byte_array<Type>)
    read_bytes(from, into, at);
  else if constexpr (is_a<Type, std::optional>)
    read_optional(from, into, at);
  else if constexpr (is_a<Type, std::variant>)
    read_variant(from, into, at);
  else if constexpr (std::same_as<Type, std::monostate>)
    from.nil(at);
  else if constexpr (tuple_like<Type> || is_array<Type>)
    read_tuple(from, into, at);
  else if constexpr (map_like<Type>)
    read_map(from, into, at);
  else if constexpr (container<Type>)
    read_sequence(from, into, at);
  else if constexpr (std::is_aggregate_v<Type>)
    read_aggregate(from, into, &at);
  else
    static_assert(never<Type>, "wire: this type cannot be decoded");
}

} // namespace inside

/// `std::length_error` for what has more than 2^32 elements or bytes.
template <class Message>
std::string encode(const Message& message) {
  writer to;
  inside::write(to, message);
  return to.take();
}

/// Throws `bad_message`.
template <class Message>
Message decode(std::string_view body, const limits& most = {}) {
  Message made{};
  reader from{body, most};
  constexpr bool any = inside::is_a<Message, std::variant>;
  const place whole{nullptr, any ? "message" : inside::name_of<Message>()};
  if constexpr (std::is_class_v<Message> && std::is_aggregate_v<Message> &&
                !inside::is_array<Message>)
    inside::read_aggregate(from, made, nullptr);
  else
    inside::read(from, made, whole);
  return made;
}

/// Sets `failed` to `std::errc::bad_message`, or nothing.
template <class Message>
Message decode(std::string_view body, const limits& most,
               std::error_code& failed) {
  try {
    failed.clear();
    return decode<Message>(body, most);
  } catch (const bad_message& error) {
    failed = error.code();
    return Message{};
  }
}

} // namespace greenroom::wire
