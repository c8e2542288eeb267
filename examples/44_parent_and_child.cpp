// Teaches: two processes that exchange messages, cooperative both. The gevent
//          tutorial's program on multiprocessing's pipes: one greenlet of the
//          parent sends, one receives, and the child, the same program started
//          again, answers.
// Run:     build/dev/bin/44_parent_and_child
// Prints:  expected/44_parent_and_child.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/message_stream.hpp>
#include <greenroom/io/process.hpp>

#include <cstdio>
#include <string>

using namespace greenroom;

void relay(message_stream& parent) {
  int number = 0;
  while (const auto message = parent.receive())
    parent.send(*message + " in " + std::to_string(number++));
}

void put_messages(message_stream& child) {
  for (int i = 0; i < 10; ++i)
    child.send("hi");
  child.shutdown_write(); // it reads the end, and ends
}

void get_messages(message_stream& child) {
  while (const auto message = child.receive())
    std::puts(message->c_str());
}

int main() {
  if (auto parent = parent_channel()) {
    relay(*parent);
    return 0;
  }
  process child{"/proc/self/exe", {}, {.channel = true}};
  auto putter = spawn([&] { put_messages(child.channel()); });
  auto getter = spawn([&] { get_messages(child.channel()); });
  putter.join();
  getter.join();
  std::printf("the child %s\n", child.wait().text().c_str());
}
