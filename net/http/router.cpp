#include "target.hpp"

#include <greenroom/http/error.hpp>
#include <greenroom/http/router.hpp>

#include <algorithm>
#include <stdexcept>

namespace greenroom::http {
namespace {

using segments = std::vector<std::string_view>;

/// "a", "b" of "/a/b"; "a", "" of "/a/"; "" of "/".
segments split(std::string_view path) {
  segments all;
  while (!path.empty()) {
    path.remove_prefix(1); // the slash
    const std::size_t end = std::min(path.find('/'), path.size());
    all.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return all;
}

bool is_place(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool is_rest(std::string_view segment) {
  return is_place(segment) && segment.ends_with("...}");
}

std::string_view name_of(std::string_view place) {
  const std::size_t marks = is_rest(place) ? 5 : 2;
  return place.substr(1, place.size() - marks);
}

void check_path(std::string_view path) {
  const segments all = split(path.starts_with('/') ? path : "/");
  bool good = path.starts_with('/');
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool has_brace = all[i].find_first_of("{}") != std::string_view::npos;
    good = good && (!has_brace || is_place(all[i]));
    good = good && (!is_rest(all[i]) || i + 1 == all.size());
  }
  if (!good)
    throw std::invalid_argument("http::router: no path of a route: '" +
                                std::string(path) + '\'');
}

} // namespace

router& router::get(std::string_view path, handler handle) {
  return add("GET", path, std::move(handle));
}
router& router::put(std::string_view path, handler handle) {
  return add("PUT", path, std::move(handle));
}
router& router::post(std::string_view path, handler handle) {
  return add("POST", path, std::move(handle));
}
router& router::del(std::string_view path, handler handle) {
  return add("DELETE", path, std::move(handle));
}

router& router::add(std::string_view method, std::string_view path,
                    handler handle) {
  check_path(path);
  route added{std::string(method), {}, false, std::move(handle)};
  for (const std::string_view each : split(path))
    added.segments.emplace_back(each);
  added.takes_rest = is_rest(added.segments.back());
  routes_.push_back(std::move(added));
  return *this;
}

router& router::use(middleware around) {
  around_.push_back(std::move(around));
  return *this;
}

void router::operator()(request& asked, response& answer) const {
  call(0, asked, answer);
}

/// From the middleware of that number inwards.
void router::call(std::size_t inner, request& asked, response& answer) const {
  if (inner == around_.size()) return find_and_call(asked, answer);
  around_[inner](asked, answer, [this, inner](request& next, response& to) {
    call(inner + 1, next, to);
  });
}

bool router::fits(const route& candidate, const segments& path) {
  const std::size_t size = candidate.segments.size();
  if (candidate.takes_rest ? path.size() < size : path.size() != size)
    return false;
  for (std::size_t i = 0; i < size; ++i) {
    const std::string& segment = candidate.segments[i];
    if (is_rest(segment)) return true;
    if (is_place(segment) ? path[i].empty() : path[i] != segment) return false;
  }
  return true;
}

parameters router::values(const route& of, const segments& path) {
  parameters all;
  for (std::size_t i = 0; i < of.segments.size(); ++i) {
    if (!is_place(of.segments[i])) continue;
    std::string_view value = path[i];
    if (is_rest(of.segments[i])) // up to the end of the path
      value = {value.data(),
               static_cast<std::size_t>(path.back().data() +
                                        path.back().size() - value.data())};
    all.emplace_back(name_of(of.segments[i]), decoded(value));
  }
  return all;
}

const router::route* router::find(std::string_view method,
                                  const segments& path) const {
  for (const route& each : routes_)
    if (each.method == method && fits(each, path)) return &each;
  return nullptr;
}

std::string router::methods_of(const segments& path) const {
  std::string all;
  for (const route& each : routes_) {
    if (!fits(each, path) || all.find(each.method) != std::string::npos)
      continue;
    all += all.empty() ? each.method : ", " + each.method;
    if (each.method == "GET") all += ", HEAD";
  }
  return all;
}

void router::find_and_call(request& asked, response& answer) const {
  const segments path = split(asked.path());
  const route* found = find(asked.method(), path);
  if (!found && asked.method() == "HEAD") found = find("GET", path);
  if (found) {
    asked.route_values_ = values(*found, path);
    return found->handle(asked, answer);
  }
  const std::string methods = methods_of(path);
  if (methods.empty()) throw error(404);
  answer.set("Allow", methods);
  if (asked.method() == "OPTIONS") return answer.status(204).send({});
  answer.status(405).send(reason(405));
}

} // namespace greenroom::http
