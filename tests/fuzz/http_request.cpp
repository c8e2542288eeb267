// Requests, pipelined and in pieces: the answers must not depend on how the
// bytes were cut.

#include "input_stream.hpp"

#include <greenroom/http/router.hpp>
#include <greenroom/http/service.hpp>

#include <cstdlib>
#include <string>

using namespace greenroom;

namespace {

http::router make_routes() {
  http::router routes;
  const auto all = [](http::request& asked, http::response& answer) {
    std::string told{asked.method()};
    told += asked.decoded_path();
    for (const auto& [name, value] : asked.query_values())
      told += name + '=' + value + ';';
    told += asked.cookie("a").value_or("");
    told += asked.route_value("rest");
    answer.send(told + asked.body());
  };
  routes.get("/{rest...}", all).post("/{rest...}", all);
  routes.post("/form", [](http::request& asked, http::response& answer) {
    answer.send(std::to_string(asked.form().size()));
  });
  routes.put("/pieces", [](http::request& asked, http::response& answer) {
    char piece[7];
    std::string all;
    while (const std::size_t bytes = asked.read_some(piece))
      all.append(piece, bytes);
    answer.write(all);
  });
  routes.del("/unread", [](http::request&, http::response&) {});
  return routes;
}

std::string answers_to(std::string_view said, std::size_t piece) {
  static const http::router routes = make_routes();
  fuzz::input_stream client{said, piece};
  serve(client, routes);
  std::string written = client.written();
  for (auto at = written.find("\r\nDate: "); at != std::string::npos;
       at = written.find("\r\nDate: ", at))
    written.erase(at, written.find("\r\n", at + 2) - at);
  return written;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  fuzz::use_virtual_clock();
  const std::string_view said = fuzz::text(data, size);
  const std::string whole = answers_to(said, 1 << 20);
  if (answers_to(said, 1) != whole) std::abort();
  return 0;
}
