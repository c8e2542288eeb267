#pragma once

#include "reply.hpp"

#include <hiredis/read.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kv {

/// Finds the commands in what a client sends: lists of texts, which hiredis
/// reads, or lines of words and quotes, as people type them.
///
/// What a stranger may have it keep is bounded. What is no command is an
/// `error`, after which there is no way to tell where the next begins.
class command_reader {
public:
  static constexpr std::size_t longest_line = 64 * 1024; // bytes
  static constexpr std::size_t most_words = 1024 * 1024;
  static constexpr std::size_t largest_command = 64 << 20; // bytes

  command_reader() = default;
  command_reader(const command_reader&) = delete;
  command_reader& operator=(const command_reader&) = delete;

  void feed(std::string_view bytes);

  /// The words of the next command, of which there is one at least; may be
  /// taken, and stay until the next call. None: more bytes are needed.
  words next();

  /// Why there will be no more commands; empty while there may be.
  const std::string& error() const { return error_; }

private:
  struct callbacks;
  struct deleter {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };

  std::string_view unread() const;
  bool between_lists() const;
  bool read_line();
  bool split(std::string_view line);
  bool read_list();
  void switch_to_lists();
  void switch_to_lines();
  void add_word(std::string_view text);
  void check_unfinished();
  bool refuse(std::string_view why);
  bool refuse(const redisReadTask& instead_of_text);
  void begin_command();

  std::unique_ptr<redisReader, deleter> lists_; // null: what comes are lines
  std::string lines_;
  std::size_t read_lines_ = 0; // bytes of these
  std::vector<std::string> words_;
  std::size_t used_ = 0;  // of these
  std::size_t bytes_ = 0; // of the words
  std::string error_;
};

} // namespace kv
