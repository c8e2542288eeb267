// Teaches: a crawler that fetches from a site at most every 100 ms, three pages
//          at a time, and each page once. The frontier is an actor; fetchers
//          ask it for work in a loop of their own, and it keeps their requests
//          until there is some. The site is a fake.
// Run:     build/dev/bin/33_crawler
// Prints:  expected/33_crawler.txt

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/request.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <cstdio>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

/// What a page links to, after a while.
std::vector<std::string> fetch(const std::string& page) {
  static const std::map<std::string, std::vector<std::string>> site{
      {"/", {"/a", "/b", "/c"}},
      {"/a", {"/a/1", "/a/2", "/"}},
      {"/b", {"/a", "/c", "/b/1"}},
      {"/c", {"/nowhere"}},
      {"/a/1", {"/a/2"}}};
  sleep(250ms);
  const auto found = site.find(page);
  return found == site.end() ? std::vector<std::string>{} : found->second;
}

struct next_page { // the answer: none when all is done
  using reply = std::optional<std::string>;
};
struct found {
  std::vector<std::string> links;
};

class frontier : public actor<request<next_page>, found> {
public:
  explicit frontier(const std::string& start) : seen_{start}, todo_{start} {}

private:
  void receive(request<next_page> asked) override {
    idle_.push_back(std::move(asked));
    hand_out();
  }
  void receive(found page) override {
    --fetching_;
    for (const std::string& link : page.links)
      if (seen_.insert(link).second) todo_.push_back(link);
    hand_out();
  }

  void hand_out() {
    while (!idle_.empty() && !todo_.empty()) {
      sleep_until(next_turn_); // others may ask meanwhile: they wait in mail
      next_turn_ = now() + 100ms;
      std::printf("%4lld ms  %s\n", since_start(), todo_.front().c_str());
      idle_.front().reply(std::optional(todo_.front()));
      idle_.pop_front();
      todo_.pop_front();
      ++fetching_;
    }
    if (todo_.empty() && fetching_ == 0)
      for (auto& each : std::exchange(idle_, {}))
        each.reply(std::nullopt);
  }

  long long since_start() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now() - start_)
        .count();
  }

  std::set<std::string> seen_;
  std::deque<std::string> todo_;
  std::deque<request<next_page>> idle_;
  int fetching_ = 0;
  const steady_time start_ = now();
  steady_time next_turn_ = start_;
};

int main() {
  const auto pages = spawn<frontier>("/");
  std::vector<any_greenlet> fetchers;
  for (int i = 0; i < 3; ++i)
    fetchers.push_back(spawn([pages] {
      while (const auto page = pages.ask(next_page{}).get())
        pages.send(found{fetch(*page)});
    }));
  joinall(fetchers);
  std::puts("all pages are fetched");
}
