#include <greenroom/zmq/frame.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>

using greenroom::zmq::frame;

TEST_SUITE_BEGIN("zmq");

TEST_CASE("a frame holds bytes, and a copy has the same") {
  const frame empty;
  CHECK(empty.empty());
  const frame small{"text"};
  CHECK(small == "text");
  CHECK(small.text() == "text");
  const frame copy = small;
  CHECK(copy == small);
  CHECK(!(copy == empty));
  CHECK(frame{std::string("a\0b", 3)}.size() == 3);
}

TEST_CASE("a long string is not copied, by frames and by their copies") {
  std::string text(100'000, 'x');
  const char* const where = text.data();
  frame first{std::move(text)};
  CHECK(first.data() == where);
  const frame second = first;
  CHECK(second.data() == where);
  const frame third = std::move(first);
  CHECK(third.data() == where);
  CHECK(first.empty());
}

TEST_CASE("a frame gives back memory that it took over") {
  int released = 0;
  char bytes[] = "somebody's";
  {
    const frame made = frame::adopt(
        bytes, 9, [](void*, void* hint) { ++*static_cast<int*>(hint); },
        &released);
    const frame copy = made;
    CHECK(copy.view() == "somebody'");
    CHECK(released == 0);
  }
  CHECK(released == 1);
}

TEST_CASE("a frame may be assigned to itself") {
  frame one{"one"};
  frame& same = one;
  one = same;
  one = std::move(same);
  CHECK(one == "one");
  one = frame{"two"};
  CHECK(one == "two");
}

TEST_SUITE_END();
