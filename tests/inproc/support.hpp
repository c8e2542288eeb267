#pragma once

#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/inproc/dealer_router.hpp>
#include <greenroom/inproc/pub_sub.hpp>
#include <greenroom/inproc/push_pull.hpp>
#include <greenroom/inproc/req_rep.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace test {

using namespace std::chrono_literals;
using greenroom::spawn;
using greenroom::yield;
namespace inproc = greenroom::inproc;
using inproc::dealer;
using inproc::pub;
using inproc::pull;
using inproc::push;
using inproc::rep;
using inproc::req;
using inproc::routed;
using inproc::router;
using inproc::sub;

using numbers = std::vector<int>;

/// What can only be moved.
using box = std::unique_ptr<int>;
inline box boxed(int value) {
  return std::make_unique<int>(value);
}

/// Everything that can be received without waiting.
template <class Socket>
auto all_of(Socket& from) {
  std::vector<typename Socket::message_type> all;
  while (auto next = from.try_receive())
    all.push_back(std::move(*next));
  return all;
}

/// As many messages as a connection of the two may have.
template <class One, class Other>
void limit_each(One& one, Other& other, std::size_t messages) {
  one.set_send_limit(messages);
  one.set_receive_limit(messages);
  other.set_send_limit(messages);
  other.set_receive_limit(messages);
}

} // namespace test
