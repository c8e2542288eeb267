#include <greenroom/actors/supervisor.hpp>

#include "child_elsewhere.hpp"
#include "supervisor_core.hpp"

#include <greenroom/hub/error.hpp>

#include <stdexcept>
#include <utility>

namespace greenroom {

supervisor::supervisor(restart_strategy strategy, supervisor_options options)
    : owned_(std::make_shared<supervisor_core>(strategy, std::move(options))) {
  core_ = owned_;
}

supervisor::~supervisor() {
  supervisor_core::end(std::move(owned_));
}

std::shared_ptr<supervisor_core> supervisor_ref::core() const {
  auto held = core_.lock();
  if (!held || held->is_over)
    throw_error(errc::dead, "a supervisor that is over");
  return held;
}

namespace {

[[noreturn]] void refuse(const supervisor_core& core, const char* why) {
  throw std::invalid_argument(core.named() + why);
}

} // namespace

// Each call keeps what it calls: the supervisor may be destroyed meanwhile.

reference_key supervisor_ref::add_actor(std::string id,
                                        const child_options& how,
                                        maker make) const {
  const auto kept = core();
  if (kept->strategy == dynamic) refuse(*kept, " is dynamic: use start_child");
  return kept->by_runner(
      [id = std::move(id), how, make = std::move(make)](auto& core) mutable {
        auto& added = core.add(std::move(id), how, child_kind::actor);
        added.make = std::move(make);
        return core.start_in_place(added);
      });
}

reference_key supervisor_ref::start_nameless(maker make) const {
  const auto kept = core();
  if (kept->strategy != dynamic) refuse(*kept, " is not dynamic: use add");
  if (!kept->running()) refuse(*kept, " is not running");
  return kept->by_runner([make = std::move(make)](auto& core) mutable {
    auto& added = core.add_nameless();
    added.make = std::move(make);
    return core.start_in_place(added);
  });
}

reference_key supervisor_ref::add_actor(std::string id, on there,
                                        const child_options& how,
                                        maker make) const {
  if (there.where.is_here())
    return add_actor(std::move(id), how, std::move(make));
  const auto kept = core();
  if (kept->strategy == dynamic) refuse(*kept, " is dynamic: use start_child");
  const auto away = far_child::reserve(there.where, how, std::move(make));
  return kept->by_runner([id = std::move(id), how, away](auto& core) mutable {
    auto& added = core.add(std::move(id), how, child_kind::actor);
    added.make = stand_in_for(away);
    return core.start_in_place(added, away->key);
  });
}

reference_key supervisor_ref::start_nameless(on there, maker make) const {
  if (there.where.is_here()) return start_nameless(std::move(make));
  const auto kept = core();
  if (kept->strategy != dynamic) refuse(*kept, " is not dynamic: use add");
  if (!kept->running()) refuse(*kept, " is not running");
  const auto away =
      far_child::reserve(there.where, kept->options.children, std::move(make));
  return kept->by_runner([away](auto& core) {
    auto& added = core.add_nameless();
    added.make = stand_in_for(away);
    return core.start_in_place(added, away->key);
  });
}

void supervisor_ref::add(std::string id, child_options how,
                         std::function<void()> function) const {
  const auto kept = core();
  if (kept->strategy == dynamic) refuse(*kept, " is dynamic: use start_child");
  kept->by_runner([id = std::move(id), how,
                   function = std::move(function)](auto& core) mutable {
    auto& added = core.add(std::move(id), how, child_kind::greenlet);
    added.function = std::move(function);
    core.add_and_start(added);
  });
}

supervisor_ref
supervisor_ref::add_supervisor(std::string id, child_options how,
                               restart_strategy strategy,
                               supervisor_options options) const {
  const auto kept = core();
  if (kept->strategy == dynamic) refuse(*kept, " is dynamic: use start_child");
  if (options.name == supervisor_options{}.name) options.name = id;
  auto made = std::make_unique<supervisor>(strategy, std::move(options));
  const supervisor_ref tree = *made;
  made->owned_->is_child = true;
  kept->by_runner(
      [id = std::move(id), how, made = std::move(made)](auto& core) mutable {
        auto& added = core.add(std::move(id), how, child_kind::supervisor);
        added.tree = std::move(made);
        core.add_and_start(added);
      });
  return tree;
}

void supervisor_ref::start() const {
  const auto kept = core();
  if (kept->is_child)
    refuse(*kept, " is started by the one that it was added to");
  kept->start();
}

void supervisor_ref::stop(exit_reason why) const {
  if (const auto kept = core_.lock()) kept->stop(std::move(why));
}

void supervisor_ref::stop_soon(exit_reason why) const {
  if (const auto kept = core_.lock()) kept->stop_soon(std::move(why));
}

bool supervisor_ref::join(deadline until) const {
  const any_greenlet last = greenlet();
  return !last || last.join(until);
}

bool supervisor_ref::running() const {
  const auto kept = core_.lock();
  return kept && kept->running();
}

exit_reason supervisor_ref::reason() const {
  const auto kept = core_.lock();
  return kept ? kept->reason : exit_kind::noproc;
}

any_greenlet supervisor_ref::greenlet() const {
  const auto kept = core_.lock();
  return kept ? kept->greenlet() : any_greenlet{};
}

void supervisor_ref::terminate(const std::string& id) const {
  core()->by_runner([id](auto& core) { core.terminate(core.get(id), false); });
}

void supervisor_ref::terminate_nameless(const reference_key& child) const {
  core()->by_runner(
      [child](auto& core) { core.terminate(core.by_key(child), true); });
}

void supervisor_ref::restart(const std::string& id) const {
  core()->by_runner([id](auto& core) { core.restart_by_hand(core.get(id)); });
}

void supervisor_ref::remove(const std::string& id) const {
  core()->by_runner([id](auto& core) { core.remove(core.get(id)); });
}

reference_key supervisor_ref::key_of(const std::string& id) const {
  const auto kept = core_.lock();
  const auto* const found = kept ? kept->find(id) : nullptr;
  return found ? found->key() : reference_key{};
}

std::vector<child_info> supervisor_ref::children() const {
  const auto kept = core_.lock();
  return kept ? kept->list() : std::vector<child_info>{};
}

std::size_t supervisor_ref::size() const {
  const auto kept = core_.lock();
  return kept ? kept->children.size() : 0;
}

std::string supervisor_ref::name() const {
  const auto kept = core_.lock();
  return kept ? kept->options.name : "a supervisor that is over";
}

// --- text -------------------------------------------------------------------

std::string to_string(child_kind kind) {
  switch (kind) {
  case child_kind::actor:
    return "actor";
  case child_kind::greenlet:
    return "greenlet";
  case child_kind::supervisor:
    return "supervisor";
  }
  return "?";
}

std::string to_string(child_state state) {
  switch (state) {
  case child_state::stopped:
    return "stopped";
  case child_state::starting:
    return "starting";
  case child_state::running:
    return "running";
  case child_state::delayed:
    return "delayed";
  case child_state::stuck:
    return "stuck";
  }
  return "?";
}

void write(std::string& text, const std::vector<child_info>& children,
           std::size_t depth) {
  for (const child_info& each : children) {
    text += std::string(2 * depth, ' ') + each.id + "  " +
            to_string(each.kind) + "  " + to_string(each.state);
    if (each.kind == child_kind::actor)
      text += "  " + std::to_string(each.inbox) + " waiting  " +
              std::to_string(each.handled) + " handled";
    if (each.restarts > 0)
      text += "  " + std::to_string(each.restarts) + " restarts, after " +
              to_string(each.last_end);
    if (!each.waits_in.empty()) text += "  in " + each.waits_in;
    text += "\n";
    write(text, each.children, depth + 1);
  }
}

std::string to_string(const supervisor_ref& tree) {
  std::string text = tree.name() + "  supervisor  " +
                     (tree.running() ? "running" : "stopped") + "\n";
  write(text, tree.children(), 1);
  return text;
}

} // namespace greenroom
