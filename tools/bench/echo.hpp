#pragma once

namespace bench {

/// An echo server: listens on a free port of 127.0.0.1, calls
/// `listening(port)`, then serves for ever.
using echo_server = void (*)(void (*listening)(int port));

void greenroom_echo(void (*listening)(int port));
void epoll_echo(void (*listening)(int port)); // raw, level-triggered
void asio_echo(void (*listening)(int port));  // callbacks

// The same over UDP.
void greenroom_datagrams(void (*listening)(int port));
void blocking_datagrams(void (*listening)(int port)); // recvfrom and sendto
void asio_datagrams(void (*listening)(int port));

#ifdef GREENROOM_BENCH_GO
void go_datagrams(void (*listening)(int port));
void go_echo(void (*listening)(int port)); // a goroutine a connection, one CPU
#endif

} // namespace bench
