#pragma once

// Private to the zmq_patterns room: messages in files of a folder. Every call
// happens on a thread of `thread_pool::shared()`.

#include <greenroom/zmq/frame.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::zmq {

enum class stored : bool { request, reply };

/// Ownership  None: whoever has a file's name may read or replace it.
/// Waits      Every call but the constructor. A kill or timeout counts when a
///            call that has begun is done.
/// Errors     `std::system_error` that names the file.
class titanic_store {
public:
  struct entry {
    std::string id;
    bool answered;
  };

  explicit titanic_store(std::string folder) : folder_(std::move(folder)) {}

  /// Makes the folder if need be; removes what was not finished.
  std::vector<entry> scan() const;
  /// When it returns the message is on the disk, whole; before, not at all.
  void save(stored kind, const std::string& id, const message& what) const;
  message load(stored kind, const std::string& id) const;
  void remove(const std::string& id) const;

  /// 32 hexadecimal digits: so no name of a file elsewhere.
  static bool is_id(std::string_view text);
  static std::string new_id();

private:
  std::string path(stored kind, const std::string& id) const;

  std::string folder_;
};

std::string to_bytes(const message& of);
/// False when they are not what `to_bytes` makes.
bool from_bytes(std::string_view bytes, message& into);

} // namespace greenroom::zmq
