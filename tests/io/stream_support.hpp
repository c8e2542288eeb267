#pragma once

// Streams of each kind, for what holds for all of them.

#include "io/tcp_support.hpp"

#include <greenroom/io/stream.hpp>
#include <greenroom/io/unix.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace test {

using greenroom::stream;
using greenroom::unix_socket;

/// Two ends of one.
struct stream_pair {
  std::unique_ptr<stream> near;
  std::unique_ptr<stream> far;
};

struct stream_kind {
  const char* name;
  std::function<stream_pair()> make;
};

template <class Stream>
stream_pair pair_of(Stream&& near, Stream&& far) {
  return {std::make_unique<Stream>(std::forward<Stream>(near)),
          std::make_unique<Stream>(std::forward<Stream>(far))};
}

inline const std::vector<stream_kind>& stream_kinds() {
  static const std::vector<stream_kind> all{
      {"tcp",
       [] {
         connection c;
         return pair_of(std::move(c.near), std::move(c.far));
       }},
      {"unix",
       [] {
         auto [near, far] = greenroom::socketpair();
         return pair_of(std::move(near), std::move(far));
       }},
  };
  return all;
}

/// Until the end of the stream.
inline std::string read_all(stream& from) {
  std::string text;
  std::array<char, 4096> part;
  while (const std::size_t bytes = from.read_some(part))
    text.append(part.data(), bytes);
  return text;
}

/// `body` in a hub of its own for each kind, which leaves no descriptor.
template <class Body>
void with_each_kind(Body&& body) {
  for (const stream_kind& kind : stream_kinds()) {
    CAPTURE(kind.name);
    in_real_hub([&] {
      kind.make(); // what the hub itself opens
      const std::size_t before = open_descriptors();
      {
        stream_pair ends = kind.make();
        body(*ends.near, *ends.far);
      }
      CHECK(open_descriptors() == before);
    });
  }
}

} // namespace test
