#include "connection.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <system_error>

namespace kv {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t good_read = 16 * 1024;  // bytes
constexpr std::size_t good_write = 64 * 1024; // bytes
constexpr std::size_t most_commands = 1024;   // at a time
constexpr auto linger_time = 1s;              // for a peer to take the rest

std::string unknown_command(words given) {
  constexpr std::size_t longest = 128; // bytes
  std::string text = "unknown command '" + given[0].substr(0, longest) +
                     "', with args beginning with: ";
  const std::size_t begin = text.size();
  for (const std::string& each : given.subspan(1)) {
    const std::size_t shown = text.size() - begin;
    if (shown >= longest) break;
    text += '\'' + each.substr(0, longest - shown) + "' ";
  }
  return text;
}

} // namespace

connection::connection(greenroom::stream& peer, service& house)
    : peer_(peer), house_(house), number_(++house.connections_so_far),
      asked_(std::make_shared<batch>(house.stores.size())) {
  ++house_.connections;
}

connection::~connection() {
  --house_.connections;
  if (!out_) return;
  out_->leave();
  for (const std::string& each : channels_)
    house_.channels.send(kv::unsubscribe{out_, each});
}

void connection::run() {
  greenroom::nursery([this](greenroom::nursery_scope& children) {
    children_ = &children;
    if (serve()) say_goodbye();
    if (writer_) writer_.kill();
  });
}

/// False when the client has gone.
bool connection::serve() {
  std::array<char, good_read> piece;
  std::error_code failed;
  while (!leaving_) {
    const std::size_t bytes = peer_.read_some(piece, {}, failed);
    if (bytes == 0) return false;
    reader_.feed({piece.data(), bytes});
    for (words given = reader_.next(); !given.empty(); given = reader_.next()) {
      obey(given);
      if (leaving_) break;
    }
    settle();
    if (!reader_.error().empty()) {
      add_error(text_, reader_.error());
      leaving_ = true;
    }
    write();
  }
  return true;
}

/// Closing a connection with unread bytes resets it: the client could lose
/// our last words.
void connection::say_goodbye() {
  const greenroom::deadline until{linger_time};
  std::error_code failed;
  if (out_) {
    out_->close();
    writer_.join(until);
  } else {
    peer_.shutdown_write();
  }
  std::array<char, good_read> ignored;
  while (peer_.read_some(ignored, until, failed) > 0) {
  }
}

void connection::obey(words given) {
  ++house_.commands_so_far;
  const rule* const what = find_rule(given[0]);
  if (!what)
    add_error(answer_text(), unknown_command(given));
  else if (is_fit(*what, given))
    carry_out(*what, given);
  if (asked_->commands() >= most_commands) settle();
  if (text_.size() >= good_write) write();
}

bool connection::is_fit(const rule& what, words given) {
  const bool halves = what.keys == about::many_pairs && given.size() % 2 == 0;
  if (!what.takes(given.size()) || halves) {
    add_error(answer_text(), wrong_number_of_words(what.name));
    return false;
  }
  if (!channels_.empty() && !what.while_subscribed) {
    add_error(answer_text(),
              "Can't execute '" + std::string(what.name) +
                  "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
                  "RESET are allowed in this context");
    return false;
  }
  return true;
}

void connection::carry_out(const rule& what, words given) {
  if (what.perform) return asked_->add(what, given);
  if (what.after_stores) settle();
  (this->*what.run)(given, answer_text());
}

std::string& connection::answer_text() {
  return asked_->is_empty() ? text_ : asked_->add_answered();
}

/// Has the stores do what they were given, until all is answered.
void connection::settle() {
  while (!asked_->is_empty()) {
    stores_at_work_.clear();
    for (std::size_t i = 0; i < house_.stores.size(); ++i)
      if (asked_->needs(i))
        stores_at_work_.push_back(house_.stores[i].ask(work{asked_}));
    for (const auto& each : stores_at_work_)
      each.get();
    asked_->take_answers(text_);
    if (text_.size() >= good_write) write();
  }
}

void connection::write() {
  if (text_.empty()) return;
  std::error_code failed;
  if (out_)
    out_->put(text_);
  else
    peer_.write(text_, {}, failed);
  if (failed) leaving_ = true;
  empty(text_);
}

void connection::begin_writer() {
  if (out_) return;
  write();
  out_ = std::make_shared<outbox>(peer_);
  writer_ = children_->spawn([this, out = out_] {
    std::error_code failed;
    for (auto text = out->take(); !text.empty(); text = out->take()) {
      peer_.write(text, {}, failed);
      if (failed) return peer_.close();
    }
    peer_.shutdown_write();
  });
}

} // namespace kv
