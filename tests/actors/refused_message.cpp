// Must not compile: see compile_test.

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/actor_pool.hpp>
#include <greenroom/actors/address.hpp>
#include <greenroom/actors/inspect.hpp>
#include <greenroom/actors/loop_actor.hpp>

struct deposit {
  long amount;
};
struct balance {
  using reply = long;
};
struct unknown {};

class account : public greenroom::actor<deposit, balance> {
  void receive(deposit) override {}
  long receive(balance) override { return 0; }
};

#ifdef REPLY_TYPE
struct view {
  using reply = const long&;
};
using refused_reply = greenroom::reply_t<view>;
#elif defined(REPLY)
class forgetful : public greenroom::actor<balance> {
  void receive(balance) override {}
};
#elif defined(MISSING)
class deaf : public greenroom::actor<deposit, balance> {
  void receive(deposit) override {}
};
#elif defined(RECEIVE_TIMEOUT)
class tireless : public greenroom::actor<deposit> {
  void receive(deposit) override { set_receive_timeout({}); }
};
#elif defined(WITH_STATE)
auto refused_state(greenroom::actor_ref<greenroom::loop_actor<deposit>> of) {
  return greenroom::with_state(of, [](auto&) {});
}
#endif

class looping : public greenroom::loop_actor<deposit> {
  void run() override {}
};

void refused(greenroom::actor_ref<account> to) {
#ifdef SEND
  to.send(unknown{});
#elif defined(ASK)
  to.ask(unknown{});
#elif defined(SPAWN)
  greenroom::spawn<account>("not an argument");
  (void)to;
#elif defined(MISSING)
  greenroom::spawn<deaf>();
#elif defined(ADDRESS)
  const greenroom::address<deposit, unknown> wrong = to;
#elif defined(ADDRESS_SEND)
  greenroom::address<deposit>{to}.send(unknown{});
#elif defined(POOL)
  greenroom::actor_pool<account> wrong{1, "not an argument"};
#elif defined(POOL_LOOP)
  greenroom::actor_pool<looping> wrong{1};
#endif
}
