#pragma once

#include <greenroom/http/service.hpp>

#include <filesystem>
#include <memory>
#include <string_view>

namespace greenroom::http {

/// Answers with a file: its type by its name, the parts that are asked for
/// (Range), or that it has not changed (304). `error` 404 when there is none.
///
/// Waits      For the client; for the disk it blocks the thread.
/// Source     RFC 9110, 13 and 14.
void send_file(request& asked, response& answer,
               const std::filesystem::path& path);

/// The files below a folder, for a route whose last place, of whatever name,
/// takes the rest of the path. A folder is answered by its `index.html`.
/// Nothing outside is ever sent: "..", hidden files and links are not found.
///
/// Ownership  A value; keeps the folder open.
/// Errors     `std::system_error` when the folder cannot be opened.
///
///     routes.get("/static/{path...}", static_files("www"));
class static_files {
public:
  explicit static_files(const std::filesystem::path& folder);

  void operator()(request& asked, response& answer) const;

private:
  std::shared_ptr<const int> folder_; // a descriptor
};

/// "text/html; charset=utf-8" for "a.html"; "application/octet-stream" for what
/// is not known.
std::string_view media_type(std::string_view name);

} // namespace greenroom::http
