#include "tls_core.hpp"

#include "../turn.hpp"
#include "session_state.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/tls/tls_error.hpp>

#include <asio/ip/address.hpp>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <utility>

namespace greenroom {
namespace {

constexpr std::size_t record_size = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr unsigned calls_in_a_row = 32;

/// What is still to be sent of several parts, a record at a time.
class records {
public:
  explicit records(std::span<const std::string_view> parts) : parts_(parts) {
    skip(0);
  }

  bool empty() const { return parts_.empty(); }

  /// Where it is when one part fills it, else gathered, so that small parts
  /// go out in one.
  std::string_view next(std::string& gathered) {
    if (parts_.size() == 1 || front().size() >= record_size)
      return take(record_size);
    gathered.clear();
    while (!empty() && gathered.size() < record_size)
      gathered += take(record_size - gathered.size());
    return gathered;
  }

private:
  std::string_view front() const { return parts_.front().substr(skipped_); }

  std::string_view take(std::size_t most) {
    const std::string_view part = front().substr(0, most);
    skip(part.size());
    return part;
  }

  void skip(std::size_t bytes) {
    skipped_ += bytes;
    while (!parts_.empty() && skipped_ >= parts_.front().size()) {
      skipped_ -= parts_.front().size();
      parts_ = parts_.subspan(1);
    }
  }

  std::span<const std::string_view> parts_;
  std::size_t skipped_ = 0; // bytes of the first part
};

std::error_code invalid() {
  return std::make_error_code(std::errc::invalid_argument);
}

std::error_code truncated() {
  return {SSL_R_UNEXPECTED_EOF_WHILE_READING, tls_category()};
}

bool is_ip(const std::string& host) {
  std::error_code failed;
  asio::ip::make_address(host, failed);
  return !failed;
}

/// Whom the certificate must name, and the host that is asked for.
bool expect(SSL* ssl, std::string host, bool verify_name) {
  if (host.find('\0') != std::string::npos) return false;
  host.resize(std::min(host.size(), host.find('%'))); // the zone of an address
  const bool verify = SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;
  if (host.empty()) return !verify || !verify_name;
  const bool ip = is_ip(host);
  if (!ip && SSL_set_tlsext_host_name(ssl, host.c_str()) != 1) return false;
  if (!verify_name) return true;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl);
  return ip ? X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1
            : SSL_set1_host(ssl, host.c_str()) == 1;
}

} // namespace

tls_socket::core::core()
    : context(nullptr), lower(tcp_socket()), wire(lower), who("a connection") {
}

tls_socket::core::core(const tls_context& with, socket_stream&& over,
                       std::string name)
    : context(with), lower(std::move(over)), wire(lower), who(std::move(name)) {
}

// --- the handshake --------------------------------------------------------

void tls_socket::core::begin(std::error_code& failed) {
  ERR_clear_error();
  ssl.reset(SSL_new(context.native()));
  bio_ptr bio = ssl ? wire.make() : nullptr;
  if (!bio) {
    failed = openssl_error();
    return;
  }
  BIO* const both = bio.release();
  SSL_set_bio(ssl.get(), both, both);
  SSL_set_app_data(ssl.get(), &ticket);
}

void tls_socket::core::begin_as_client(const tls_connect_options& options,
                                       std::error_code& failed) {
  const tls_context::state& common = *context.state_;
  failed.clear();
  if (common.is_server)
    failed = invalid();
  else
    begin(failed);
  if (failed) return;
  server_name = plain_host(options.server_name);
  SSL_set_connect_state(ssl.get());
  const std::string alpn =
      options.alpn.empty() ? common.alpn : alpn_list(options.alpn);
  const auto* protocols = reinterpret_cast<const unsigned char*>(alpn.data());
  const auto size = static_cast<unsigned>(alpn.size());
  if (!expect(ssl.get(), server_name, common.verify_name) ||
      SSL_set_alpn_protos(ssl.get(), protocols, size) != 0) // 0 is success
    failed = invalid();
  const auto& kept = options.session.state_;
  if (!failed && kept && kept->server_name == server_name &&
      kept->context == context.state_)
    SSL_set_session(ssl.get(), kept->session.get());
}

void tls_socket::core::begin_as_server(std::error_code& failed) {
  failed.clear();
  if (!context.state_->is_server)
    failed = invalid();
  else
    begin(failed);
  if (!failed) SSL_set_accept_state(ssl.get());
}

void tls_socket::core::handshake(deadline until, std::error_code& failed) {
  const outcome how = complete(&SSL_do_handshake, in, until, failed);
  if (how == outcome::ended) failed = truncated();
  // What was resumed may be of a time when nobody verified.
  const long trust = SSL_get_verify_result(ssl.get());
  const bool distrusted =
      SSL_get_verify_mode(ssl.get()) != SSL_VERIFY_NONE && trust != X509_V_OK;
  if (distrusted && (!failed || failed == tls_errc::verify_failed))
    failed = {static_cast<int>(trust), tls_verify_category()};
  shaken = !failed;
  if (shaken) send_kept_later();
}

// --- calls of OpenSSL -----------------------------------------------------

/// What it says is looked at right away: the queue of errors is the thread's,
/// and greenlets that run meanwhile call OpenSSL, too.
template <class Call>
tls_socket::core::outcome tls_socket::core::call(Call&& step, direction& which,
                                                 std::error_code& failed) {
  failed.clear();
  wire.clear_error();
  ERR_clear_error();
  const int result = step(ssl.get());
  if (result > 0) return outcome::done;
  const int why = SSL_get_error(ssl.get(), result);
  if (why == SSL_ERROR_WANT_READ) return outcome::read_first;
  if (why == SSL_ERROR_WANT_WRITE) return outcome::write_first;
  if (why == SSL_ERROR_ZERO_RETURN && !wire.error()) return outcome::ended;
  failed = explained(why);
  which.broken = failed;
  if (why == SSL_ERROR_SSL) in.broken = out.broken = failed;
  return outcome::failed;
}

/// As often as it takes, until `until`.
template <class Call>
tls_socket::core::outcome
tls_socket::core::complete(Call&& step, direction& which, deadline until,
                           std::error_code& failed) {
  for (;;) {
    const outcome how = call(step, which, failed);
    if (how == outcome::read_first) {
      send_kept_later();
      wait_readable(until, failed);
    } else if (how == outcome::write_first) {
      wait_writable(until, failed);
    } else {
      return how;
    }
    if (failed) return outcome::failed;
  }
}

void tls_socket::core::wait_readable(deadline until, std::error_code& failed) {
  readable.wait(
      [this](deadline latest, std::error_code& why) {
        wire.wait_for_input(latest, why);
        if (why && why != errc::timed_out) in.broken = why;
      },
      until, failed);
}

void tls_socket::core::wait_writable(deadline until, std::error_code& failed) {
  writable.wait(
      [this](deadline latest, std::error_code& why) {
        lower.wait_writable(latest, why);
      },
      until, failed);
}

/// So that OpenSSL need not be asked in vain.
bool tls_socket::core::has_nothing_to_read() const {
  return wire.is_dry() && SSL_has_pending(ssl.get()) == 0 &&
         SSL_get_shutdown(ssl.get()) == 0;
}

std::error_code tls_socket::core::explained(int why) const {
  if (!lower.is_open()) return make_error_code(errc::closed);
  if (why == SSL_ERROR_SSL && ERR_peek_error() != 0) return openssl_error();
  return wire.error() ? wire.error() : truncated();
}

bool tls_socket::core::may_begin(const direction& which,
                                 std::error_code& failed) const {
  failed.clear();
  if (!ssl || !lower.is_open())
    failed = errc::closed;
  else if (which.taken)
    failed = errc::busy;
  else
    failed = which.broken;
  return !failed;
}

/// Who never has to wait must let others have their turn.
void tls_socket::core::give_way_at_times(deadline until,
                                         std::error_code& failed) {
  if (++calls % calls_in_a_row != 0) return;
  yield();
  if (!until.is_never() && deadline(now()) > until) failed = errc::timed_out;
}

// --- reading --------------------------------------------------------------

std::size_t tls_socket::core::receive(std::span<char> into,
                                      std::size_t at_least, deadline until,
                                      std::error_code& failed) {
  if (!may_begin(in, failed)) return 0;
  const turn mine{in.taken};
  hub& here = hub::current(); // it may not have to wait, and is a wait
  here.check_wait("a read from a TLS connection");
  here.throw_pending();
  std::size_t filled = 0;
  while (filled < into.size() && filled < std::max<std::size_t>(at_least, 1)) {
    std::size_t bytes = 0;
    const outcome how = read_once(into.subspan(filled), bytes, until, failed);
    filled += bytes;
    if (how == outcome::ended && at_least > 0) failed = errc::closed;
    if (how != outcome::done) break;
  }
  return filled;
}

tls_socket::core::outcome tls_socket::core::read_once(std::span<char> into,
                                                      std::size_t& bytes,
                                                      deadline until,
                                                      std::error_code& failed) {
  give_way_at_times(until, failed);
  if (failed) return outcome::failed;
  const auto step = [&](SSL* from) {
    return SSL_read_ex(from, into.data(), into.size(), &bytes);
  };
  if (has_nothing_to_read()) wait_readable(until, failed);
  const outcome how =
      failed ? outcome::failed : complete(step, in, until, failed);
  send_kept_later();
  return how;
}

// --- writing --------------------------------------------------------------

std::size_t tls_socket::core::send(std::span<const std::string_view> parts,
                                   deadline until, std::error_code& failed) {
  if (!may_begin(out, failed)) return 0;
  const turn mine{out.taken};
  send_kept(until, failed);
  std::size_t written = 0;
  std::string gathered;
  for (records rest{parts}; !rest.empty() && !failed;) {
    give_way_at_times(until, failed);
    if (!failed) failed = out.broken; // somebody said goodbye meanwhile
    if (!failed) written += write_record(rest.next(gathered), until, failed);
    if (!failed) send_kept(until, failed);
  }
  return written;
}

/// In several, if the peer wants smaller ones.
std::size_t tls_socket::core::write_record(std::string_view record,
                                           deadline until,
                                           std::error_code& failed) {
  std::size_t written = 0;
  while (written < record.size() && !failed) {
    std::size_t bytes = 0;
    const auto step = [&](SSL* to) {
      return SSL_write_ex(to, record.data() + written, record.size() - written,
                          &bytes);
    };
    if (complete(step, out, until, failed) == outcome::ended)
      failed = truncated();
    written += bytes;
  }
  return written;
}

void tls_socket::core::send_kept(deadline until, std::error_code& failed) {
  failed.clear();
  wire.clear_error();
  while (!wire.flush() && !failed) {
    if (wire.error())
      failed = out.broken = explained(SSL_ERROR_SYSCALL);
    else
      wait_writable(until, failed);
    wire.clear_error();
  }
}

/// For those who do not wait for that: nobody may be writing.
void tls_socket::core::send_kept_later() {
  if (!wire.keeps_some() || sending_kept) return;
  spawn({.name = "the rest for " + who}, [here = shared_from_this()] {
    const turn mine{here->sending_kept};
    std::error_code failed;
    here->send_kept({}, failed);
  });
  sending_kept = true;
}

// --- the end --------------------------------------------------------------

/// Never waits. False when the peer cannot be told.
bool tls_socket::core::say_goodbye() {
  if (!shaken || goodbye_said || out.broken || !lower.is_open()) return false;
  goodbye_said = true;
  std::error_code failed;
  if (SSL_in_init(ssl.get())) call(&SSL_do_handshake, out, failed);
  const auto step = [](SSL* to) { return SSL_shutdown(to) < 0 ? -1 : 1; };
  const bool told = call(step, out, failed) == outcome::done;
  if (!failed) out.broken = std::make_error_code(std::errc::broken_pipe);
  return told;
}

void tls_socket::core::shutdown_write() {
  say_goodbye();
  send_kept_later();
}

/// It is no peer that cuts off the rest.
void tls_socket::core::shutdown_read() {
  if (ssl) SSL_set_options(ssl.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  lower.shutdown_read();
}

void tls_socket::core::close() {
  say_goodbye();
  wire.flush(); // what finds no room is missed: it does not look whole
  take_tickets();
  lower.close();
}

/// The system resets a connection that is closed with something unread, and
/// drops what it has not sent yet. Who only writes has tickets unread.
void tls_socket::core::take_tickets() {
  if (!shaken || SSL_is_server(ssl.get()) || in.taken || in.broken) return;
  std::error_code failed;
  char unwanted = 0;
  const auto step = [&](SSL* from) { return SSL_read(from, &unwanted, 1); };
  call(step, in, failed);
}

void tls_socket::core::shutdown(deadline until, std::error_code& failed) {
  if (!may_begin(in, failed)) return;
  if (out.taken) failed = errc::busy;
  if (failed) return;
  const turn reading{in.taken};
  const turn writing{out.taken};
  if (!goodbye_said) {
    failed = out.broken;
    if (!failed && !say_goodbye()) failed = out.broken;
  }
  if (!failed) send_kept(until, failed);
  std::array<char, 512> dropped;
  for (outcome how = outcome::done; how == outcome::done && !failed;) {
    std::size_t bytes = 0;
    how = read_once(dropped, bytes, until, failed);
  }
}

tls_session tls_socket::core::session() const {
  if (!ssl || context.state_->is_server) return {};
  ssl_session_ptr newest{ticket ? ticket.get() : SSL_get_session(ssl.get())};
  if (newest) SSL_SESSION_up_ref(newest.get());
  if (!newest || !SSL_SESSION_is_resumable(newest.get())) return {};
  return tls_session{std::make_shared<tls_session::state>(
      tls_session::state{std::move(newest), server_name, context.state_})};
}

} // namespace greenroom
