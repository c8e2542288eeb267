#pragma once

// Private to the tls room.

#include "openssl.hpp"

#include <greenroom/tls/tls_certificate.hpp>

namespace greenroom {

tls_certificate certificate_of(X509& certificate);

} // namespace greenroom
