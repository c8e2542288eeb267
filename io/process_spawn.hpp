#pragma once

// Private to the io room: from what was asked for to a running child.

#include <greenroom/io/message_stream.hpp>
#include <greenroom/io/pipe.hpp>
#include <greenroom/io/process.hpp>

#include "owned_descriptor.hpp"

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace greenroom {

inline constexpr const char* channel_variable = "GREENROOM_CHANNEL";

/// A child's standard streams: its ends, and ours of those that are pipes.
struct standard_ends {
  explicit standard_ends(const process_options& options);

  std::array<owned_descriptor, 3> child; // above 2; none: inherited
  std::array<std::optional<pipe_stream>, 3> parent;
  bool merged = false; // the error stream is the output
  owned_descriptor child_channel;
  std::optional<message_stream> parent_channel;

private:
  void make_channel();
};

/// Starts it; throws when the program cannot be executed.
pid_t spawn_program(const std::string& program,
                    const std::vector<std::string>& arguments,
                    const process_options& options, const standard_ends& ends);

} // namespace greenroom
