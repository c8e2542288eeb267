// Must not compile: see compile_test.

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/address.hpp>

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

void refused(greenroom::actor_ref<account> to) {
#ifdef SEND
  to.send(unknown{});
#elif defined(ASK)
  to.ask(unknown{});
#elif defined(SPAWN)
  greenroom::spawn<account>("not an argument");
  (void)to;
#elif defined(ADDRESS)
  const greenroom::address<deposit, unknown> wrong = to;
#elif defined(ADDRESS_SEND)
  greenroom::address<deposit>{to}.send(unknown{});
#endif
}
