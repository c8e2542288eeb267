#pragma once

#include <greenroom/hub/deadline.hpp>

#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

namespace greenroom {

enum class ip_family : std::uint8_t { any, v4, v6 };

/// The addresses of a host as numbers ("127.0.0.1", "::1"), in the order in
/// which they are to be tried; of a numeric host, that one. The system's
/// resolver is asked, with its hosts file, on a thread of
/// `thread_pool::shared()`; those who ask for the same host at once share one
/// lookup.
///
/// Thread     Any hub's.
/// Waits      For the lookup; many go on side by side. It cannot be broken off:
///            when `until` passes, or the caller is killed, it goes on alone.
/// Errors     Both forms: `errc::timed_out`; Asio's for names, such as "Host
///            not found".
/// Source     gevent's thread resolver; GEVENT.md 1.10. The order is that of
///            getaddrinfo(3), RFC 6724.
///
///     for (const std::string& address : resolve("debian.org", 2s)) ...
std::vector<std::string> resolve(const std::string& host, deadline until = {},
                                 ip_family only = ip_family::any);
std::vector<std::string> resolve(const std::string& host, deadline until,
                                 std::error_code& failed,
                                 ip_family only = ip_family::any);

} // namespace greenroom
