#include "batch.hpp"

#include <utility>

namespace kv {

void batch::add(const rule& what, words given) {
  if (what.keys == about::all_keys) return add_for_all(what);
  const std::size_t first = take_words(given);
  if (what.keys == about::one_key)
    add_piece(what, store_of(words_[first + 1]), first, given.size());
  else
    add_many(what, first + 1, given.size() - 1);
}

void batch::add_many(const rule& what, std::size_t first_word,
                     std::size_t count) {
  const std::size_t each = what.keys == about::many_pairs ? 2 : 1;
  if (what.result == joined::in_turn) add_list(add_answered(), count / each);
  for (std::size_t i = 0; i < count; i += each)
    add_piece(what, store_of(words_[first_word + i]), first_word + i, each);
  if (what.result == joined::just_ok) add_answered() = ok;
  if (what.result != joined::summed) return;
  add_answered();
  pieces_[used_ - 1].sums = count / each;
}

void batch::add_for_all(const rule& what) {
  for (std::size_t store = 0; store < portions_.size(); ++store)
    add_piece(what, store, 0, 0);
  std::string& text = add_answered();
  if (what.result == joined::just_ok)
    text = ok;
  else
    pieces_[used_ - 1].sums = portions_.size();
}

std::string& batch::add_answered() {
  piece& made = next_piece();
  made.done = true;
  return made.to.text;
}

void batch::add_piece(const rule& what, std::size_t store,
                      std::size_t first_word, std::size_t count) {
  portions_[store].pieces.push_back(used_);
  piece& made = next_piece();
  made.what = &what;
  made.first_word = first_word;
  made.count = count;
}

batch::piece& batch::next_piece() {
  if (used_ == pieces_.size()) pieces_.emplace_back();
  piece& made = pieces_[used_++];
  made.what = nullptr;
  made.done = false;
  made.sums = 0;
  made.to.number = 0;
  return made;
}

std::size_t batch::take_words(words given) {
  const std::size_t first = used_words_;
  used_words_ += given.size();
  if (words_.size() < used_words_) words_.resize(used_words_);
  for (std::size_t i = 0; i < given.size(); ++i)
    std::swap(words_[first + i], given[i]);
  return first;
}

std::size_t batch::store_of(std::string_view key) const {
  return std::hash<std::string_view>()(key) % portions_.size();
}

void batch::perform(std::size_t store, keyspace& keys) {
  portion& mine = portions_[store];
  while (mine.done < mine.pieces.size()) {
    const std::size_t index = mine.pieces[mine.done];
    const bool is_next = index == next_; // else nobody would ever take one
    if (bytes_ > most_bytes && !is_next) return;
    piece& now = pieces_[index];
    now.what->perform(keys, words(words_).subspan(now.first_word, now.count),
                      now.to);
    bytes_ += now.to.text.size();
    now.done = true;
    ++mine.done;
  }
}

void batch::take_answers(std::string& text) {
  for (; next_ < used_ && pieces_[next_].done; ++next_) {
    piece& taken = pieces_[next_];
    std::int64_t sum = 0;
    for (std::size_t i = next_ - taken.sums; i < next_; ++i)
      sum += pieces_[i].to.number;
    if (taken.sums > 0)
      add_number(text, sum);
    else
      text += taken.to.text;
    if (taken.what) bytes_ -= taken.to.text.size();
    empty(taken.to.text);
  }
  if (next_ == used_) clear();
}

void batch::clear() {
  constexpr std::size_t worth_keeping = 1024; // of pieces, and words
  for (std::size_t i = 0; i < used_words_; ++i)
    empty(words_[i]);
  if (words_.size() > worth_keeping) words_ = {};
  if (pieces_.size() > worth_keeping) pieces_ = {};
  for (portion& each : portions_) {
    if (each.pieces.size() > worth_keeping) each.pieces = {};
    each.pieces.clear();
    each.done = 0;
  }
  used_ = used_words_ = next_ = bytes_ = 0;
}

} // namespace kv
