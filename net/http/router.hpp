#pragma once

#include <greenroom/http/service.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::http {

/// Sees a request before its handler, and its response after it: calls `next`,
/// or answers itself.
///
///     void admins_only(request& asked, response& answer, const handler& next) {
///       if (!is_admin(asked)) throw error(403);
///       next(asked, answer);
///     }
using middleware =
    std::function<void(request&, response&, const handler& next)>;

/// Handlers by method and path. A handler itself.
///
/// The path of a route is compared segment by segment: `{name}` stands for any
/// one that is not empty, `{name...}`, at the end, for all the rest. Of several
/// routes that fit, the one added first is taken. An unknown path is answered
/// by 404, a known one with another method by 405, which names those there are;
/// HEAD is answered by GET's handler, and OPTIONS by their list, where they
/// have none of their own.
///
/// Ownership  A value.
/// Errors     `std::invalid_argument` for a path that does not begin with "/",
///            or has a bad place.
///
///     router routes;
///     routes.get("/rooms/{room}", [](request& asked, response& answer) {
///       answer.send(asked.route_value("room"));
///     });
///     server{{"127.0.0.1", 8000}, routes}.serve_forever();
class router {
public:
  router& get(std::string_view path, handler handle);
  router& put(std::string_view path, handler handle);
  router& post(std::string_view path, handler handle);
  router& del(std::string_view path, handler handle); ///< DELETE
  router& add(std::string_view method, std::string_view path, handler handle);

  /// Around all handlers, and 404; the first one added is the outermost.
  router& use(middleware around);

  void operator()(request& asked, response& answer) const;

private:
  struct route {
    std::string method;
    std::vector<std::string> segments; // "{name}" for a place
    bool takes_rest = false;           // by the last one
    handler handle;
  };

  static bool fits(const route& candidate,
                   const std::vector<std::string_view>& path);
  static parameters values(const route& of,
                           const std::vector<std::string_view>& path);
  void call(std::size_t inner, request& asked, response& answer) const;
  void find_and_call(request& asked, response& answer) const;
  const route* find(std::string_view method,
                    const std::vector<std::string_view>& path) const;
  std::string methods_of(const std::vector<std::string_view>& path) const;

  std::vector<route> routes_;
  std::vector<middleware> around_;
};

} // namespace greenroom::http
