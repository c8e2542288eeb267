#include "harness.hpp"

#include <nlohmann/json.hpp>

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>
#include <iterator>
#include <optional>

namespace bench {
namespace {

/// In a child process: so each run begins with the same clean heap.
std::optional<figure> run_apart(const char* name, work run,
                                const setting& how) {
  int ends[2];
  if (pipe(ends) != 0) return std::nullopt;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      if (how.cpu >= 0) pin_to(how.cpu);
      const figure done = run(how);
      const bool told = write(ends[1], &done, sizeof done) == sizeof done;
      _exit(told ? 0 : 1);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "bench: %s: %s\n", name, error.what());
      _exit(1);
    }
  }
  close(ends[1]);
  figure done;
  const bool told =
      child > 0 && read(ends[0], &done, sizeof done) == sizeof done;
  close(ends[0]);
  int status = 0;
  if (child > 0) waitpid(child, &status, 0);
  if (told && status == 0) return done;
  std::fprintf(stderr, "bench: %s failed (wait status %d)\n", name, status);
  return std::nullopt;
}

void add_run(outcome::series& to, const char* name, work run,
             const setting& how) {
  if (const auto done = run_apart(name, run, how)) to.runs.push_back(*done);
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text,
                value < 10    ? "%.2f"
                : value < 100 ? "%.1f"
                              : "%.0f",
                value);
  return text;
}

std::string goal_text(const goal& aim) {
  if (aim.kind == goal_kind::none) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "<= %.4g%s", aim.limit,
                aim.kind == goal_kind::ratio ? "x" : "");
  return text;
}

const char* verdict(const outcome& done) {
  if (done.failed()) return "failed";
  if (done.of->aim.kind == goal_kind::none) return "-";
  if (done.of_goal() <= 1) return "yes";
  return done.of_goal() <= 2 ? "twice" : "NO";
}

std::string spread(const outcome::series& all) {
  return number(all.least()) + ".." + number(all.most());
}

std::string rate_text(const outcome::series& all) {
  const double rate = all.median().rate;
  return rate > 0 ? "  " + number(rate / 1000) + " k/s" : "";
}

nlohmann::json json_of(const outcome& done) {
  nlohmann::json entry = {
      {"name", done.of->name},
      {"unit", done.of->unit},
      {"value", done.ours.median().value},
      {"min", done.ours.least()},
      {"max", done.ours.most()},
      {"yardstick", nullptr},
      {"ratio", nullptr},
      {"runs", done.ours.runs.size()},
  };
  if (const double rate = done.ours.median().rate; rate > 0)
    entry["per_second"] = rate;
  if (done.failed()) {
    entry["value"] = nullptr;
    return entry;
  }
  if (done.of->aim.kind != goal_kind::none) {
    entry["goal"] = goal_text(done.of->aim);
    entry["of_goal"] = done.of_goal();
  }
  for (std::size_t i = 0; i < done.beside.size(); ++i) {
    const figure median = done.beside[i].median();
    entry["yardsticks"].push_back({{"what", done.of->beside[i].what},
                                   {"value", median.value},
                                   {"min", done.beside[i].least()},
                                   {"max", done.beside[i].most()}});
    if (median.rate > 0) entry["yardsticks"].back()["per_second"] = median.rate;
  }
  if (!done.beside.empty()) {
    entry["yardstick"] = done.beside.front().median().value;
    entry["ratio"] = done.ratio();
  }
  return entry;
}

} // namespace

figure outcome::series::median() const {
  if (empty()) return {};
  auto sorted = runs;
  const auto middle =
      sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(
      sorted.begin(), middle, sorted.end(),
      [](const figure& a, const figure& b) { return a.value < b.value; });
  return *middle;
}

double outcome::series::least() const {
  double value = median().value;
  for (const figure& each : runs)
    value = std::min(value, each.value);
  return value;
}

double outcome::series::most() const {
  double value = 0;
  for (const figure& each : runs)
    value = std::max(value, each.value);
  return value;
}

bool outcome::failed() const {
  return ours.empty() ||
         std::any_of(beside.begin(), beside.end(),
                     [](const series& each) { return each.empty(); });
}

double outcome::ratio() const {
  if (beside.empty() || beside.front().empty()) return 0;
  return ours.median().value / beside.front().median().value;
}

double outcome::of_goal() const {
  switch (of->aim.kind) {
  case goal_kind::value:
    return ours.median().value / of->aim.limit;
  case goal_kind::ratio:
    return ratio() / of->aim.limit;
  case goal_kind::none:
    break;
  }
  return 0;
}

outcome measure(const row& each, const setting& how, int runs) {
  outcome done{&each, {}, {}};
  done.beside.resize(each.beside.size());
  for (int run = 0; run < runs; ++run) {
    add_run(done.ours, each.name, each.ours, how);
    for (std::size_t i = 0; i < each.beside.size(); ++i)
      add_run(done.beside[i], each.beside[i].what, each.beside[i].run, how);
  }
  return done;
}

constexpr const char* line_format =
    "%-22s %8s  %-36s %-14s %6s %9s  %-6s %4s%s\n";

void print_head(std::FILE* to) {
  std::fprintf(to, line_format, "row", "median", "unit", "min..max", "ratio",
               "goal", "within", "runs", "");
}

void print(std::FILE* to, const outcome& done) {
  const std::string runs = std::to_string(done.ours.runs.size());
  char ratio[16] = "-";
  if (done.ratio() > 0)
    std::snprintf(ratio, sizeof ratio, "%.2f", done.ratio());
  std::fprintf(to, line_format, done.of->name,
               number(done.ours.median().value).c_str(), done.of->unit,
               spread(done.ours).c_str(), ratio,
               goal_text(done.of->aim).c_str(), verdict(done), runs.c_str(),
               rate_text(done.ours).c_str());
  for (std::size_t i = 0; i < done.beside.size(); ++i)
    std::fprintf(
        to, line_format, "", number(done.beside[i].median().value).c_str(),
        (std::string(i ? "  and " : "  beside ") + done.of->beside[i].what)
            .c_str(),
        spread(done.beside[i]).c_str(), "", "", "", "",
        rate_text(done.beside[i]).c_str());
  std::fflush(to);
}

std::string json(const std::vector<outcome>& all) {
  auto list = nlohmann::json::array();
  std::transform(all.begin(), all.end(), std::back_inserter(list), json_of);
  return list.dump(2) + "\n";
}

double cpu_nanoseconds() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e9 +
         static_cast<double>(used.tv_nsec);
}

void pin_to(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0)
    std::fprintf(stderr, "bench: cannot run on CPU %d\n", cpu);
}

} // namespace bench
