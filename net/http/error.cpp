#include <greenroom/http/error.hpp>

#include <ostream> // missing in the next

#include <boost/beast/http/status.hpp>

namespace greenroom::http {

error::error(int status, const std::string& text, std::vector<header> headers)
    : std::runtime_error(text.empty() ? std::string(reason(status)) : text),
      status_(status), headers_(std::move(headers)) {
}

std::string_view reason(int status) {
  namespace beast = boost::beast::http;
  const auto known = beast::int_to_status(static_cast<unsigned>(status));
  if (known == beast::status::unknown) return "Unknown";
  const auto words = beast::obsolete_reason(known);
  return {words.data(), words.size()};
}

} // namespace greenroom::http
