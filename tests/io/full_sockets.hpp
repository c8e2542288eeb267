#pragma once

// Sockets without room to send, which the loopback interface never leaves one
// with. It is in udp_test.cpp.

namespace test {

/// While it lives, this thread's sockets have no room: `send` and `sendto` are
/// told to try again. One whose send buffer size is set looks again.
class full_sockets {
public:
  full_sockets();
  full_sockets(const full_sockets&) = delete;
  full_sockets& operator=(const full_sockets&) = delete;
  ~full_sockets();
};

} // namespace test
