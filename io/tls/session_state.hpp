#pragma once

// Private to the tls room: what is behind a session.

#include "openssl.hpp"

#include <greenroom/tls/tls_session.hpp>

#include <memory>
#include <string>

namespace greenroom {

struct tls_session::state {
  ssl_session_ptr session;
  std::string server_name;
  std::shared_ptr<const void> context; // of whom it is
};

} // namespace greenroom
