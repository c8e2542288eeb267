#include "harness.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/actor_pool.hpp>

#include <functional>
#include <stdexcept>
#include <vector>

namespace bench {
namespace {

using namespace greenroom;

struct add {
  long number;
};
struct total {
  using reply = long;
};

class adder : public actor<add, total> {
public:
  explicit adder(long& sum) : sum_(sum) {}

private:
  void receive(add one) override { sum_ += one.number; }
  long receive(total) override { return sum_; }
  long& sum_;
};

/// As `counting`, by those that `to` means.
void add_up(const actor_ref<adder>& to, long messages) {
  long sent = 0;
  while (sent < messages) {
    for (long i = 0; i < 1024 && sent < messages; ++i, ++sent)
      to.send(add{1});
    if (to.ask(total{}).get() != sent)
      throw std::logic_error("messages were lost");
  }
}

figure through_pool(const setting& how) {
  return each_in_greenlet(how(5'000'000), [](long messages) {
    long sum = 0;
    actor_pool<adder> pool{4, std::ref(sum)};
    add_up(pool.reference(), messages);
    pool.stop();
  });
}

figure to_one_actor(const setting& how) {
  return each_in_greenlet(how(5'000'000), [](long messages) {
    long sum = 0;
    const auto one = spawn<adder>(sum);
    add_up(one, messages);
    one.stop();
  });
}

} // namespace

std::vector<row> pool_rows() {
  return {{"actor_pool",
           "ns per message, pool of 4",
           {goal_kind::value, 60},
           &through_pool,
           {{"the same to one actor", &to_one_actor}}}};
}

} // namespace bench
