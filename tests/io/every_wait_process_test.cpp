// What every waiting call on pipes, messages and processes owes: see
// every_wait.hpp.

#include "every_wait.hpp"
#include "io/process_support.hpp"

#include <greenroom/io/message_stream.hpp>
#include <greenroom/io/pipe.hpp>
#include <greenroom/io/process.hpp>

#include <array>
#include <string>

using namespace greenroom;

namespace {

struct pipe_read {
  bool call(deadline until) {
    target.reader.read(part, until);
    return true;
  }
  bool left_clean() { return target.reader.is_open(); }
  std::array<char, 8> part;
  pipe_ends target = greenroom::pipe();
};

struct pipe_write {
  bool call(deadline until) {
    target.writer.write(test::more_than_fits(), until);
    return true;
  }
  bool left_clean() { return target.writer.is_open(); }
  pipe_ends target = greenroom::pipe();
};

struct message_receive {
  bool call(deadline until) { return messages.receive(until).has_value(); }
  bool left_clean() { return messages.is_open(); }
  pipe_ends target = greenroom::pipe();
  message_stream messages{target.reader};
};

struct message_send {
  bool call(deadline until) {
    messages.send(test::more_than_fits(), until);
    return true;
  }
  bool left_clean() { return messages.is_open(); }
  pipe_ends target = greenroom::pipe();
  message_stream messages{target.writer, 64 << 20};
};

struct process_wait {
  bool call(deadline until) { return child.wait(until).success(); }
  bool left_clean() { return !child.ready(); }
  process child{"sleep", {"1000"}};
};

struct process_communicate {
  bool call(deadline until) {
    child.communicate(test::more_than_fits(), until);
    return true;
  }
  bool left_clean() { return !child.ready(); }
  process child{
      "sleep",
      {"1000"},
      {.input = stdio::pipe, .output = stdio::pipe, .error = stdio::pipe}};
};

} // namespace

TEST_CASE_TEMPLATE("every wait: pipes and processes", Wait, pipe_read,
                   pipe_write, message_receive, message_send, process_wait,
                   process_communicate) {
  test::every_wait<Wait>();
}
