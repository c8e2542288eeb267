// 10,000 connections of good clients at once, each served twice; then thousands
// of clients that are slow, or say nothing, so that others find no room. Says
// what memory each of them costs, and that none of them keeps anybody out.

#include "crowd.hpp"

#include <greenroom/http/client.hpp>
#include <greenroom/http/server.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

using test::account;
using test::crowd;
using test::plain_client;
using test::require;

constexpr std::size_t kib = 1024;

const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

void answer(http::request& asked, http::response& to) {
  static const std::string big(8 << 20, 'x');
  if (asked.path() == "/big") return to.send(big);
  if (asked.method() == "POST") return to.send(asked.body());
  to.send("hello");
}

void check_well(const http::server& here) {
  http::client web;
  const auto asked = now();
  const auto got = web.get("http://" + here.local().text() + "/").body();
  require(got == "hello" && now() - asked < 3s, "another one is served");
}

// --- good clients ---------------------------------------------------------

void play_good_clients(std::uint16_t port, const test::next_step& next,
                       std::size_t count) {
  next();
  std::vector<plain_client> all;
  for (std::size_t i = 0; i < count; ++i)
    all.emplace_back(port);
  for (int round = 0; round < 2; ++round) {
    if (round > 0) next();
    for (const plain_client& one : all)
      one.say(get);
    for (const plain_client& one : all)
      require(one.hear().starts_with("HTTP/1.1 200 OK"), "an answer");
  }
  next();
}

void serve_good_clients(std::size_t count) {
  const crowd clients{[&](std::uint16_t port, const test::next_step& next) {
    play_good_clients(port, next, count);
  }};
  http::server here{{"127.0.0.1", 0}, answer};
  here.start();
  check_well(here);
  clients.begin(here.local().port);
  const account cost{"served and idle", count};
  clients.step();
  require(here.connections() == count, "all are there");
  check_well(here);
  sleep(1500ms); // from when on it is idle
  cost.check(http::server::most_idle_bytes);
  clients.step();
  require(here.connections() == count, "all have stayed");
  sleep(1500ms);
  cost.check(http::server::most_idle_bytes);
  here.stop(1s);
}

// --- the others -----------------------------------------------------------

struct attack {
  const char* name;
  std::string said;
  std::string answer; // it begins so
  std::size_t most;   // bytes of memory, for each connection
  std::size_t count = 3000;
};

const std::vector<attack>& attacks() {
  const std::string field = "X-" + std::string(15'000, 'x');
  static const std::vector<attack> all{
      {"silent", "", "", http::server::most_idle_bytes},
      {"slow heads", get.substr(0, get.size() - 2) + field, "HTTP/1.1 408",
       http::server::most_idle_bytes + 32 * kib},
      {"slow bodies",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" + field,
       "HTTP/1.1 408", http::server::most_idle_bytes + 60 * kib},
      {"slow readers", "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200",
       http::server::most_idle_bytes, 300}, // the system keeps much for each
  };
  return all;
}

http::server_options strict() {
  http::server_options made;
  made.service.most.head = 16 * kib;
  made.service.most.idle_time = 3s;
  made.service.most.head_time = 3s;
  made.service.most.request_time = 3s;
  made.service.most.write_time = 3s;
  return made;
}

void play_attackers(std::uint16_t port, const test::next_step& next,
                    const attack& how, std::size_t count) {
  next();
  std::vector<plain_client> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.emplace_back(port);
    all.back().say(how.said);
  }
  next();
  for (const plain_client& one : all)
    require(one.hear().starts_with(how.answer), "told what was wrong");
}

void withstand(const attack& how, std::size_t count) {
  const crowd attackers{[&](std::uint16_t port, const test::next_step& next) {
    play_attackers(port, next, how, count);
  }};
  http::server here{{"127.0.0.1", 0}, answer, strict()};
  here.start();
  check_well(here);
  attackers.begin(here.local().port);
  const account cost{how.name, count};
  attackers.step();
  const auto since = now();
  check_well(here);
  require(here.connections() > count / 2, "they are there");
  cost.check(how.most);
  sleep(3s);
  attackers.step();
  while (here.connections() > 1) { // the last was our own
    require(now() - since < 20s, "the limits end them");
    sleep(20ms);
  }
  check_well(here);
  here.stop(0s);
}

} // namespace

int main() {
  const std::size_t count = test::affordable(10'000);
  test::apart([&] { serve_good_clients(count); });
  for (const attack& each : attacks())
    test::apart([&] { withstand(each, std::min(count, each.count)); });
}
