#include <greenroom/actors/inspect.hpp>

#include "actor_extras.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/wait.hpp>

namespace greenroom {
namespace {

actor_base& living(const reference_key& key, const char* what) {
  (void)greenlet_of(key); // throws when it is elsewhere
  actor_base* const actor = key.local();
  if (!actor) throw_error(errc::dead, what);
  return *actor;
}

} // namespace

std::optional<actor_info> inspect(const reference_key& actor) {
  (void)greenlet_of(actor); // throws when it is elsewhere
  const actor_base* const living = actor.local();
  if (!living) return {};
  return actor_access::info_of(*living);
}

std::vector<actor_info> inspect_all() {
  std::vector<actor_info> all;
  for (const reference_key& each : reference_key::all_here())
    all.push_back(*inspect(each));
  return all;
}

actor_info actor_access::info_of(const actor_base& actor) {
  const inbox_base& inbox = actor.own_inbox();
  actor_info info;
  info.key = actor.key();
  info.name = actor.name();
  info.inbox = inbox.size();
  info.stashed = inbox.stashed();
  info.capacity = inbox.capacity();
  info.dropped = inbox.dropped();
  info.handled = actor.handled_;
  if (const wait_record* wait = actor.waiting_on()) info.waits_in = wait->what;
  info.suspended = inbox.held();
  info.restarting = actor.dead();
  info.traps_exits = actor.traps_exits_;
  actor.describe_ties(info);
  return info;
}

void suspend(const reference_key& actor) {
  actor_base& held = living(actor, "suspend");
  inbox_access::hold(actor_access::inbox_of(held), true);
  actor_access::rest_anew(held);
}

void resume(const reference_key& actor) {
  actor_base& held = living(actor, "resume");
  inbox_access::hold(actor_access::inbox_of(held), false);
  actor_access::rest_anew(held);
}

void trace(const reference_key& actor,
           std::function<void(const traced_message&)> hook) {
  inbox_base& inbox = actor_access::inbox_of(living(actor, "trace"));
  if (!hook) return inbox_access::on_take(inbox, {});
  inbox_access::on_take(
      inbox, [actor, call = std::move(hook)](const envelope& taken) {
        try {
          const no_wait guard;
          call({actor, type_name(taken.type())});
        } catch (const greenlet_exit&) { // it ends after this message
          if (actor_base* const own = actor.local()) own->kill_soon();
        } catch (...) {
          log_error("the trace of '" + to_string(actor) + "' failed with " +
                    describe(std::current_exception()));
        }
      });
}

void inside::call_actor(const reference_key& to,
                        std::unique_ptr<envelope> call) {
  actor_base& actor = living(to, "with_state");
  inbox_access::add_call(actor_access::inbox_of(actor), std::move(call));
  actor_access::rest_anew(actor);
}

} // namespace greenroom
