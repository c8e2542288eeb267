// Regular files. Wall time: some of these wait for a thread.

#include "harness.hpp"

#include <greenroom/io/file.hpp>
#include <greenroom/io/thread_pool.hpp>

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace bench {
namespace {

using namespace greenroom;

constexpr std::size_t piece = 4096; // bytes

/// A file of one piece, which the page cache has.
class scratch {
public:
  scratch() { write_file(path_, std::string(piece, 'g')); }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() { ::unlink(path_.c_str()); }

  const std::string& path() const { return path_; }

private:
  const std::string path_ = "/tmp/bench." + std::to_string(::getpid());
};

/// Microseconds for each of `count` calls.
template <class Call>
figure wall_time(long count, Call&& call) {
  call();
  const auto begin = std::chrono::steady_clock::now();
  for (long i = 0; i < count; ++i)
    call();
  const std::chrono::duration<double, std::micro> time =
      std::chrono::steady_clock::now() - begin;
  return {time.count() / static_cast<double>(count)};
}

constexpr file_options both{.write = true};
std::array<char, piece> bytes;

figure file_read(const setting& how) {
  const scratch made;
  file from = file::open(made.path());
  return wall_time(how(200'000), [&] { keep(from.read_at(0, bytes)); });
}

figure plain_read(const setting& how) {
  const scratch made;
  const file from = file::open(made.path());
  return wall_time(how(200'000), [&] {
    keep(::pread(from.native_handle(), bytes.data(), piece, 0));
  });
}

figure thread_read(const setting& how) {
  const scratch made;
  const file from = file::open(made.path());
  return wall_time(how(20'000), [&] {
    keep(thread_pool::shared().apply(
        [&] { return ::pread(from.native_handle(), bytes.data(), piece, 0); }));
  });
}

figure file_write(const setting& how) {
  const scratch made;
  file to = file::open(made.path(), both);
  return wall_time(how(20'000), [&] { to.write_at(0, {bytes.data(), piece}); });
}

figure plain_write(const setting& how) {
  const scratch made;
  const file to = file::open(made.path(), both);
  return wall_time(how(200'000), [&] {
    keep(::pwrite(to.native_handle(), bytes.data(), piece, 0));
  });
}

} // namespace

std::vector<row> file_rows() {
  return {
      {"file_read",
       "us for 4 KiB that are cached",
       {},
       &file_read,
       {{"pread", &plain_read}, {"pread on a thread", &thread_read}}},
      {"file_write",
       "us for 4 KiB",
       {},
       &file_write,
       {{"pwrite", &plain_write}}},
  };
}

} // namespace bench
