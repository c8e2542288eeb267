#include <greenroom/wire/reply.hpp>

#include <greenroom/hub/error.hpp>

#include <array>
#include <system_error>
#include <utility>

namespace greenroom::wire::inside {
namespace {

const std::array<std::pair<std::error_code, const char*>, 6> statuses{{
    {errc::dead, "dead"},
    {errc::timed_out, "timed_out"},
    {errc::no_reply, "no_reply"},
    {errc::full, "full"},
    {errc::closed, "closed"},
    {std::make_error_code(std::errc::bad_message), "bad_message"},
}};

} // namespace

std::string refusal(std::string_view status, std::string_view text) {
  writer to;
  to.array(2);
  to.text(status);
  to.text(text);
  return to.take();
}

std::string refusal_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::system_error& failed) {
    for (const auto& [code, name] : statuses)
      if (failed.code() == code) return refusal(name, failed.what());
    return refusal("failed", failed.what());
  } catch (const std::exception& failed) {
    return refusal("failed", failed.what());
  } catch (...) { // of a result, not of ours: no kill
    return refusal("failed", describe(error));
  }
}

void read_status(reader& from) {
  const place whole{nullptr, "reply"};
  if (from.array(whole) != 2) from.fail(whole, "expected [status, value]");
  const place first{nullptr, "reply", {}, 1};
  const std::string_view status = from.text(first);
  if (status == "ok") return;
  const std::string text{from.text({nullptr, "reply", {}, 2})};
  for (const auto& [code, name] : statuses)
    if (status == name) throw std::system_error(code, "asked afar: " + text);
  throw remote_error(text);
}

} // namespace greenroom::wire::inside
