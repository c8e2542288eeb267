// What the page cache lacks. Where nothing can be dropped from it (tmpfs), or
// the kernel gives no ring, these tests find less to do and hold all the same.

#include "hub/support.hpp"
#include "io/busy_pool.hpp"
#include "io/stream_support.hpp"
#include "io/temporary_folder.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/file.hpp>

#include <fcntl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

constexpr std::size_t page = 4096;

/// `pages` pages, each full of its number, that the page cache does not have.
class uncached_file {
public:
  explicit uncached_file(std::size_t pages) {
    std::string bytes;
    for (std::size_t i = 0; i < pages; ++i)
      bytes.append(page, static_cast<char>(i));
    write_file(path(), bytes);
    opened_ = file::open(path(), {.write = true});
    opened_.sync();
    ::posix_fadvise(opened_.native_handle(), 0, 0, POSIX_FADV_RANDOM);
    drop();
  }

  std::string path() const { return folder_.path() + "/file"; }
  file& opened() { return opened_; }

  void drop(std::size_t first = 0, std::size_t pages = 0) {
    ::posix_fadvise(opened_.native_handle(), static_cast<off_t>(first * page),
                    static_cast<off_t>(pages * page), POSIX_FADV_DONTNEED);
  }

  bool is_right(std::size_t number) {
    std::array<char, page> part{};
    return opened_.read_at(number * page, part) == page &&
           part.front() == static_cast<char>(number) &&
           part.back() == static_cast<char>(number);
  }

private:
  temporary_folder folder_;
  file opened_;
};

bool has_ring() {
  for (const auto& each :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(each.path(), gone) ==
        "anon_inode:[io_uring]")
      return true;
  }
  return false;
}

} // namespace

TEST_SUITE("file, uncached") {
  TEST_CASE("many greenlets read at once, each its own place") {
    in_real_hub([] {
      uncached_file made{500};
      std::vector<any_greenlet> readers;
      std::size_t right = 0;
      for (std::size_t i = 0; i < 500; ++i)
        readers.push_back(spawn([&, i] { right += made.is_right(i); }));
      joinall(readers);
      CHECK(right == 500);
    });
  }

  TEST_CASE("a place of which a part is cached is read in whole") {
    in_real_hub([] {
      uncached_file made{16};
      std::string all(16 * page, ' ');
      for (std::size_t first = 0; first < 16; first += 5) {
        made.drop();
        CHECK(made.is_right(first));
        CHECK(made.opened().read_at(0, all) == all.size());
        CHECK(all[15 * page] == 15);
        CHECK(made.opened().read_at(page, all) == all.size() - page);
      }
    });
  }

  TEST_CASE("in sequence, as anything else") {
    in_real_hub([] {
      uncached_file made{16};
      std::string all(16 * page, ' ');
      made.opened().read(all);
      CHECK(all[3 * page] == 3);
      CHECK(made.opened().position() == all.size());
    });
  }

  TEST_CASE("a reader who never meets the cache can be killed") {
    in_real_hub([] {
      uncached_file made{64};
      const auto victim = spawn([&] {
        for (;;) {
          made.drop();
          made.is_right(1);
        }
      });
      yield();
      CHECK(victim.kill());
      CHECK(victim.killed());
      CHECK(made.is_right(2));
    });
  }

  TEST_CASE("a timeout that comes meanwhile is thrown by the next call") {
    in_real_hub([] {
      uncached_file made{64};
      CHECK_FALSE(timeout{1ms}.run([&] {
        for (;;) {
          made.drop();
          made.is_right(1);
        }
      }));
      CHECK(made.is_right(2));
    });
  }

  TEST_CASE("closed meanwhile, it is read to the end of that call") {
    in_real_hub([] {
      uncached_file made{64};
      bool right = false;
      const auto reader = spawn([&] { right = made.is_right(9); });
      yield();
      made.opened().close();
      reader.join();
      CHECK(right);
    });
  }

  TEST_CASE("where a ring is, no thread is needed") {
    in_real_hub([] {
      uncached_file made{64};
      made.is_right(3);
      if (!has_ring()) {
        MESSAGE("no ring here");
        return;
      }
      made.drop();
      const busy_pool pool;
      CHECK(timeout{1min}.run([&] { CHECK(made.is_right(4)); }));
    });
  }

  TEST_CASE("what cannot be read is an error with its reason") {
    in_real_hub([] {
      const temporary_folder folder;
      file only_write =
          file::open(folder.path() + "/file",
                     {.read = false, .write = true, .create = true});
      std::array<char, 8> part;
      std::error_code failed;
      CHECK(only_write.read_at(0, part, {}, failed) == 0);
      CHECK(failed == std::errc::bad_file_descriptor);
    });
  }

  TEST_CASE("the hub may end while the disk is read" *
            doctest::description("leaves a descriptor")) {
    static std::array<char, page> part;
    for (int i = 0; i < 20; ++i)
      std::thread{[] {
        uncached_file made{4};
        spawn([&made] { made.opened().read_at(0, part); });
        yield();
      }}.join();
  }
}
