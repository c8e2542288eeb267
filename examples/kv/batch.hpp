#pragma once

#include "keyspace.hpp"
#include "rules.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kv {

/// Commands that one connection has sent and nobody has answered yet: what
/// each store has to do for them, and the answers, in order.
///
/// It belongs to the connection and, while they work on it, to the stores:
/// whoever asked may be gone by then. They stop when there are `most_bytes` of
/// answers, until these have been taken.
class batch {
public:
  static constexpr std::size_t most_bytes = 1 << 20;

  explicit batch(std::size_t stores) : portions_(stores) {}

  bool is_empty() const { return used_ == 0; }
  std::size_t commands() const { return used_; }

  /// A command for stores. Takes the words' contents.
  void add(const rule& what, words given);
  /// Where to write the answer to a command that is for no store.
  std::string& add_answered();

  /// A store has something to do.
  bool needs(std::size_t store) const {
    return portions_[store].done < portions_[store].pieces.size();
  }
  /// What a store is asked to do.
  void perform(std::size_t store, keyspace& keys);

  /// Adds the answers that are next to `text`. When all have been taken, it is
  /// empty.
  void take_answers(std::string& text);

private:
  /// What one store does, or an answer that is known, or made of those before.
  struct piece {
    const rule* what = nullptr;
    std::size_t first_word = 0;
    std::size_t count = 0;
    std::size_t sums = 0; // the answer is the sum of so many before it
    bool done = false;
    answer to;
  };
  struct portion {
    std::vector<std::size_t> pieces;
    std::size_t done = 0; // of these
  };

  piece& next_piece();
  void add_piece(const rule& what, std::size_t store, std::size_t first_word,
                 std::size_t count);
  void add_many(const rule& what, std::size_t first_word, std::size_t count);
  void add_for_all(const rule& what);
  std::size_t take_words(words given);
  std::size_t store_of(std::string_view key) const;
  void clear();

  std::vector<piece> pieces_; // kept for their memory; `used_` count
  std::size_t used_ = 0;
  std::vector<std::string> words_; // the same
  std::size_t used_words_ = 0;
  std::vector<portion> portions_; // by store
  std::size_t next_ = 0;          // the first piece that was not taken
  std::size_t bytes_ = 0;         // of answers that were not taken
};

} // namespace kv
