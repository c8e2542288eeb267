#pragma once

// Private to the io room: addresses as the system has them.

#include <greenroom/io/tcp_address.hpp>
#include <greenroom/io/unix_address.hpp>

#include <sys/socket.h>

#include <string>

namespace greenroom {

/// Empty when it is of another family.
tcp_address tcp_address_of(const sockaddr* address);
unix_address unix_address_of(const sockaddr* address, socklen_t size);

/// "127.0.0.1:5000", "[::1]:5000", "/run/name", "@abstract"; empty for none.
std::string text_of(const sockaddr* address, socklen_t size);

} // namespace greenroom
