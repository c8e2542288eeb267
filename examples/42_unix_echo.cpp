// Teaches: a server on a Unix socket, with a file's path for an address. Code
//          that takes a `stream&` does not care what is below it. The peer's
//          process is known, and the path goes with the listener.
// Run:     build/dev/bin/42_unix_echo
// Prints:  expected/42_unix_echo.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/unix.hpp>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

using namespace greenroom;

void echo(stream& peer) {
  buffered_reader lines{peer};
  while (const auto line = lines.read_line())
    peer.write({"you said: ", *line, "\n"}); // one system call
}

int main() {
  const auto folder = std::filesystem::temp_directory_path();
  const unix_address at{folder / ("echo." + std::to_string(::getpid()))};
  unix_listener door{at};

  nursery([&](nursery_scope& children) {
    children.spawn([&] {
      unix_socket peer = door.accept();
      const bool own = peer.peer_credentials().process == ::getpid();
      std::puts(own ? "a visitor from this process" : "a stranger");
      echo(peer);
    });
    unix_socket peer = unix_socket::connect(at);
    buffered_reader answers{peer};
    for (const char* text : {"hello", "there"}) {
      peer.write({text, "\n"});
      std::puts(answers.read_line()->c_str());
    }
    peer.shutdown_write();
    std::puts(answers.read_line() ? "more" : "the end");
  });

  door.close();
  std::puts(std::filesystem::exists(at.path) ? "left behind" : "cleaned up");
}
