#include <greenroom/zmq/socket.hpp>

#include "socket_core.hpp"

#include <zmq.h>

#include <array>
#include <utility>

namespace greenroom::zmq {
namespace {

constexpr std::array<std::string_view, 12> names{
    "pair",   "pub",  "sub",  "req",  "rep",  "dealer",
    "router", "pull", "push", "xpub", "xsub", "stream"};

static_assert(static_cast<int>(socket_type::pair) == ZMQ_PAIR);
static_assert(static_cast<int>(socket_type::stream) == ZMQ_STREAM);

zmq_msg_t* native_of(frame& of) {
  return static_cast<zmq_msg_t*>(of.native());
}

int send_frame(void* socket, frame& what, int flags) {
  return zmq_msg_send(native_of(what), socket, ZMQ_DONTWAIT | flags) < 0
             ? zmq_errno()
             : 0;
}

int receive_frame(void* socket, frame& into) {
  return zmq_msg_recv(native_of(into), socket, ZMQ_DONTWAIT) < 0 ? zmq_errno()
                                                                 : 0;
}

int send_one(void* socket, void* what) {
  return send_frame(socket, *static_cast<frame*>(what), 0);
}

int receive_one(void* socket, void* into) {
  return receive_frame(socket, *static_cast<frame*>(into));
}

int flags_of(const message& of, std::size_t at) {
  return at + 1 < of.size() ? ZMQ_SNDMORE : 0;
}

/// Only the first frame can be refused, unless the peer is gone since: libzmq
/// has dropped its part of the message then, and drops the rest as it comes.
int send_all(void* socket, void* what) {
  auto& frames = *static_cast<message*>(what);
  if (frames.empty()) return EINVAL;
  const int status = send_frame(socket, frames.front(), flags_of(frames, 0));
  if (status != 0) return status;
  for (std::size_t i = 1; i < frames.size(); ++i)
    send_frame(socket, frames[i], flags_of(frames, i));
  frames.clear();
  return 0;
}

struct collected {
  message frames;
  const std::size_t most;
};

/// All frames of a message come together.
int receive_all(void* socket, void* into) {
  auto& all = *static_cast<collected*>(into);
  frame next;
  bool too_many = false;
  int status = receive_frame(socket, next);
  while (status == 0) {
    const bool more = next.more();
    too_many = too_many || all.frames.size() == all.most;
    if (!too_many) all.frames.push_back(std::move(next));
    if (!more) break;
    status = receive_frame(socket, next);
  }
  if (too_many) all.frames.clear();
  return too_many && status == 0 ? EMSGSIZE : status;
}

} // namespace

std::string_view name_of(socket_type kind) {
  return names.at(static_cast<std::size_t>(kind));
}

bool readiness::ready() const {
  return static_cast<socket::core*>(core_)->ready(sending_);
}

wait_list& readiness::watchers() {
  return static_cast<socket::core*>(core_)->watchers(sending_);
}

socket::socket(socket_type kind) : socket(context::shared(), kind) {
}

socket::socket(const context& in, socket_type kind)
    : core_(std::make_shared<core>(in, kind)) {
}

socket::socket(socket&&) noexcept = default;

socket& socket::operator=(socket&& other) noexcept {
  if (this != &other) {
    if (core_) core_->let_go();
    core_ = std::move(other.core_);
  }
  return *this;
}

socket::~socket() {
  if (core_) core_->let_go();
}

// --- endpoints --------------------------------------------------------------

void socket::core::call(int (*function)(void*, const char*),
                        const std::string& at, std::error_code& failed) {
  home_.check_thread("a zmq::socket");
  failed.clear();
  if (!handle_)
    failed = greenroom::errc::closed;
  else if (function(handle_, at.c_str()) != 0)
    failed = code_of(zmq_errno());
  touched();
}

std::string socket::core::last_endpoint() const {
  std::array<char, 1024> text;
  std::size_t size = text.size();
  const bool found = handle_ && zmq_getsockopt(handle_, ZMQ_LAST_ENDPOINT,
                                               text.data(), &size) == 0;
  return found ? text.data() : "";
}

namespace {

void throw_if(const std::error_code& failed, const std::string& what) {
  if (failed) throw std::system_error(failed, what);
}

} // namespace

void socket::bind(const std::string& endpoint) {
  std::error_code failed;
  bind(endpoint, failed);
  throw_if(failed, core_->named("bind") + " to " + endpoint);
}

void socket::bind(const std::string& endpoint, std::error_code& failed) {
  core_->call(&zmq_bind, endpoint, failed);
  if (!failed) core_->endpoint = core_->last_endpoint();
}

void socket::unbind(const std::string& endpoint) {
  std::error_code failed;
  unbind(endpoint, failed);
  throw_if(failed, core_->named("unbind") + " from " + endpoint);
}

void socket::unbind(const std::string& endpoint, std::error_code& failed) {
  core_->call(&zmq_unbind, endpoint, failed);
}

void socket::connect(const std::string& endpoint) {
  std::error_code failed;
  connect(endpoint, failed);
  throw_if(failed, core_->named("connect") + " to " + endpoint);
}

void socket::connect(const std::string& endpoint, std::error_code& failed) {
  core_->call(&zmq_connect, endpoint, failed);
  if (!failed) core_->endpoint = core_->last_endpoint();
}

void socket::disconnect(const std::string& endpoint) {
  std::error_code failed;
  disconnect(endpoint, failed);
  throw_if(failed, core_->named("disconnect") + " from " + endpoint);
}

void socket::disconnect(const std::string& endpoint, std::error_code& failed) {
  core_->call(&zmq_disconnect, endpoint, failed);
}

std::string socket::last_endpoint() const {
  return core_->endpoint;
}

// --- messages ---------------------------------------------------------------

void socket::send(frame&& what, deadline until) {
  core_->operate(true, &send_one, &what, until, "send");
}

void socket::send(frame&& what, deadline until, std::error_code& failed) {
  core_->operate(true, &send_one, &what, until, failed);
}

void socket::send_multipart(message&& frames, deadline until) {
  core_->operate(true, &send_all, &frames, until, "send_multipart");
}

void socket::send_multipart(message&& frames, deadline until,
                            std::error_code& failed) {
  core_->operate(true, &send_all, &frames, until, failed);
}

bool socket::try_send(frame&& what) {
  return core_->operate_now(true, &send_one, &what);
}

bool socket::try_send_multipart(message&& frames) {
  return core_->operate_now(true, &send_all, &frames);
}

frame socket::receive(deadline until) {
  frame into;
  core_->operate(false, &receive_one, &into, until, "receive");
  return into;
}

frame socket::receive(deadline until, std::error_code& failed) {
  frame into;
  core_->operate(false, &receive_one, &into, until, failed);
  return into;
}

message socket::receive_multipart(deadline until) {
  collected into{{}, core_->most_frames};
  core_->operate(false, &receive_all, &into, until, "receive_multipart");
  return std::move(into.frames);
}

message socket::receive_multipart(deadline until, std::error_code& failed) {
  collected into{{}, core_->most_frames};
  core_->operate(false, &receive_all, &into, until, failed);
  return std::move(into.frames);
}

std::optional<frame> socket::try_receive() {
  std::optional<frame> into{std::in_place};
  if (!core_->operate_now(false, &receive_one, &*into)) into.reset();
  return into;
}

std::optional<message> socket::try_receive_multipart() {
  collected into{{}, core_->most_frames};
  if (!core_->operate_now(false, &receive_all, &into)) return {};
  return std::move(into.frames);
}

// --- state ------------------------------------------------------------------

readiness& socket::readable() {
  return core_->readable;
}

readiness& socket::writable() {
  return core_->writable;
}

void socket::close() {
  if (core_) core_->let_go();
}

bool socket::is_open() const {
  return core_ && core_->handle();
}

socket_type socket::kind() const {
  return core_->kind;
}

void* socket::native() const {
  return core_->handle();
}

} // namespace greenroom::zmq
