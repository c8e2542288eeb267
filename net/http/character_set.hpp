#pragma once

// Private to the http room.

#include <algorithm>
#include <array>
#include <string_view>

namespace greenroom::http {

inline constexpr std::string_view digits_and_letters =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

class character_set {
public:
  constexpr character_set(std::string_view some, std::string_view more) {
    for (const char each : some)
      has_[static_cast<unsigned char>(each)] = true;
    for (const char each : more)
      has_[static_cast<unsigned char>(each)] = true;
  }

  template <class Fits>
  constexpr explicit character_set(Fits fits) {
    for (unsigned each = 0; each < has_.size(); ++each)
      has_[each] = fits(static_cast<unsigned char>(each));
  }

  constexpr bool has(char each) const {
    return has_[static_cast<unsigned char>(each)];
  }
  constexpr bool has_all(std::string_view text) const {
    return std::all_of(text.begin(), text.end(),
                       [this](char each) { return has(each); });
  }

private:
  std::array<bool, 256> has_{};
};

/// RFC 9110, 5.6.2.
inline constexpr character_set in_token{digits_and_letters, "!#$%&'*+-.^_`|~"};

} // namespace greenroom::http
