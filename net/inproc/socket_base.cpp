#include <greenroom/inproc/socket_base.hpp>

namespace greenroom::inproc {
namespace {

using call = void (socket_core::*)(const std::string&, std::error_code&);

void do_or_throw(socket_core& core, call what, const char* name,
                 const std::string& endpoint) {
  std::error_code failed;
  (core.*what)(endpoint, failed);
  if (failed)
    throw std::system_error(failed, std::string(name) + " of " +
                                        std::string(name_of(core.what.kind)) +
                                        " socket, " + endpoint);
}

} // namespace

socket_base& socket_base::operator=(socket_base&& other) noexcept {
  if (this == &other) return *this;
  if (core_) core_->close();
  core_ = std::move(other.core_);
  return *this;
}

socket_base::~socket_base() {
  if (core_) core_->close();
}

void socket_base::bind(const std::string& endpoint) {
  do_or_throw(*core_, &socket_core::bind, "bind", endpoint);
}

void socket_base::bind(const std::string& endpoint, std::error_code& failed) {
  core_->bind(endpoint, failed);
}

void socket_base::unbind(const std::string& endpoint) {
  do_or_throw(*core_, &socket_core::unbind, "unbind", endpoint);
}

void socket_base::unbind(const std::string& endpoint, std::error_code& failed) {
  core_->unbind(endpoint, failed);
}

void socket_base::connect(const std::string& endpoint) {
  do_or_throw(*core_, &socket_core::connect, "connect", endpoint);
}

void socket_base::connect(const std::string& endpoint,
                          std::error_code& failed) {
  core_->connect(endpoint, failed);
}

void socket_base::disconnect(const std::string& endpoint) {
  do_or_throw(*core_, &socket_core::disconnect, "disconnect", endpoint);
}

void socket_base::disconnect(const std::string& endpoint,
                             std::error_code& failed) {
  core_->disconnect(endpoint, failed);
}

void socket_base::close() {
  core_->home.check_thread("a socket of inproc");
  core_->close();
}

} // namespace greenroom::inproc
