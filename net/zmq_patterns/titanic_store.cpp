#include "titanic_store.hpp"

#include <greenroom/io/thread_pool.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <random>
#include <system_error>
#include <utility>

namespace greenroom::zmq {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view extensions[] = {".request", ".reply"};
constexpr std::string_view unfinished = ".unfinished";
constexpr std::string_view magic = "GRT1";

[[noreturn]] void fail(const std::string& path, int number = errno) {
  throw std::system_error(number, std::generic_category(),
                          "zmq::titanic: " + path);
}

class descriptor {
public:
  descriptor(const std::string& path, int flags)
      : path_(path), number_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (number_ < 0) fail(path);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() { ::close(number_); }

  void write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto count = ::write(number_, bytes.data(), bytes.size());
      if (count < 0 && errno != EINTR) fail(path_);
      if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  void sync() const {
    if (::fsync(number_) != 0) fail(path_);
  }
  std::string read() const {
    std::string all;
    std::array<char, 65536> part;
    for (;;) {
      const auto count = ::read(number_, part.data(), part.size());
      if (count == 0) return all;
      if (count < 0 && errno != EINTR) fail(path_);
      if (count > 0) all.append(part.data(), static_cast<std::size_t>(count));
    }
  }

private:
  const std::string& path_;
  const int number_;
};

void write_whole(const std::string& folder, const std::string& path,
                 const std::string& bytes) {
  const std::string beside = path + std::string(unfinished);
  {
    const descriptor to{beside, O_WRONLY | O_CREAT | O_TRUNC};
    to.write(bytes);
    to.sync();
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) fail(path);
  descriptor{folder, O_RDONLY | O_DIRECTORY}.sync(); // its name, too
}

std::vector<titanic_store::entry> look_through(const std::string& folder) {
  std::vector<std::string> requests;
  std::vector<std::string> replies;
  fs::create_directories(folder);
  for (const auto& each : fs::directory_iterator(folder)) {
    const fs::path& path = each.path();
    const std::string id = path.stem();
    if (path.extension() == unfinished)
      fs::remove(path);
    else if (titanic_store::is_id(id) && path.extension() == extensions[0])
      requests.push_back(id);
    else if (titanic_store::is_id(id) && path.extension() == extensions[1])
      replies.push_back(id);
  }
  std::sort(replies.begin(), replies.end());
  std::vector<titanic_store::entry> found;
  for (const auto& id : replies)
    found.push_back({id, true});
  for (auto& id : requests)
    if (!std::binary_search(replies.begin(), replies.end(), id))
      found.push_back({std::move(id), false});
  return found;
}

void add_number(std::string& to, std::uint64_t number) {
  for (int i = 0; i < 8; ++i)
    to += static_cast<char>(number >> (8 * i));
}

bool take_number(std::string_view& of, std::uint64_t& number) {
  if (of.size() < 8) return false;
  number = 0;
  for (int i = 7; i >= 0; --i)
    number = number << 8 | static_cast<unsigned char>(of[std::size_t(i)]);
  of.remove_prefix(8);
  return true;
}

} // namespace

std::string to_bytes(const message& of) {
  std::string bytes{magic};
  add_number(bytes, of.size());
  for (const frame& each : of) {
    add_number(bytes, each.size());
    bytes += each.view();
  }
  return bytes;
}

bool from_bytes(std::string_view bytes, message& into) {
  std::uint64_t frames = 0;
  if (bytes.substr(0, magic.size()) != magic) return false;
  bytes.remove_prefix(magic.size());
  if (!take_number(bytes, frames)) return false;
  for (std::uint64_t i = 0; i < frames; ++i) {
    std::uint64_t size = 0;
    if (!take_number(bytes, size) || size > bytes.size()) return false;
    into.emplace_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return bytes.empty();
}

std::vector<titanic_store::entry> titanic_store::scan() const {
  return thread_pool::shared().apply(
      [folder = folder_] { return look_through(folder); });
}

void titanic_store::save(stored kind, const std::string& id,
                         const message& what) const {
  thread_pool::shared().apply(
      [folder = folder_, to = path(kind, id), bytes = to_bytes(what)] {
        write_whole(folder, to, bytes);
      });
}

message titanic_store::load(stored kind, const std::string& id) const {
  const std::string from = path(kind, id);
  const std::string bytes = thread_pool::shared().apply([from] {
    return descriptor{from, O_RDONLY}.read();
  });
  message found;
  if (!from_bytes(bytes, found)) fail(from, EBADMSG);
  return found;
}

/// The request first: what is left of it by a crash is not asked again.
void titanic_store::remove(const std::string& id) const {
  thread_pool::shared().apply(
      [first = path(stored::request, id), second = path(stored::reply, id)] {
        if (::unlink(first.c_str()) != 0 && errno != ENOENT) fail(first);
        if (::unlink(second.c_str()) != 0 && errno != ENOENT) fail(second);
      });
}

bool titanic_store::is_id(std::string_view text) {
  return text.size() == 32 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string titanic_store::new_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i)
    for (std::uint32_t bits = random(), digit = 0; digit < 8; ++digit)
      id += "0123456789abcdef"[bits >> (4 * digit) & 15];
  return id;
}

std::string titanic_store::path(stored kind, const std::string& id) const {
  return folder_ + "/" + id +
         std::string(extensions[static_cast<std::size_t>(kind)]);
}

} // namespace greenroom::zmq
