// Connecting: one address after the other, side by side where one is slow.

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/resolve.hpp>
#include <greenroom/io/tcp.hpp>

#include "socket_core.hpp"
#include "tcp_endpoints.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace greenroom {

using endpoint = asio::ip::tcp::endpoint;
using namespace std::chrono_literals;

std::vector<endpoint> endpoints_of(const tcp_address& name, deadline until,
                                   std::error_code& failed) {
  std::vector<endpoint> all;
  for (const std::string& each : resolve(name.host, until, failed))
    all.emplace_back(asio::ip::make_address(each), name.port);
  return all;
}

namespace {

constexpr auto head_start = 250ms; // RFC 8305, section 8

/// The first address, then one of the other kind, and so on in turns: a kind
/// that leads nowhere costs one head start, not one for each address.
std::vector<endpoint> in_turns(const std::vector<endpoint>& all) {
  const bool six = all.front().address().is_v6();
  const auto is_first_kind = [six](const endpoint& each) {
    return each.address().is_v6() == six;
  };
  std::vector<endpoint> sorted = all;
  const auto middle =
      std::stable_partition(sorted.begin(), sorted.end(), is_first_kind);
  std::vector<endpoint> mixed;
  auto first = sorted.begin();
  auto other = middle;
  while (first != middle || other != sorted.end()) {
    if (first != middle) mixed.push_back(*first++);
    if (other != sorted.end()) mixed.push_back(*other++);
  }
  return mixed;
}

} // namespace

/// Attempts to connect to several addresses, of which the first to succeed is
/// wanted. The attempts share it, and end by themselves when it is over.
class tcp_race : public std::enable_shared_from_this<tcp_race> {
public:
  using core = tcp_socket::core;

  static void attempt(core& made, const endpoint& to, deadline until,
                      std::error_code& failed) {
    made.socket.open(to.protocol(), failed);
    if (!failed)
      made.socket.async_connect(to, use_greenlet[failed].until(until));
    failed = standard(failed);
  }

  static tcp_socket wrap(std::shared_ptr<core> made) {
    set_no_delay(made->socket);
    return tcp_socket{std::move(made)};
  }

  /// Null when all have failed.
  std::shared_ptr<core> run(const std::vector<endpoint>& to, deadline until,
                            std::error_code& failed) {
    const finish at_end{*this};
    for (const endpoint& each : to) {
      start(each, until);
      if (!wait_for_outcome(std::min(until, deadline{head_start})) &&
          until <= deadline{now()})
        break;
      if (winner_) break;
    }
    while (!winner_ && running_ > 0 && wait_for_outcome(until)) {
    }
    failed = winner_        ? std::error_code()
             : running_ > 0 ? make_error_code(errc::timed_out)
                            : first_error_;
    return winner_;
  }

private:
  struct finish {
    tcp_race& race;
    ~finish() {
      for (const any_greenlet& each : race.attempts_)
        each.kill_soon();
    }
  };

  void start(const endpoint& to, deadline until) {
    attempts_.push_back(spawn([race = shared_from_this(), to, until] {
      running attempt_here{*race};
      auto made = std::make_shared<core>();
      attempt(*made, to, until, attempt_here.failed);
      if (!attempt_here.failed && !race->winner_)
        race->winner_ = std::move(made);
    }));
    ++running_;
  }

  /// Counts an attempt's end, also when it is killed or throws.
  struct running {
    ~running() {
      --race.running_;
      if (!race.first_error_) race.first_error_ = failed;
      race.changed_.wake_all();
    }
    tcp_race& race;
    std::error_code failed{std::make_error_code(std::errc::operation_canceled)};
  };

  /// False when `until` passed without one.
  bool wait_for_outcome(deadline until) {
    return changed_.wait(until, "tcp_socket::connect", nullptr);
  }

  std::vector<any_greenlet> attempts_;
  std::size_t running_ = 0;
  std::shared_ptr<core> winner_;
  std::error_code first_error_;
  wait_list changed_;
};

tcp_socket tcp_socket::connect(const tcp_address& to, deadline until) {
  std::error_code failed;
  tcp_socket made = connect(to, until, failed);
  if (failed) throw std::system_error(failed, "connect to " + to.text());
  return made;
}

tcp_socket tcp_socket::connect(const tcp_address& to, deadline until,
                               std::error_code& failed) {
  const std::vector<endpoint> all = endpoints_of(to, until, failed);
  if (failed) return {};
  auto made = std::make_shared<core>();
  if (all.size() == 1)
    tcp_race::attempt(*made, all.front(), until, failed);
  else
    made = std::make_shared<tcp_race>()->run(in_turns(all), until, failed);
  if (failed) return {};
  return tcp_race::wrap(std::move(made));
}

} // namespace greenroom
