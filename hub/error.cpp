#include <greenroom/hub/error.hpp>

#include <greenroom/hub/timeout.hpp>

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <typeinfo>

namespace greenroom {
namespace {

class category final : public std::error_category {
public:
  const char* name() const noexcept override { return "greenroom"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
    case errc::timed_out:
      return "timed out";
    case errc::killed:
      return "the greenlet was killed";
    case errc::closed:
      return "closed";
    case errc::full:
      return "full";
    case errc::empty:
      return "empty";
    case errc::destroyed:
      return "the object was destroyed while waited on";
    case errc::dead:
      return "the actor is not alive";
    case errc::no_reply:
      return "dropped without a reply";
    case errc::busy:
      return "another greenlet is already waiting here";
    case errc::already_started:
      return "already started";
    case errc::name_taken:
      return "the name is taken";
    case errc::unknown_name:
      return "an unknown name";
    case errc::wrong_type:
      return "of another type";
    }
    return "unknown error " + std::to_string(value);
  }

  std::error_condition
  default_error_condition(int value) const noexcept override {
    if (static_cast<errc>(value) == errc::timed_out)
      return std::errc::timed_out;
    return {value, *this};
  }
};

std::string demangle(const char* name) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> text{
      abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free};
  return status == 0 ? text.get() : name;
}

} // namespace

const std::error_category& error_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

std::string describe(const std::exception_ptr& error) {
  if (!error) return "no error";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& caught) {
    return demangle(typeid(caught).name()) + ": " + caught.what();
  } catch (const timeout_expired& caught) {
    return "greenroom::timeout_expired: " + caught.text();
  } catch (const greenlet_exit&) {
    return "greenroom::greenlet_exit";
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return type ? demangle(type->name()) : "an unknown exception";
  }
}

std::string type_name(const std::type_info& type) {
  return demangle(type.name());
}

void throw_error(errc code, const std::string& what) {
  throw std::system_error(make_error_code(code), what);
}

} // namespace greenroom
