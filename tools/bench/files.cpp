// Regular files. Wall time: some of these wait for a thread.

#include "harness.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/file.hpp>
#include <greenroom/io/thread_pool.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

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

/// A file whose pages the page cache does not have, each read once.
class uncached {
public:
  uncached() {
    write_file(path_, std::string(pages * piece, 'g'));
    opened_ = file::open(path_, {.write = true});
    ::unlink(path_.c_str());
    opened_.sync();
    ::posix_fadvise(opened_.native_handle(), 0, 0, POSIX_FADV_RANDOM);
    ::posix_fadvise(opened_.native_handle(), 0, 0, POSIX_FADV_DONTNEED);
  }

  static constexpr long pages = 16'384; // 64 MiB

  file& opened() { return opened_; }
  /// Where the next page is; all over the disk.
  std::uint64_t next() {
    at_ = (at_ + 7919) % pages;
    return static_cast<std::uint64_t>(at_) * piece;
  }

private:
  const std::string path_ = "/tmp/bench." + std::to_string(::getpid());
  file opened_;
  long at_ = 0;
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

long reads_of_disk(const setting& how) {
  return std::min(how(10'000), uncached::pages - 1);
}

figure disk_read(const setting& how) {
  uncached made;
  return wall_time(reads_of_disk(how),
                   [&] { keep(made.opened().read_at(made.next(), bytes)); });
}

figure plain_disk_read(const setting& how) {
  uncached made;
  const int from = made.opened().native_handle();
  return wall_time(reads_of_disk(how), [&] {
    keep(::pread(from, bytes.data(), piece, static_cast<off_t>(made.next())));
  });
}

figure thread_disk_read(const setting& how) {
  uncached made;
  const int from = made.opened().native_handle();
  return wall_time(reads_of_disk(how), [&] {
    keep(thread_pool::shared().apply([&] {
      return ::pread(from, bytes.data(), piece,
                     static_cast<off_t>(made.next()));
    }));
  });
}

/// `read(place, into)` by 32 greenlets; a read of any of them.
template <class Read>
figure side_by_side(long count, Read&& read) {
  constexpr long readers = 32;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<any_greenlet> all;
  for (long i = 0; i < readers; ++i)
    all.push_back(spawn([&] {
      std::array<char, piece> own;
      for (long left = count / readers; left > 0; --left)
        read(own);
    }));
  joinall(all);
  const std::chrono::duration<double, std::micro> time =
      std::chrono::steady_clock::now() - begin;
  return {time.count() / static_cast<double>(count / readers * readers)};
}

figure disk_reads(const setting& how) {
  uncached made;
  return side_by_side(reads_of_disk(how), [&](std::span<char> into) {
    keep(made.opened().read_at(made.next(), into));
  });
}

figure thread_disk_reads(const setting& how) {
  uncached made;
  const int from = made.opened().native_handle();
  return side_by_side(reads_of_disk(how), [&](std::span<char> into) {
    const auto place = static_cast<off_t>(made.next());
    keep(thread_pool::shared().apply(
        [=] { return ::pread(from, into.data(), piece, place); }));
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
      {"file_read_disk",
       "us for 4 KiB that are not",
       {},
       &disk_read,
       {{"pread", &plain_disk_read}, {"pread on a thread", &thread_disk_read}}},
      {"file_read_disk_32",
       "us for each of 32 greenlets' reads of 4 KiB that are not",
       {},
       &disk_reads,
       {{"pread on a thread", &thread_disk_reads}}},
      {"file_write",
       "us for 4 KiB",
       {},
       &file_write,
       {{"pwrite", &plain_write}}},
  };
}

} // namespace bench
