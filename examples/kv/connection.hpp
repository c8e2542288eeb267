#pragma once

#include "batch.hpp"
#include "command_reader.hpp"
#include "store.hpp"
#include "switchboard.hpp"

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/io/stream.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kv {

/// What all connections have in common.
struct service {
  std::vector<store_ref> stores;
  switchboard_ref channels;
  greenroom::steady_time started = greenroom::now();
  std::size_t connections = 0;
  std::uint64_t connections_so_far = 0;
  std::uint64_t commands_so_far = 0;
};

/// One client. Whatever commands have come are carried out together: each
/// store is asked once, and the answers are written in one go.
class connection {
public:
  connection(greenroom::stream& peer, service& house);
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection();

  /// Waits until the client is done, or gone, or sends what is no command.
  void run();

  // The commands that are for no store.
  void ping(words given, std::string& reply);
  void echo(words given, std::string& reply);
  void quit(words given, std::string& reply);
  void select(words given, std::string& reply);
  void hello(words given, std::string& reply);
  void client(words given, std::string& reply);
  void command(words given, std::string& reply);
  void config(words given, std::string& reply);
  void info(words given, std::string& reply);
  void publish(words given, std::string& reply);
  void subscribe(words given, std::string& reply);
  void unsubscribe(words given, std::string& reply);

private:
  bool serve();
  void obey(words given);
  bool is_fit(const rule& what, words given);
  void carry_out(const rule& what, words given);
  void settle();
  void write();
  void begin_writer();
  void say_goodbye();
  bool set_name(const std::string& name, std::string& reply);
  std::string& answer_text();

  greenroom::stream& peer_;
  service& house_;
  const std::uint64_t number_;
  command_reader reader_;
  std::shared_ptr<batch> asked_;
  std::vector<greenroom::async_result<void>> stores_at_work_;
  std::string text_; // answers, to be written
  bool leaving_ = false;
  std::string name_;

  // Once it has subscribed to something, a greenlet of its own writes.
  std::set<std::string> channels_;
  subscriber out_; // null until then
  greenroom::nursery_scope* children_ = nullptr;
  greenroom::any_greenlet writer_;
};

} // namespace kv
