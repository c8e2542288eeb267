#include "date.hpp"

#include <array>
#include <cstdio>
#include <iomanip>
#include <locale>
#include <sstream>

namespace greenroom::http {

std::string date_text(std::time_t when) {
  constexpr std::string_view days = "SunMonTueWedThuFriSat";
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  std::tm utc{};
  gmtime_r(&when, &utc);
  const auto day = days.substr(static_cast<std::size_t>(utc.tm_wday) * 3, 3);
  const auto month = months.substr(static_cast<std::size_t>(utc.tm_mon) * 3, 3);
  std::array<char, 80> text{};
  const int size = std::snprintf(
      text.data(), text.size(), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
      day.data(), utc.tm_mday, month.data(), utc.tm_year + 1900, utc.tm_hour,
      utc.tm_min, utc.tm_sec);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::time_t parse_date(std::string_view text) {
  std::istringstream in{std::string(text)};
  in.imbue(std::locale::classic());
  std::tm utc{};
  in >> std::get_time(&utc, "%a, %d %b %Y %H:%M:%S GMT");
  return in.fail() ? -1 : timegm(&utc);
}

} // namespace greenroom::http
