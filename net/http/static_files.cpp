#include "date.hpp"

#include <greenroom/http/error.hpp>
#include <greenroom/http/static_files.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace greenroom::http {
namespace {

class descriptor {
public:
  explicit descriptor(int number) : number_(number) {}
  descriptor(descriptor&& other) noexcept
      : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() {
    if (number_ >= 0) close(number_);
  }
  int get() const { return number_; }

private:
  int number_;
};

/// O_NONBLOCK: a named pipe must not hold us up.
constexpr int reading = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

descriptor open_in(int folder, const std::string& name) {
  descriptor opened{openat(folder, name.c_str(), reading)};
  const bool missing = errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
                       errno == EACCES || errno == ENAMETOOLONG ||
                       errno == ENXIO;
  if (opened.get() < 0 && missing) throw error(404);
  if (opened.get() < 0)
    throw std::system_error(errno, std::system_category(), "open " + name);
  return opened;
}

struct stat facts_of(const descriptor& file) {
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0)
    throw std::system_error(errno, std::system_category(), "fstat");
  return facts;
}

// --- what is asked for ----------------------------------------------------

struct span_of_file {
  std::uint64_t first;
  std::uint64_t size;
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (text.empty() || parsed.ptr != end || parsed.ec != std::errc())
    return std::nullopt;
  return value;
}

/// Of a file of `size` bytes; nothing: all of it. Empty for a part that it does
/// not have. Several parts are not sent apart: who asks for them has
/// to take the whole.
std::optional<span_of_file> part_of(std::string_view range,
                                    std::uint64_t size) {
  constexpr std::string_view unit = "bytes=";
  if (!range.starts_with(unit)) return std::nullopt;
  range.remove_prefix(unit.size());
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = number(range.substr(0, dash));
  const auto last = number(range.substr(dash + 1));
  const bool to_end = dash + 1 == range.size();
  if (dash == 0 && last) { // so many at the end
    const std::uint64_t bytes = std::min(*last, size);
    return span_of_file{size - bytes, bytes};
  }
  if (!first || (!last && !to_end) || (last && *last < *first))
    return std::nullopt;
  if (*first >= size) return span_of_file{0, 0};
  const std::uint64_t end = last ? std::min(*last, size - 1) : size - 1;
  return span_of_file{*first, end - *first + 1};
}

std::string tag_of(const struct stat& facts) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "\"%llx-%llx\"",
                static_cast<unsigned long long>(facts.st_size),
                static_cast<unsigned long long>(facts.st_mtim.tv_sec) *
                        1'000'000'000 +
                    static_cast<unsigned long long>(facts.st_mtim.tv_nsec));
  return text.data();
}

bool has_changed(const request& asked, const std::string& tag,
                 std::time_t written) {
  if (asked.headers().contains("If-None-Match")) {
    const std::string_view tags = asked.header("If-None-Match");
    return tags != "*" && tags.find(tag) == std::string_view::npos;
  }
  const std::string_view since = asked.header("If-Modified-Since");
  if (since.empty()) return true;
  const std::time_t known = parse_date(since);
  return known < 0 || written > known;
}

bool wants_part(const request& asked, const std::string& tag,
                std::time_t written) {
  if (asked.method() != "GET") return false;
  const std::string_view same = asked.header("If-Range");
  return same.empty() || same == tag || same == date_text(written);
}

void refuse_range(response& answer, std::uint64_t size) {
  answer.status(416).set("Content-Range", "bytes */" + std::to_string(size));
  answer.send({});
}

void announce(const span_of_file& part, std::uint64_t size, response& answer) {
  answer.status(206).set("Content-Range",
                         "bytes " + std::to_string(part.first) + '-' +
                             std::to_string(part.first + part.size - 1) + '/' +
                             std::to_string(size));
}

void send_open(request& asked, response& answer, const descriptor& file,
               const struct stat& facts, std::string_view name) {
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  const std::string tag = tag_of(facts);
  const std::time_t written = facts.st_mtim.tv_sec;
  answer.set("Last-Modified", date_text(written)).set("ETag", tag);
  answer.set("Accept-Ranges", "bytes");
  if (!has_changed(asked, tag, written)) {
    answer.status(304).end();
    return;
  }
  const auto part = wants_part(asked, tag, written)
                        ? part_of(asked.header("Range"), size)
                        : std::nullopt;
  if (part && part->size == 0) return refuse_range(answer, size);
  if (part) announce(*part, size, answer);
  if (!answer.headers().contains("Content-Type"))
    answer.set("Content-Type", media_type(name));
  answer.send_file(file.get(), part ? part->first : 0,
                   part ? part->size : size);
}

/// Of which nobody says where it leads.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name.front() != '.' &&
         name.find('\0') == std::string_view::npos;
}

void check_method(const request& asked) {
  if (asked.method() != "GET" && asked.method() != "HEAD") throw error(405);
}

} // namespace

void send_file(request& asked, response& answer,
               const std::filesystem::path& path) {
  check_method(asked);
  const descriptor file{::open(path.c_str(), reading & ~O_NOFOLLOW)};
  if (file.get() < 0) throw error(404);
  const struct stat facts = facts_of(file);
  if (!S_ISREG(facts.st_mode)) throw error(404);
  send_open(asked, answer, file, facts, path.filename().string());
}

static_files::static_files(const std::filesystem::path& folder)
    : folder_(new int(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
              [](const int* number) {
                if (*number >= 0) close(*number);
                delete number;
              }) {
  if (*folder_ < 0)
    throw std::system_error(errno, std::system_category(),
                            "static_files: " + folder.string());
}

void static_files::operator()(request& asked, response& answer) const {
  check_method(asked);
  std::string_view rest = asked.last_route_value();
  descriptor here{open_in(*folder_, ".")};
  std::string name;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    name = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!is_plain_name(name)) throw error(404);
    here = open_in(here.get(), name);
  }
  struct stat facts = facts_of(here);
  const bool is_named_as_folder = asked.path().ends_with('/');
  if (S_ISDIR(facts.st_mode) != is_named_as_folder) {
    if (is_named_as_folder) throw error(404);
    return answer.status(301).redirect(std::string(asked.path()) + '/');
  }
  if (is_named_as_folder) {
    name = "index.html";
    here = open_in(here.get(), name);
    facts = facts_of(here);
  }
  if (!S_ISREG(facts.st_mode)) throw error(404);
  send_open(asked, answer, here, facts, name);
}

std::string_view media_type(std::string_view name) {
  struct known {
    std::string_view ending;
    std::string_view type;
  };
  static constexpr std::array all{
      known{".html", "text/html; charset=utf-8"},
      known{".htm", "text/html; charset=utf-8"},
      known{".css", "text/css; charset=utf-8"},
      known{".js", "text/javascript; charset=utf-8"},
      known{".mjs", "text/javascript; charset=utf-8"},
      known{".json", "application/json"},
      known{".txt", "text/plain; charset=utf-8"},
      known{".md", "text/markdown; charset=utf-8"},
      known{".csv", "text/csv; charset=utf-8"},
      known{".xml", "application/xml"},
      known{".svg", "image/svg+xml"},
      known{".png", "image/png"},
      known{".jpg", "image/jpeg"},
      known{".jpeg", "image/jpeg"},
      known{".gif", "image/gif"},
      known{".webp", "image/webp"},
      known{".ico", "image/vnd.microsoft.icon"},
      known{".pdf", "application/pdf"},
      known{".wasm", "application/wasm"},
      known{".woff2", "font/woff2"},
      known{".mp3", "audio/mpeg"},
      known{".mp4", "video/mp4"},
      known{".zip", "application/zip"},
      known{".gz", "application/gzip"},
  };
  for (const known& each : all)
    if (name.size() > each.ending.size() &&
        same_word(name.substr(name.size() - each.ending.size()), each.ending))
      return each.type;
  return "application/octet-stream";
}

} // namespace greenroom::http
