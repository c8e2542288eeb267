#include "hub/support.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <optional>
#include <thread>

namespace test {

captured_log::captured_log() {
  spdlog::drop("greenroom");
  auto logger = std::make_shared<spdlog::logger>(
      "greenroom", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
  logger->set_pattern("%l: %v");
  logger->set_level(spdlog::level::debug);
  spdlog::register_logger(std::move(logger));
  active = this;
}

captured_log::~captured_log() {
  spdlog::drop("greenroom");
  active = nullptr;
}

bool captured_log::has(const std::string& part) const {
  return mentions(text(), part);
}

int captured_log::count(const std::string& part) const {
  int found = 0;
  const std::string all = text();
  for (auto at = all.find(part); at != std::string::npos;
       at = all.find(part, at + part.size()))
    ++found;
  return found;
}

void in_hub_on(greenroom::clock_kind clock, const std::function<void()>& body,
               leftovers left) {
  std::optional<captured_log> quiet;
  if (!captured_log::active) quiet.emplace();
  std::exception_ptr error;
  std::thread thread([&] {
    try {
      auto& here = greenroom::hub::current();
      here.use_clock(clock);
      body();
      greenroom::idle();
      if (left == leftovers::refused)
        CHECK_MESSAGE(here.greenlets() == 1, here.listing());
    } catch (...) {
      error = std::current_exception();
    }
  });
  thread.join();
  if (error) std::rethrow_exception(error);
}

void in_hub(const std::function<void()>& body, leftovers left) {
  in_hub_on(greenroom::clock_kind::virtual_time, body, left);
}

} // namespace test
