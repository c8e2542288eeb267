#include <greenroom/io/resolve.hpp>

#include <greenroom/hub/error.hpp>
#include <greenroom/io/thread_pool.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <asio/error.hpp>
#include <asio/ip/address.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <utility>

namespace greenroom {
namespace {

using addresses = std::vector<std::string>;

struct outcome {
  std::error_code failed;
  addresses found;
};

std::error_code as_error_code(int status) {
  switch (status) {
  case EAI_AGAIN:
    return asio::error::host_not_found_try_again;
  case EAI_FAIL:
    return asio::error::no_recovery;
  case EAI_MEMORY:
    return asio::error::no_memory;
  case EAI_SYSTEM:
    return {errno, std::system_category()};
  default:
    return asio::error::host_not_found;
  }
}

std::string text_of(const addrinfo& entry) {
  std::array<char, NI_MAXHOST> text{};
  const int status = getnameinfo(entry.ai_addr, entry.ai_addrlen, text.data(),
                                 text.size(), nullptr, 0, NI_NUMERICHOST);
  return status == 0 ? text.data() : "";
}

int family_of(ip_family only) {
  switch (only) {
  case ip_family::v4:
    return AF_INET;
  case ip_family::v6:
    return AF_INET6;
  case ip_family::any:
    break;
  }
  return AF_UNSPEC;
}

/// On a thread of the pool.
outcome look_up(const std::string& host, ip_family only) {
  addrinfo hints{};
  hints.ai_family = family_of(only);
  hints.ai_socktype = SOCK_STREAM; // each address once
  addrinfo* first = nullptr;
  const int status = getaddrinfo(host.c_str(), nullptr, &hints, &first);
  if (status != 0) return {as_error_code(status), {}};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all{first,
                                                               &freeaddrinfo};
  outcome done;
  for (const addrinfo* each = first; each; each = each->ai_next)
    if (std::string text = text_of(*each); !text.empty())
      done.found.push_back(std::move(text));
  if (done.found.empty()) done.failed = asio::error::host_not_found;
  return done;
}

using lookup = async_result<outcome>;

/// The lookup of that host that goes on for somebody of this hub, or a new one.
lookup shared_lookup(const std::string& host, ip_family only, deadline until) {
  static thread_local std::map<std::pair<std::string, ip_family>, lookup> all;
  std::erase_if(all, [](const auto& each) { return each.second.ready(); });
  const auto key = std::pair{host, only};
  if (const auto found = all.find(key); found != all.end())
    return found->second;
  lookup made = thread_pool::shared().spawn(
      [host, only] { return look_up(host, only); }, until);
  all.insert_or_assign(key, made); // who came meanwhile has his own
  return made;
}

/// Whether `host` is a number, as which there is nothing to look up.
bool is_numeric(const std::string& host, ip_family only,
                std::error_code& failed) {
  std::error_code not_numeric;
  const auto address = asio::ip::make_address(host, not_numeric);
  if (not_numeric) return false;
  if ((only == ip_family::v4 && !address.is_v4()) ||
      (only == ip_family::v6 && !address.is_v6()))
    failed = asio::error::host_not_found;
  return true;
}

} // namespace

addresses resolve(const std::string& host, deadline until,
                  std::error_code& failed, ip_family only) {
  failed.clear();
  if (is_numeric(host, only, failed)) {
    if (failed) return {};
    return {host};
  }
  if (host.empty() || host.find('\0') != std::string::npos) {
    failed = asio::error::host_not_found;
    return {};
  }
  try {
    const lookup asked = shared_lookup(host, only, until);
    outcome done = asked.get(until);
    failed = done.failed;
    return std::move(done.found);
  } catch (const std::system_error& error) { // no time, or no thread
    failed = error.code();
    return {};
  }
}

addresses resolve(const std::string& host, deadline until, ip_family only) {
  std::error_code failed;
  addresses found = resolve(host, until, failed, only);
  if (failed) throw std::system_error(failed, "resolve " + host);
  return found;
}

} // namespace greenroom
