#pragma once

#include "user.hpp"

#include <greenroom/ws/socket.hpp>

#include <cstdint>
#include <string>

namespace chat_web {

/// Who is at the other end, where, and what the page there has already.
struct visitor {
  user_ref who;
  std::string room;
  room_ref where;
  std::uint64_t after = 0;
  std::uint64_t presence = 0;
};

/// In a room from its construction to its end, however that comes.
class stay {
public:
  explicit stay(const visitor& of);
  stay(const stay&) = delete;
  stay& operator=(const stay&) = delete;
  ~stay();

  const outbox_ptr& out() const { return out_; }

private:
  const user_ref who_;
  const std::string room_;
  const outbox_ptr out_ = std::make_shared<outbox>();
};

/// One page: this greenlet writes what there is to tell, its child reads.
void serve_socket(greenroom::ws::socket& page, const visitor& of);

} // namespace chat_web
