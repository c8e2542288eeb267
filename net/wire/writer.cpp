#include <greenroom/wire/writer.hpp>

#define MSGPACK_NO_BOOST
#include <msgpack/pack.hpp>

#include <limits>
#include <stdexcept>

namespace greenroom::wire {
namespace {

struct text_end {
  void write(const char* data, std::size_t size) { to.append(data, size); }
  std::string& to;
};

template <class Call>
void pack(std::string& to, Call&& call) {
  text_end end{to};
  msgpack::packer<text_end> made(end);
  call(made);
}

std::uint32_t counted(std::size_t size) {
  if (size > std::numeric_limits<std::uint32_t>::max())
    throw std::length_error("wire::encode: more than MessagePack can count");
  return static_cast<std::uint32_t>(size);
}

} // namespace

void writer::nil() {
  pack(out_, [](auto& to) { to.pack_nil(); });
}

void writer::boolean(bool value) {
  pack(out_, [&](auto& to) { value ? to.pack_true() : to.pack_false(); });
}

void writer::integer(std::int64_t value) {
  pack(out_, [&](auto& to) { to.pack_int64(value); });
}

void writer::natural(std::uint64_t value) {
  pack(out_, [&](auto& to) { to.pack_uint64(value); });
}

void writer::real(double value) {
  pack(out_, [&](auto& to) { to.pack_double(value); });
}

void writer::real(float value) {
  pack(out_, [&](auto& to) { to.pack_float(value); });
}

void writer::text(std::string_view value) {
  pack(out_, [&](auto& to) {
    to.pack_str(counted(value.size()));
    to.pack_str_body(value.data(), counted(value.size()));
  });
}

void writer::bytes(const void* data, std::size_t size) {
  pack(out_, [&](auto& to) {
    to.pack_bin(counted(size));
    to.pack_bin_body(static_cast<const char*>(data), counted(size));
  });
}

void writer::array(std::size_t elements) {
  pack(out_, [&](auto& to) { to.pack_array(counted(elements)); });
}

void writer::map(std::size_t pairs) {
  pack(out_, [&](auto& to) { to.pack_map(counted(pairs)); });
}

} // namespace greenroom::wire
