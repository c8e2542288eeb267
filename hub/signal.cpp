#include <greenroom/hub/signal.hpp>

#include "registry.hpp"
#include "signals.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace greenroom {
namespace {

struct registration {
  std::atomic<hub*> home{nullptr};   // null: not ours
  std::atomic<bool> arrived{false};  // set by the handler, cleared by home
  std::function<void(hub&)> deliver; // home's thread only
  struct sigaction before {};
};

constexpr int signals_max = 65;

std::array<registration, signals_max>& registrations() {
  static auto* all = new std::array<registration, signals_max>;
  return *all;
}

std::array<registration, signals_max>* registered = nullptr;

/// Async-signal-safe: two flags and at most one write.
void on_arrival(int number) {
  const int error = errno;
  registration& entry = (*registered)[static_cast<std::size_t>(number)];
  entry.arrived.store(true, std::memory_order_release);
  if (hub* home = entry.home.load(std::memory_order_acquire))
    home->signal_arrived();
  errno = error;
}

void install(int number, void (*handler)(int), struct sigaction* before) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  if (sigaction(number, &action, before) != 0)
    throw std::system_error(errno, std::system_category(),
                            "signal " + std::to_string(number));
}

void register_for(hub& home, int number, std::function<void(hub&)> deliver) {
  if (number <= 0 || number >= signals_max)
    throw std::system_error(EINVAL, std::system_category(),
                            "signal " + std::to_string(number));
  registered = &registrations();
  registration& entry = registrations()[static_cast<std::size_t>(number)];
  if (hub* present = entry.home.load(); present && present != &home)
    throw wrong_hub("signal " + std::to_string(number) +
                    " is handled by the hub of another thread");
  const bool first = !entry.home.load();
  if (first) entry.arrived.store(false); // what came before a cancel
  entry.deliver = std::move(deliver);
  entry.home.store(&home);
  if (!first) return;
  try {
    install(number, &on_arrival, &entry.before);
  } catch (...) {
    entry.home.store(nullptr);
    throw;
  }
}

void restore(int number) {
  registration& entry = registrations()[static_cast<std::size_t>(number)];
  if (!entry.home.exchange(nullptr)) return;
  sigaction(number, &entry.before, nullptr);
  entry.deliver = nullptr;
}

/// Whatever state the hubs are in, the process is ending: tell, then quit.
void list_and_quit(int number) {
  constexpr const char title[] = "greenroom: greenlets\n";
  [[maybe_unused]] auto written = write(STDERR_FILENO, title, sizeof title - 1);
  signal(number, SIG_DFL);
  for_each_hub_unlocked([](hub& each) { each.list_to(STDERR_FILENO); });
  raise(number);
}

} // namespace

signal_handler on_signal(int number, std::function<void()> function) {
  register_for(hub::current(), number,
               [call = std::move(function)](hub&) { spawn(call); });
  return signal_handler{number};
}

void signal_handler::cancel() {
  restore(signal_);
}

void signals_interrupt_main(std::initializer_list<int> numbers) {
  for (int number : numbers)
    register_for(hub::current(), number, [number](hub& home) {
      home.main_greenlet().kill_soon(
          std::make_exception_ptr(interrupted{number}));
    });
}

void deliver_signals(hub& home) {
  for (registration& entry : registrations())
    if (entry.home.load() == &home &&
        entry.arrived.exchange(false, std::memory_order_acquire))
      entry.deliver(home);
}

void forget_signals(hub& ended) {
  if (!registered) return;
  for (int number = 1; number < signals_max; ++number)
    if (registrations()[static_cast<std::size_t>(number)].home.load() == &ended)
      restore(number);
}

void install_quit_listing() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction present {};
    if (sigaction(SIGQUIT, nullptr, &present) == 0 &&
        present.sa_handler == SIG_DFL)
      install(SIGQUIT, &list_and_quit, nullptr);
  });
}

} // namespace greenroom
