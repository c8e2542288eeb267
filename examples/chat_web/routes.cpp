#include "routes.hpp"

#include "html.hpp"
#include "page_files.hpp"
#include "socket_session.hpp"

#include <greenroom/http/error.hpp>
#include <greenroom/http/json.hpp>
#include <greenroom/http/static_files.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/ws/socket.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace chat_web {
namespace {

using namespace std::chrono_literals;
namespace http = greenroom::http;
namespace ws = greenroom::ws;
using http::request;
using http::response;

constexpr std::size_t longest_name = 20;   // characters
constexpr std::size_t longest_form = 8192; // bytes

bool is_name(std::string_view text) {
  const auto allowed = [](char each) {
    return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
           (each >= '0' && each <= '9') || each == '-' || each == '_';
  };
  return !text.empty() && text.size() <= longest_name &&
         std::all_of(text.begin(), text.end(), allowed);
}

std::string name_in(const request& asked, std::string_view place) {
  const std::string_view name = asked.route_value(place);
  if (!is_name(name))
    throw http::error(404, "a name has 1 to 20 letters, digits, - or _");
  return std::string(name);
}

std::uint64_t number_in(const request& asked, std::string_view name) {
  const std::string text = asked.query_value(name).value_or("0");
  std::uint64_t number = 0;
  const auto [end, failed] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size())
    throw http::error(400, std::string(name) + " is no number");
  return number;
}

/// Nobody else's page may have this one's visitors say something.
void guard(request& asked, response& answer, const http::handler& next) {
  if (asked.method() == "POST" &&
      asked.header("Sec-Fetch-Site") == "cross-site")
    throw http::error(403, "not from another site");
  answer
      .set("Content-Security-Policy",
           "default-src 'none'; script-src 'self'; style-src 'self'; "
           "img-src 'self'; connect-src 'self'; form-action 'self'; "
           "base-uri 'none'; frame-ancestors 'none'")
      .set("X-Content-Type-Options", "nosniff")
      .set("Referrer-Policy", "no-referrer")
      .set("Cache-Control", "no-cache");
  next(asked, answer);
}

void send_page(response& answer, const std::string& page) {
  answer.send(page, "text/html; charset=utf-8");
}

/// A file that a page refers to.
void send_page_file(request& asked, response& answer) {
  const std::string_view name = asked.route_value("file");
  const auto found = page_files.find(name);
  if (found == page_files.end() || name.ends_with(".html"))
    throw http::error(404);
  answer.send(found->second, http::media_type(name));
}

/// From a name, and a room, that were typed to their page.
void follow_form(request& asked, response& answer) {
  std::string target;
  for (const char* field : {"room", "uid"}) {
    const auto name = asked.query_value(field);
    if (!name) continue;
    if (!is_name(*name))
      throw http::error(400, "a name has 1 to 20 letters, digits, - or _");
    target += '/' + *name;
  }
  answer.status(303).redirect(target.empty() ? "/" : target);
}

std::string as_html(const std::vector<event_ptr>& messages) {
  std::string made;
  for (const event_ptr& each : messages)
    made += "<li data-number=\"" + std::to_string(each->number) +
            "\" data-at=\"" + std::to_string(each->at) + "\"><b>" +
            escaped(each->from) + "</b> <span>" + escaped(each->text) +
            "</span></li>\n";
  return made;
}

std::string as_html(const std::vector<room_entry>& rooms,
                    const std::string& uid) {
  std::string made;
  for (const auto& [name, people] : rooms)
    made += "<li><a href=\"/" + escaped(name) + '/' + escaped(uid) + "\"><b>" +
            escaped(name) + "</b> <span>" + std::to_string(people) +
            " here</span></a></li>\n";
  return made;
}

/// Who was asked may have ended just now, for nobody needed it.
template <class Value>
Value answer_of(const greenroom::async_result<Value>& asked) {
  try {
    return asked.get();
  } catch (const std::system_error&) {
    throw http::error(503, "please try again", {{"Retry-After", "1"}});
  }
}

/// What all of them share.
class chat {
public:
  chat(house_ref house, const settings& chosen)
      : house_(std::move(house)), chosen_(chosen) {}

  void show_rooms(request& asked, response& answer) const;
  void show_room(request& asked, response& answer) const;
  void put(request& asked, response& answer) const;
  void poll(request& asked, response& answer) const;
  void open_socket(request& asked, response& answer) const;

private:
  found look_up(const std::string& uid, const std::string& room) const;
  visitor visitor_of(const request& asked, const std::string& uid,
                     std::string room) const;
  void poll_queue(const std::string& uid, response& answer) const;
  void poll_room(const visitor& of, response& answer) const;

  house_ref house_;
  settings chosen_;
};

found chat::look_up(const std::string& uid, const std::string& room) const {
  found both = answer_of(house_.ask(find{uid, room}));
  if (both.who == user_ref() || (!room.empty() && both.where == room_ref()))
    throw http::error(503, "the house is full, or closing",
                      {{"Retry-After", "10"}});
  return both;
}

visitor chat::visitor_of(const request& asked, const std::string& uid,
                         std::string room) const {
  const std::uint64_t after = number_in(asked, "after");
  const std::uint64_t presence = number_in(asked, "presence");
  const found both = look_up(uid, room);
  return {both.who, std::move(room), both.where, after, presence};
}

void chat::show_rooms(request& asked, response& answer) const {
  const std::string uid = name_in(asked, "uid");
  send_page(answer,
            filled_page("rooms.html",
                        {{"uid", escaped(uid)},
                         {"rooms",
                          as_html(answer_of(house_.ask(list_rooms{})), uid)}}));
}

void chat::show_room(request& asked, response& answer) const {
  const std::string room = name_in(asked, "room");
  const std::string uid = name_in(asked, "uid");
  const found both = look_up(uid, room);
  both.who.send(visit{room, both.where});
  send_page(answer, filled_page("room.html",
                                {{"room", escaped(room)},
                                 {"uid", escaped(uid)},
                                 {"messages", as_html(answer_of(both.where.ask(
                                                  list_messages{})))}}));
}

void chat::put(request& asked, response& answer) const {
  const std::string room = name_in(asked, "room");
  const std::string uid = name_in(asked, "uid");
  asked.limit_body(longest_form);
  const http::parameters form = asked.form();
  std::string text = http::value_of(form, "message").value_or("");
  std::string key = http::value_of(form, "key").value_or("").substr(0, 64);
  if (text.empty()) throw http::error(400, "a message, please");
  if (text.size() > longest_text)
    throw http::error(413, "a message has at most 2000 bytes");
  const found both = look_up(uid, room);
  const said done = answer_of(
      both.who.ask(say{room, both.where, std::move(text), std::move(key)}));
  if (done == said::too_fast)
    throw http::error(429, "too fast", {{"Retry-After", "1"}});
  if (done == said::nowhere) throw http::error(503);
  answer.send("");
}

void chat::poll(request& asked, response& answer) const {
  const std::string uid = name_in(asked, "uid");
  const auto room = asked.query_value("room");
  if (!room) return poll_queue(uid, answer);
  if (!is_name(*room)) throw http::error(404, "no such room");
  poll_room(visitor_of(asked, uid, *room), answer);
}

void chat::poll_queue(const std::string& uid, response& answer) const {
  const outbox_ptr queue = answer_of(look_up(uid, {}).who.ask(open_queue{}));
  const event_ptr next = queue->take(chosen_.poll_time);
  if (!next) return http::send_json(answer, nlohmann::json::array());
  http::send_json(answer, next->from + ':' + next->text);
}

void chat::poll_room(const visitor& of, response& answer) const {
  const stay here{of};
  answer.send(here.out()->take_all(chosen_.poll_time), "application/json");
}

void chat::open_socket(request& asked, response& answer) const {
  const std::string room = name_in(asked, "room");
  const std::string uid = name_in(asked, "uid");
  const visitor of = visitor_of(asked, uid, room);
  auto page = ws::socket::accept(asked, answer, {.most_bytes = longest_form});
  serve_socket(page, of);
}

} // namespace

http::router make_routes(house_ref house, const settings& chosen) {
  const chat here{std::move(house), chosen};
  const auto calls = [here](void (chat::*handle)(request&, response&) const) {
    return [here, handle](request& asked, response& answer) {
      (here.*handle)(asked, answer);
    };
  };
  http::router routes;
  routes.use(guard);
  routes.get("/", [](request&, response& answer) {
    send_page(answer, filled_page("choose.html", {}));
  });
  routes.get("/~enter", follow_form); // no name has a ~
  routes.get("/~page/{file}", send_page_file);
  routes.get("/ws/{room}/{uid}", calls(&chat::open_socket));
  routes.get("/{uid}", calls(&chat::show_rooms));
  routes.get("/{room}/{uid}", calls(&chat::show_room));
  routes.post("/put/{room}/{uid}", calls(&chat::put));
  routes.post("/poll/{uid}", calls(&chat::poll));
  return routes;
}

} // namespace chat_web
