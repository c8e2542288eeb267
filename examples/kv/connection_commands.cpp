#include "connection.hpp"

#include <greenroom/actors/gather.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace kv {
namespace {

void add_pair(std::string& to, std::string_view name, std::string_view value) {
  add_text(to, name);
  add_text(to, value);
}

/// That one has entered or left a channel.
void add_news(std::string& to, std::string_view what, std::string_view channel,
              std::size_t channels) {
  add_list(to, 3);
  add_text(to, what);
  add_text(to, channel);
  add_number(to, static_cast<std::int64_t>(channels));
}

} // namespace

void connection::ping(words given, std::string& reply) {
  if (given.size() > 2) return add_error(reply, wrong_number_of_words("ping"));
  const std::string_view text =
      given.size() == 2 ? std::string_view(given[1]) : std::string_view();
  if (!channels_.empty()) {
    add_list(reply, 2);
    add_pair(reply, "pong", text);
  } else if (given.size() == 2) {
    add_text(reply, text);
  } else {
    reply += "+PONG\r\n";
  }
}

void connection::echo(words given, std::string& reply) {
  add_text(reply, given[1]);
}

void connection::quit(words, std::string& reply) {
  reply += ok;
  leaving_ = true;
}

void connection::select(words given, std::string& reply) {
  const auto number = to_integer(given[1]);
  if (!number) return add_error(reply, no_integer);
  if (*number != 0) return add_error(reply, "DB index is out of range");
  reply += ok;
}

void connection::hello(words given, std::string& reply) {
  if (given.size() > 1 && !to_integer(given[1]))
    return add_error(reply,
                     "Protocol version is not an integer or out of range");
  if (given.size() > 1 && given[1] != "2") {
    reply += "-NOPROTO unsupported protocol version\r\n";
    return;
  }
  for (std::size_t i = 2; i < given.size(); i += 2) {
    if (!is_word(given[i], "setname") || i + 1 == given.size())
      return add_error(reply,
                       "Syntax error in HELLO option '" + given[i] + '\'');
    if (!set_name(given[i + 1], reply)) return;
  }
  constexpr std::size_t items = 14;
  add_list(reply, items);
  add_pair(reply, "server", "greenroom kv_server");
  add_pair(reply, "version", "7.0.0");
  add_text(reply, "proto");
  add_number(reply, 2);
  add_text(reply, "id");
  add_number(reply, static_cast<std::int64_t>(number_));
  add_pair(reply, "mode", "standalone");
  add_pair(reply, "role", "master");
  add_text(reply, "modules");
  add_list(reply, 0);
}

/// False when `reply` says that it is no name.
bool connection::set_name(const std::string& name, std::string& reply) {
  const bool good = std::all_of(name.begin(), name.end(), [](char each) {
    return each >= '!' && each <= '~';
  });
  if (good)
    name_ = name;
  else
    add_error(reply, "Client names cannot contain spaces, newlines or special "
                     "characters.");
  return good;
}

void connection::client(words given, std::string& reply) {
  if (is_word(given[1], "setname") && given.size() == 3) {
    if (set_name(given[2], reply)) reply += ok;
  } else if (is_word(given[1], "getname") && given.size() == 2) {
    name_.empty() ? void(reply += nil) : add_text(reply, name_);
  } else if (is_word(given[1], "id") && given.size() == 2) {
    add_number(reply, static_cast<std::int64_t>(number_));
  } else {
    add_error(reply, unknown_subcommand(given));
  }
}

/// What it would tell about each command, redis-cli can do without.
void connection::command(words, std::string& reply) {
  add_list(reply, 0);
}

void connection::config(words given, std::string& reply) {
  if (!is_word(given[1], "get") || given.size() < 3)
    return add_error(reply, unknown_subcommand(given));
  const bool saves = is_word(given[2], "save");
  if (!saves && !is_word(given[2], "appendonly")) return add_list(reply, 0);
  add_list(reply, 2);
  add_pair(reply, given[2], saves ? "" : "no");
}

void connection::info(words, std::string& reply) {
  count_keys::reply all;
  for (const auto& each : greenroom::gather(house_.stores, count_keys{})) {
    all.keys += each.keys;
    all.expiring += each.expiring;
  }
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(
      greenroom::now() - house_.started);
  const auto line = [](const char* name, auto number) {
    return std::string(name) + ':' + std::to_string(number) + "\r\n";
  };
  std::string text = "# Server\r\nredis_version:7.0.0\r\n"
                     "server_name:greenroom kv_server\r\n";
  text += line("process_id", ::getpid());
  text += line("uptime_in_seconds", up.count());
  text += "\r\n# Clients\r\n" + line("connected_clients", house_.connections);
  text += "\r\n# Stats\r\n" +
          line("total_connections_received", house_.connections_so_far) +
          line("total_commands_processed", house_.commands_so_far);
  text += "\r\n# Keyspace\r\n";
  if (all.keys > 0)
    text += "db0:keys=" + std::to_string(all.keys) +
            ",expires=" + std::to_string(all.expiring) + ",avg_ttl=0\r\n";
  add_text(reply, text);
}

void connection::publish(words given, std::string& reply) {
  const std::size_t listeners =
      house_.channels.ask(kv::publish{std::move(given[1]), std::move(given[2])})
          .get();
  add_number(reply, static_cast<std::int64_t>(listeners));
}

/// The answer is put before the news of that channel, and after those of the
/// channels before.
void connection::subscribe(words given, std::string& reply) {
  begin_writer();
  for (const std::string& each : given.subspan(1)) {
    channels_.insert(each);
    add_news(reply, "subscribe", each, channels_.size());
    write();
    house_.channels.send(kv::subscribe{out_, each});
  }
}

void connection::unsubscribe(words given, std::string& reply) {
  std::vector<std::string> names{given.begin() + 1, given.end()};
  if (given.size() == 1) names.assign(channels_.begin(), channels_.end());
  for (const std::string& each : names) {
    if (channels_.erase(each) > 0)
      house_.channels.ask(kv::unsubscribe{out_, each}).get();
    add_news(reply, "unsubscribe", each, channels_.size());
    write();
  }
  if (!names.empty()) return;
  add_list(reply, 3);
  add_text(reply, "unsubscribe");
  reply += nil;
  add_number(reply, 0);
}

} // namespace kv
