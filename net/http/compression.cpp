#include "compressor.hpp"

#include <greenroom/http/compression.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <boost/beast/http/rfc7230.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace greenroom::http {
namespace {

namespace beast = boost::beast::http;

std::string_view plain(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

/// The `q` of an item of a list; 0 for one that is no number from 0 to 1.
double weight_of(const beast::param_list& all) {
  for (const auto& [name, value] : all) {
    if (!same_word(plain(name), "q")) continue;
    double weight = 0;
    const char* end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, weight);
    const bool good = parsed.ptr == end && weight >= 0 && weight <= 1;
    return good ? weight : 0;
  }
  return 1;
}

struct weights {
  std::optional<double> gzip;
  std::optional<double> any;
  std::optional<double> identity;
};

void read_weights(std::string list, weights& into) {
  list += ','; // else Beast gives a bare last item the parameters before it
  for (const auto& [coding, parameters] : beast::ext_list{list}) {
    const std::string_view name = plain(coding);
    if (same_word(name, "gzip") || same_word(name, "x-gzip"))
      into.gzip = weight_of(parameters);
    else if (same_word(name, "identity"))
      into.identity = weight_of(parameters);
    else if (name == "*")
      into.any = weight_of(parameters);
  }
}

/// Rather than, or as gladly as, none.
bool accepts_gzip(const fields& headers) {
  weights all;
  for (const field& each : headers)
    if (same_word(each.name, "Accept-Encoding"))
      read_weights(std::string(each.value), all);
  const double weight = all.gzip.value_or(all.any.value_or(0));
  return weight > 0 && weight >= all.identity.value_or(0);
}

std::string_view without_parameters(std::string_view type) {
  type = type.substr(0, type.find(';'));
  return type.substr(0, type.find_last_not_of(" \t") + 1);
}

} // namespace

// --- compressor -----------------------------------------------------------

bool compressor::fits(const fields& headers, std::uint64_t bytes) const {
  if (bytes < how_->least || headers.contains("Content-Encoding") ||
      headers.contains("Content-Range"))
    return false;
  const auto type = without_parameters(headers.get("Content-Type"));
  return std::any_of(how_->types.begin(), how_->types.end(),
                     [&](const auto& each) { return same_word(each, type); });
}

void compressor::announce_choice(fields& headers) {
  if (!headers.lists("Vary", "Accept-Encoding") && headers.get("Vary") != "*")
    headers.add("Vary", "Accept-Encoding");
}

bool compressor::begin(fields& headers, std::uint64_t bytes, bool head_only) {
  writer_.reset(); // a body before may have been given up
  if (!fits(headers, bytes)) return false;
  announce_choice(headers);
  if (!is_welcome_ || head_only) return false;
  writer_.emplace(how_->level, bytes);
  return true;
}

void compressor::announce(fields& headers) {
  headers.set("Content-Encoding", "gzip");
  headers.erase("Accept-Ranges");
  const std::string tag{headers.get("ETag")};
  if (tag.starts_with('"')) headers.set("ETag", "W/" + tag);
}

std::string_view compressor::next(std::string_view bytes,
                                  gzip_writer::until ends) {
  made_.clear();
  writer_->write(bytes, ends, made_);
  return made_;
}

std::string compressor::whole(std::string_view body) {
  std::string all;
  while (body.size() > slice) {
    writer_->write(body.substr(0, slice), gzip_writer::until::more, all);
    body.remove_prefix(slice);
    yield();
  }
  writer_->write(body, gzip_writer::until::end, all);
  return all;
}

// --- compressed -----------------------------------------------------------

class compressing {
public:
  explicit compressing(compression how)
      : how_(std::make_shared<const compression>(std::move(how))) {}

  void operator()(request& asked, response& answer, const handler& next) const {
    const bool is_welcome =
        asked.version() == 11 && accepts_gzip(asked.headers());
    if (!answer.begun())
      answer.compressor_ = std::make_unique<compressor>(how_, is_welcome);
    next(asked, answer);
  }

private:
  std::shared_ptr<const compression> how_;
};

middleware compressed(compression how) {
  if (how.level < 1 || how.level > 9)
    throw std::invalid_argument("http::compressed: no level: " +
                                std::to_string(how.level));
  return compressing{std::move(how)};
}

} // namespace greenroom::http
