// The rows of servers that say everything twice.

#include "echo_client.hpp"
#include "harness.hpp"

#include <algorithm>
#include <chrono>

namespace bench {
namespace {

/// Where a server runs, and that this process runs elsewhere.
int place(const setting& how) {
  if (how.other_cpu < 0) return how.cpu;
  pin_to(how.other_cpu);
  return std::max(how.cpu, 0);
}

/// CPU of the server for each unit that `load(milliseconds)` gets done.
template <class Load>
figure cost_of(server_process& server, const setting& how, Load&& load) {
  load(how.quick ? 20 : 300);
  const double used_before = server.cpu_time();
  const auto begin = std::chrono::steady_clock::now();
  const double done = load(how.quick ? 50 : 2000);
  const std::chrono::duration<double> time =
      std::chrono::steady_clock::now() - begin;
  const double used = server.cpu_time() - used_before;
  server.end(); // before the client, or it would complain of resets
  return {used / done, done / time.count()};
}

template <echo_server Serve, transport Over, std::size_t Connections,
          std::size_t Depth>
figure echo(const setting& how) {
  server_process server{Serve, place(how)};
  const std::size_t connections =
      how.quick ? std::min<std::size_t>(Connections, 500) : Connections;
  load_client client{server.port(), Over, connections, Depth};
  return cost_of(server, how, [&](long time) { return client.run_for(time); });
}

template <echo_server Serve>
figure visits(const setting& how) {
  server_process server{Serve, place(how)};
  return cost_of(server, how,
                 [&](long time) { return visit_for(server.port(), time); });
}

template <echo_server Serve, std::size_t Connections>
figure calls(const setting& how) {
  server_process server{Serve, place(how)};
  load_client client{server.port(), transport::tcp, Connections, 1};
  client.run_for(how.quick ? 20 : 300);
  const call_counter counter{server.process()};
  const double before = counter.calls();
  const double messages = client.run_for(how.quick ? 50 : 1000);
  return {(counter.calls() - before) / messages};
}

template <echo_server Serve>
constexpr work datagrams = &echo<Serve, transport::udp, 100, 1>;

constexpr auto tcp = transport::tcp;
constexpr std::size_t deep = load_client::most_deep;

template <std::size_t Connections, std::size_t Depth>
row tcp_row(const char* name, const char* unit, goal aim) {
  return {name,
          unit,
          aim,
          &echo<&greenroom_echo, tcp, Connections, Depth>,
          {{"raw epoll", &echo<&epoll_echo, tcp, Connections, Depth>},
           {"Asio callbacks", &echo<&asio_echo, tcp, Connections, Depth>},
#ifdef GREENROOM_BENCH_GO
           {"Go", &echo<&go_echo, tcp, Connections, Depth>}
#endif
          }};
}

} // namespace

std::vector<row> echo_rows() {
  constexpr goal as_epoll{goal_kind::ratio, 1.0};
  constexpr goal none{};
  std::vector<row> rows = {
      tcp_row<100, 1>("tcp_echo", "us server CPU per request", as_epoll),
      tcp_row<1, 1>("tcp_echo_1", "us server CPU, 1 connection", none),
      tcp_row<10'000, 1>("tcp_echo_10k", "us server CPU, 10,000 connections",
                         none),
      tcp_row<100, deep>("tcp_echo_pipelined", "us server CPU, 16 deep",
                         {goal_kind::ratio, 1.11}), // 0.9 of its rate
      {"tcp_accept",
       "us server CPU per connection",
       none,
       &visits<&greenroom_echo>,
       {{"raw epoll", &visits<&epoll_echo>},
        {"Asio callbacks", &visits<&asio_echo>},
#ifdef GREENROOM_BENCH_GO
        {"Go", &visits<&go_echo>}
#endif
       }},
      {"udp_echo",
       "us server CPU per datagram",
       none,
       datagrams<&greenroom_datagrams>,
       {{"blocking calls", datagrams<&blocking_datagrams>},
        {"Asio callbacks", datagrams<&asio_datagrams>},
#ifdef GREENROOM_BENCH_GO
        {"Go", datagrams<&go_datagrams>}
#endif
       }},
  };
  if (call_counter::is_possible())
    rows.push_back({"tcp_echo_calls",
                    "system calls per request",
                    none,
                    &calls<&greenroom_echo, 100>,
                    {{"raw epoll", &calls<&epoll_echo, 100>},
                     {"Asio callbacks", &calls<&asio_echo, 100>},
#ifdef GREENROOM_BENCH_GO
                     {"Go", &calls<&go_echo, 100>}
#endif
                    }});
  return rows;
}

} // namespace bench
