// Measures Greenroom beside yardsticks taken in the same run and prints one
// table. README.md in this folder says what each row is.

#include "harness.hpp"

#include <CLI/CLI.hpp>

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace {

std::vector<bench::row> all_rows() {
  std::vector<bench::row> all;
  for (auto group :
       {bench::actor_rows(), bench::pool_rows(), bench::program_rows(),
        bench::micro_rows(), bench::queue_rows(), bench::sync_rows(),
        bench::memory_rows(), bench::echo_rows(), bench::file_rows(),
        bench::hub_rows(), bench::inproc_rows()})
    std::move(group.begin(), group.end(), std::back_inserter(all));
#ifdef GREENROOM_BENCH_ZMQ
  auto zmq = bench::zmq_rows();
  std::move(zmq.begin(), zmq.end(), std::back_inserter(all));
#endif
  return all;
}

void keep_only(std::vector<bench::row>& rows,
               const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (std::none_of(rows.begin(), rows.end(),
                     [&](const auto& each) { return name == each.name; }))
      throw CLI::ValidationError("--only", "there is no row " + name);
  std::erase_if(rows, [&](const bench::row& each) {
    return std::find(names.begin(), names.end(), each.name) == names.end();
  });
}

/// Finds another CPU than the one to measure on, for a load client.
void choose_cpus(bench::setting& how) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  for (int cpu = 0; cpu < CPU_SETSIZE && how.other_cpu < 0; ++cpu)
    if (CPU_ISSET(cpu, &allowed) && cpu != std::max(how.cpu, 0))
      how.other_cpu = cpu;
}

bool write_json(const std::string& file, const std::string& text) {
  if (file == "-") {
    std::cout << text << std::flush;
    return bool(std::cout);
  }
  std::ofstream to{file};
  to << text << std::flush;
  if (!to) std::cerr << "bench: cannot write " << file << "\n";
  return bool(to);
}

} // namespace

int main(int argc, char** argv) {
  CLI::App options{"Measures Greenroom beside yardsticks of the same run."};
  std::string json_file;
  std::vector<std::string> only;
  int runs = 5;
  bench::setting how;
  bool alone = false;
  bool list = false;
  options.add_option("--json", json_file,
                     "also write the figures there; - "
                     "is standard output");
  options.add_option("--runs", runs, "of which the median counts")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  options.add_option("--only", only, "these rows, separated by commas")
      ->delimiter(',');
  options.add_option("--pin", how.cpu, "CPU to measure on");
  options.add_flag("--quick", how.quick, "small sizes: does it run at all?");
  options.add_flag("--alone", alone, "without the yardsticks");
  options.add_flag("--list", list, "print the names of the rows");
  auto rows = all_rows();
  try {
    options.parse(argc, argv);
    if (!only.empty()) keep_only(rows, only);
  } catch (const CLI::ParseError& error) {
    return options.exit(error);
  }
  if (list) {
    for (const bench::row& each : rows)
      std::printf("%s\n", each.name);
    return 0;
  }
  if (alone)
    for (bench::row& each : rows)
      each.beside.clear();
  choose_cpus(how);

  std::FILE* table = json_file == "-" ? stderr : stdout;
  std::vector<bench::outcome> all;
  bench::print_head(table);
  for (const bench::row& each : rows) {
    all.push_back(measure(each, how, runs));
    print(table, all.back());
  }
  bool well = std::none_of(all.begin(), all.end(),
                           [](const auto& each) { return each.failed(); });
  if (!json_file.empty()) well &= write_json(json_file, bench::json(all));
  return well ? 0 : 1;
}
