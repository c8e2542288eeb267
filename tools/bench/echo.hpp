#pragma once

namespace bench {

/// An echo server: listens on a free port of 127.0.0.1, calls
/// `listening(port)`, then serves for ever.
using echo_server = void (*)(void (*listening)(int port));

void greenroom_echo(void (*listening)(int port));
void epoll_echo(void (*listening)(int port)); // raw, level-triggered
void asio_echo(void (*listening)(int port));  // callbacks
#ifdef GREENROOM_BENCH_GO
void go_echo(void (*listening)(int port)); // a goroutine a connection, one CPU
#endif

} // namespace bench
