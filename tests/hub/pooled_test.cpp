#include "hub/support.hpp"

#include <greenroom/hub/pooled.hpp>

#include <cstddef>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

using namespace greenroom;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool keeps_blocks = false; // so that misuse is found
#else
constexpr bool keeps_blocks = true;
#endif

constexpr std::size_t size = 96; // bytes

/// Each with bytes of its own, to be checked when they are freed.
std::vector<void*> made(int count) {
  std::vector<void*> blocks;
  for (int i = 0; i < count; ++i) {
    blocks.push_back(pooled_new(size));
    std::memset(blocks.back(), i % 251, size);
  }
  return blocks;
}

bool freed(const std::vector<void*>& blocks) {
  bool intact = true;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto* const bytes = static_cast<const unsigned char*>(blocks[i]);
    intact = intact && bytes[0] == i % 251 && bytes[size - 1] == i % 251;
    pooled_delete(blocks[i], size);
  }
  return intact;
}

} // namespace

TEST_SUITE("hub") {
  TEST_CASE("no two living blocks share a byte") {
    std::vector<void*> blocks = made(100'000);
    CHECK(std::set<void*>(blocks.begin(), blocks.end()).size() == 100'000);
    CHECK(freed(blocks));
    blocks = made(100'000);
    CHECK(std::set<void*>(blocks.begin(), blocks.end()).size() == 100'000);
    CHECK(freed(blocks));
  }

  TEST_CASE("blocks freed on another thread come back to one that only makes") {
    std::vector<void*> first;
    std::thread([&] { first = made(40'000); }).join();
    CHECK(std::set<void*>(first.begin(), first.end()).size() == 40'000);
    std::vector<void*> second;
    bool intact = false;
    std::thread([&] {
      intact = freed(first); // more than a thread keeps
      std::thread([&] { second = made(10'000); }).join();
    }).join();
    CHECK(intact);
    const std::set<void*> known(first.begin(), first.end());
    std::size_t again = 0;
    for (void* each : second)
      again += known.count(each);
    if (keeps_blocks) CHECK(again >= 10'000 - 512);
    CHECK(freed(second));
  }

  TEST_CASE("a thread that ends gives back what it kept") {
    for (int round = 0; round < 20; ++round)
      std::thread([] {
        CHECK(freed(made(3'000)));
        CHECK(freed(made(3'000)));
      }).join();
  }

  TEST_CASE("threads that make and free at the same time get sound blocks") {
    std::vector<std::thread> threads;
    std::vector<int> sound(4);
    for (std::size_t i = 0; i < 4; ++i)
      threads.emplace_back([&sound, i] {
        for (int round = 0; round < 5; ++round)
          sound[i] += freed(made(20'000));
      });
    for (std::thread& each : threads)
      each.join();
    CHECK(sound == std::vector<int>(4, 5));
  }
}
