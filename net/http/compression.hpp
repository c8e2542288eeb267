#pragma once

#include <greenroom/http/router.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace greenroom::http {

/// What is worth compressing, and how hard.
struct compression {
  /// Of Content-Type, without parameters. What is compressed by itself, images
  /// for example, has no place here.
  std::vector<std::string> types = {
      "text/html",        "text/plain",      "text/css",
      "text/javascript",  "text/csv",        "text/markdown",
      "text/xml",         "application/xml", "application/javascript",
      "application/json", "image/svg+xml",   "application/wasm"};
  std::size_t least = 1024; ///< bytes, of a body whose length is known
  int level = 4;            ///< 1: fastest, 9: smallest
};

/// A middleware: responses in gzip, to clients that accept it. A body that is
/// written in pieces is too; each can be read as soon as it has come.
///
/// Left as they are: the answers to HEAD and to HTTP/1.0, parts of a file
/// (206), what has a Content-Encoding already. A strong ETag becomes a weak
/// one, and caches are told (Vary). Files go through memory then, rather than
/// by sendfile(2).
///
/// Thread     One can serve several hubs.
/// Waits      Lets others run while a large body is compressed.
/// Errors     `std::invalid_argument` for a level that there is not.
/// Source     RFC 9110, 8.4 and 12.5.3; nginx's gzip.
///
/// Do not compress a secret in one body with what a stranger chose, over TLS:
/// the length tells how alike they are (BREACH).
///
///     routes.use(compressed());
middleware compressed(compression how = {});

} // namespace greenroom::http
