#include "socket_session.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <system_error>
#include <utility>

namespace chat_web {
namespace {

namespace ws = greenroom::ws;
using nlohmann::json;

std::string text_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return found->get<std::string>();
}

const char* refusal(const std::string& text) {
  if (text.empty()) return "empty";
  return text.size() > longest_text ? "too long" : nullptr;
}

/// What becomes of a message, for its page to know.
json say_it(const visitor& of, const json& wish) {
  std::string text = text_in(wish, "say");
  std::string key = text_in(wish, "key").substr(0, 64);
  const char* why = refusal(text);
  if (!why) {
    const said done =
        of.who.ask(say{of.room, of.where, std::move(text), key}).get();
    if (done == said::well) return {{"type", "said"}, {"key", key}};
    why = done == said::too_fast ? "too fast" : "nowhere";
  }
  return {{"type", "refused"}, {"key", key}, {"why", why}};
}

/// Until the page is gone, or sends what no page of ours does.
void listen(ws::socket& page, outbox& out, const visitor& of) {
  std::error_code failed;
  while (const auto came = page.receive({}, failed)) {
    const json wish = json::parse(came->data, nullptr, false);
    if (!wish.is_object()) return out.close(ws::close_code::policy_error);
    if (wish.contains("say"))
      out.put(make_event(say_it(of, wish)));
    else
      out.put(make_event({{"type", "pong"}}));
  }
  out.close(ws::close_code::normal);
}

void write_all(ws::socket& page, outbox& out) {
  std::error_code failed;
  for (std::string all = out.take_all(); all != "[]"; all = out.take_all()) {
    page.send(all, {}, failed);
    if (failed) return;
  }
  page.close(out.close_code());
}

} // namespace

stay::stay(const visitor& of) : who_(of.who), room_(of.room) {
  who_.send(connect{room_, of.where, out_, of.after, of.presence});
}

stay::~stay() {
  who_.send(disconnect{room_, out_});
}

void serve_socket(ws::socket& page, const visitor& of) {
  const stay here{of};
  greenroom::nursery([&](greenroom::nursery_scope& children) {
    const auto reader = children.spawn([&] {
      try {
        listen(page, *here.out(), of);
      } catch (const std::system_error&) { // the user is no more
        here.out()->close(ws::close_code::internal_error);
      }
    });
    write_all(page, *here.out());
    reader.kill();
  });
}

} // namespace chat_web
