#include <greenroom/actors/supervisor.hpp>

#include "supervisor_core.hpp"

namespace greenroom {

supervisor::supervisor(restart_strategy strategy, supervisor_options options)
    : core_(std::make_shared<supervisor_core>(strategy, std::move(options))) {
}

supervisor::~supervisor() {
  core_->stop_soon(exit_kind::shutdown);
}

reference_key supervisor::add_actor(std::string id, const child_options& how,
                                    maker make) {
  if (core_->strategy == dynamic)
    throw std::invalid_argument("supervisor '" + name() +
                                "' is dynamic: use start_child");
  return core_->by_runner(
      [id = std::move(id), how, make = std::move(make)](auto& core) mutable {
        auto& added = core.add(std::move(id), how, child_kind::actor);
        added.make = std::move(make);
        return core.start_in_place(added);
      });
}

reference_key supervisor::start_nameless(maker make) {
  if (core_->strategy != dynamic)
    throw std::invalid_argument("supervisor '" + name() +
                                "' is not dynamic: use add");
  if (!core_->running())
    throw std::invalid_argument("supervisor '" + name() + "' is not running");
  return core_->by_runner([make = std::move(make)](auto& core) mutable {
    auto& added = core.add_nameless();
    added.make = std::move(make);
    return core.start_in_place(added);
  });
}

void supervisor::add(std::string id, child_options how,
                     std::function<void()> function) {
  core_->by_runner([id = std::move(id), how,
                    function = std::move(function)](auto& core) mutable {
    auto& added = core.add(std::move(id), how, child_kind::greenlet);
    added.function = std::move(function);
    core.add_and_start(added);
  });
}

supervisor& supervisor::add_supervisor(std::string id, child_options how,
                                       restart_strategy strategy,
                                       supervisor_options options) {
  if (options.name == supervisor_options{}.name) options.name = id;
  auto made = std::make_unique<supervisor>(strategy, std::move(options));
  supervisor& tree = *made;
  core_->by_runner(
      [id = std::move(id), how, made = std::move(made)](auto& core) mutable {
        auto& added = core.add(std::move(id), how, child_kind::supervisor);
        added.tree = std::move(made);
        core.add_and_start(added);
      });
  return tree;
}

void supervisor::start() {
  core_->start();
}

void supervisor::stop(exit_reason why) {
  core_->stop(std::move(why));
}

void supervisor::stop_soon(exit_reason why) {
  core_->stop_soon(std::move(why));
}

bool supervisor::join(deadline until) const {
  const any_greenlet last = core_->greenlet();
  return !last || last.join(until);
}

bool supervisor::running() const {
  return core_->running();
}

exit_reason supervisor::reason() const {
  return core_->reason;
}

any_greenlet supervisor::greenlet() const {
  return core_->greenlet();
}

void supervisor::terminate(const std::string& id) {
  core_->by_runner([id](auto& core) { core.terminate(core.get(id), false); });
}

void supervisor::terminate_nameless(const reference_key& child) {
  core_->by_runner(
      [child](auto& core) { core.terminate(core.by_key(child), true); });
}

void supervisor::restart(const std::string& id) {
  core_->by_runner([id](auto& core) { core.restart_by_hand(core.get(id)); });
}

void supervisor::remove(const std::string& id) {
  core_->by_runner([id](auto& core) { core.remove(core.get(id)); });
}

reference_key supervisor::key_of(const std::string& id) const {
  const auto* found = core_->find(id);
  return found && found->place ? reference_key{*found->place} : reference_key{};
}

std::vector<child_info> supervisor::children() const {
  return core_->list();
}

std::size_t supervisor::size() const {
  return core_->children.size();
}

const std::string& supervisor::name() const {
  return core_->options.name;
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

namespace {

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

} // namespace

std::string to_string(const supervisor& tree) {
  std::string text = tree.name() + "  supervisor  " +
                     (tree.running() ? "running" : "stopped") + "\n";
  write(text, tree.children(), 1);
  return text;
}

} // namespace greenroom
