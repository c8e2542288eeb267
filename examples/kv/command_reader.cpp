#include "command_reader.hpp"

extern "C" {
#include <hiredis/sds.h>
}

#include <cstdint>
#include <new>

namespace kv {
namespace {

struct split_line_deleter {
  void operator()(sds* words) const { sdsfreesplitres(words, count); }
  int count;
};
using split_line = std::unique_ptr<sds[], split_line_deleter>;

} // namespace

/// What hiredis calls for each thing it has read. Null ends the reading.
struct command_reader::callbacks {
  static command_reader& self(const redisReadTask* of) {
    return *static_cast<command_reader*>(of->privdata);
  }
  static void* result(const redisReadTask* of) {
    return self(of).error_.empty() ? of->privdata : nullptr;
  }

  static void* list_begun(const redisReadTask* read, int items) {
    if (read->parent)
      self(read).refuse(*read);
    else if (static_cast<std::size_t>(items) > most_words)
      self(read).refuse("invalid multibulk length");
    return result(read);
  }
  static void* text_read(const redisReadTask* read, char* text,
                         std::size_t size) try {
    if (read->type == REDIS_REPLY_STRING)
      self(read).add_word({text, size});
    else
      self(read).refuse(*read);
    return result(read);
  } catch (const std::bad_alloc&) { // through C it must not go
    return nullptr;
  }
  static void* number_read(const redisReadTask* read, long long) {
    self(read).refuse(*read);
    return nullptr;
  }
  static void* nil_read(const redisReadTask* read) {
    if (read->type == REDIS_REPLY_STRING)
      self(read).refuse("invalid bulk length");
    else if (read->parent)
      self(read).refuse(*read);
    return result(read);
  }
  static void freed(void*) {}

  static redisReplyObjectFunctions* all() {
    static redisReplyObjectFunctions functions{text_read, list_begun,
                                               number_read, nil_read, freed};
    return &functions;
  }
};

void command_reader::feed(std::string_view bytes) {
  if (!lists_)
    lines_ += bytes;
  else if (redisReaderFeed(lists_.get(), bytes.data(), bytes.size()) !=
           REDIS_OK)
    throw std::bad_alloc();
}

words command_reader::next() {
  if (!lists_ || between_lists()) begin_command();
  while (error_.empty() && !unread().empty()) {
    const bool is_list = unread().front() == '*';
    if (!lists_ && is_list) switch_to_lists();
    if (lists_ && between_lists() && !is_list) switch_to_lines();
    if (!(lists_ ? read_list() : read_line())) return {};
    if (used_ > 0) return words(words_).first(used_);
  }
  return {};
}

void command_reader::begin_command() {
  constexpr std::size_t worth_keeping = 64; // words
  if (words_.size() > worth_keeping) words_.resize(worth_keeping);
  for (std::string& each : words_)
    empty(each);
  used_ = bytes_ = 0;
}

std::string_view command_reader::unread() const {
  if (!lists_) return std::string_view(lines_).substr(read_lines_);
  return {lists_->buf + lists_->pos, lists_->len - lists_->pos};
}

bool command_reader::between_lists() const {
  return lists_->ridx < 0 || (lists_->ridx == 0 && lists_->rstack[0].type < 0);
}

void command_reader::switch_to_lists() {
  lists_.reset(redisReaderCreateWithFunctions(callbacks::all()));
  if (!lists_) throw std::bad_alloc();
  lists_->privdata = this;
  feed(std::string_view(lines_).substr(read_lines_));
  empty(lines_);
  read_lines_ = 0;
}

void command_reader::switch_to_lines() {
  lines_ = unread();
  lists_.reset();
}

/// False when it is not all there.
bool command_reader::read_line() {
  const std::string_view text = unread();
  const std::size_t end = text.substr(0, text.find('\0')).find('\n');
  if (end == text.npos) {
    lines_.erase(0, read_lines_);
    read_lines_ = 0;
    return text.size() > longest_line ? refuse("too big inline request")
                                      : false;
  }
  if (!split(text.substr(0, end)))
    return refuse("unbalanced quotes in request");
  read_lines_ += end + 1;
  if (read_lines_ == lines_.size()) {
    lines_.clear();
    read_lines_ = 0;
  }
  return true;
}

/// False when a quote is not closed, or a letter follows one that is.
bool command_reader::split(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  int count = 0;
  sds* const found = sdssplitargs(std::string(line).c_str(), &count);
  if (!found) return false;
  const split_line all(found, split_line_deleter{count});
  for (int i = 0; i < count; ++i)
    add_word({found[i], sdslen(found[i])});
  return true;
}

bool command_reader::read_list() {
  void* whole = nullptr;
  if (redisReaderGetReply(lists_.get(), &whole) == REDIS_OK) {
    if (!whole) check_unfinished();
    return whole;
  }
  if (!error_.empty()) return false;
  if (lists_->err == REDIS_ERR_OOM) throw std::bad_alloc();
  const std::string_view why = lists_->errstr;
  if (why.starts_with("Protocol error, got \"")) {
    const char got = why[why.find('"') + 1];
    return refuse(std::string("expected '$', got '") + got + '\'');
  }
  return refuse(why.find("ulti-bulk") != why.npos ? "invalid multibulk length"
                                                  : "invalid bulk length");
}

/// hiredis would wait for whatever is announced, however large.
void command_reader::check_unfinished() {
  if (lists_->ridx < 0) return;
  const redisReadTask& now = lists_->rstack[lists_->ridx];
  const bool is_text = now.type == REDIS_REPLY_STRING;
  if (now.type >= 0 && now.parent && !is_text) {
    refuse(now);
    return;
  }
  const std::string_view rest = unread();
  const std::size_t end = rest.find("\r\n");
  if (end != rest.npos && is_text) {
    const auto size = to_integer(rest.substr(0, end));
    if (!size || *size < 0 ||
        static_cast<std::uint64_t>(*size) > largest_command - bytes_)
      refuse("invalid bulk length");
  } else if (end == rest.npos && rest.size() > longest_line) {
    refuse(is_text ? "too big bulk count string"
                   : "too big mbulk count string");
  }
}

void command_reader::add_word(std::string_view text) {
  bytes_ += text.size() + sizeof(std::string);
  if (bytes_ > largest_command) {
    refuse("invalid bulk length");
    return;
  }
  if (used_ == words_.size()) words_.emplace_back();
  words_[used_++].assign(text);
}

bool command_reader::refuse(std::string_view why) {
  error_ = "Protocol error: " + std::string(why);
  return false;
}

bool command_reader::refuse(const redisReadTask& instead_of_text) {
  std::string_view kind;
  switch (instead_of_text.type) {
  case REDIS_REPLY_ARRAY:
    kind = "*";
    break;
  case REDIS_REPLY_INTEGER:
    kind = ":";
    break;
  case REDIS_REPLY_STATUS:
    kind = "+";
    break;
  default:
    kind = "-";
  }
  return refuse("expected '$', got '" + std::string(kind) + "'");
}

} // namespace kv
