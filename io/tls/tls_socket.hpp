#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/socket_stream.hpp>
#include <greenroom/io/stream.hpp>
#include <greenroom/io/tcp_address.hpp>
#include <greenroom/tls/tls_certificate.hpp>
#include <greenroom/tls/tls_context.hpp>
#include <greenroom/tls/tls_session.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

struct ssl_st;

namespace greenroom {

struct tls_connect_options {
  /// Whom to expect, a name or an IP address: what the certificate must name,
  /// and which of its hosts the server is asked for (SNI; names only). Empty:
  /// the host that `connect` was given.
  std::string server_name;
  std::vector<std::string> alpn = {}; ///< none: the context's
  tls_session session = {};           ///< to resume
};

/// A TLS connection over a stream socket.
///
/// Ownership  Owns the connection; moved, not copied.
/// Waits      `connect`, `client` and `server` for the handshake, `shutdown`,
///            and those of `stream`; only the calling greenlet, each in whole
///            until its deadline. Without one, a peer that says nothing is
///            waited for without end. It gives way at times where it need not
///            wait.
/// Errors     Both forms. Those of the socket, of `tls_category` and
///            `tls_verify_category`; `tls_errc` tells the usual ones apart. An
///            end without the peer's goodbye (close_notify) is an error,
///            `tls_errc::truncated`; after a goodbye, reading gives 0. A server
///            may refuse a client's certificate after `connect` has returned;
///            reading says so.
///            A kill or timeout in a write leaves it usable: what was begun of
///            it counts as written, and goes out with the next call.
/// Source     Python's SSLSocket, Go's tls.Conn.
///
///     auto peer = tls_socket::connect(context, {"example.org", 443}, 10s);
///     peer.write("GET / HTTP/1.0\r\n\r\n");
///
///     auto secure = tls_socket::server(context, std::move(accepted), 10s);
class tls_socket : public stream {
public:
  /// Not connected.
  tls_socket();
  tls_socket(tls_socket&&) noexcept;
  tls_socket& operator=(tls_socket&&) noexcept;
  /// As `close`.
  ~tls_socket() override;

  static tls_socket connect(const tls_context& with, const tcp_address& to,
                            deadline until = {},
                            const tls_connect_options& options = {});
  static tls_socket connect(const tls_context& with, const tcp_address& to,
                            deadline until, std::error_code& failed,
                            const tls_connect_options& options = {});

  /// The handshake of a client, or a server, over a connection there is
  /// already, which is closed when it fails.
  static tls_socket client(const tls_context& with, socket_stream&& over,
                           const tls_connect_options& options,
                           deadline until = {});
  static tls_socket client(const tls_context& with, socket_stream&& over,
                           const tls_connect_options& options, deadline until,
                           std::error_code& failed);
  static tls_socket server(const tls_context& with, socket_stream&& over,
                           deadline until = {});
  static tls_socket server(const tls_context& with, socket_stream&& over,
                           deadline until, std::error_code& failed);

  /// Says goodbye. Does not wait: where there is no room, it is sent when
  /// there is.
  void shutdown_write() override;
  /// From the socket below no more is read.
  void shutdown_read() override;
  /// Says goodbye and waits for that of the peer; what comes before is
  /// dropped. The socket stays open.
  void shutdown(deadline until = {});
  void shutdown(deadline until, std::error_code& failed);
  /// Says goodbye, if there is room at once, and closes the socket.
  void close() override;
  /// Closes without goodbye, and so that a TCP peer gets a reset.
  void reset() override;
  bool is_open() const override;
  std::string peer_name() const override;

  std::string alpn() const;        ///< "h2"; empty: none was agreed on
  std::string version() const;     ///< "TLSv1.3"
  std::string cipher() const;      ///< "TLS_AES_256_GCM_SHA384"
  std::string server_name() const; ///< that the client asked for; or empty
  std::optional<tls_certificate> peer_certificate() const;
  bool resumed() const;
  /// For a later connection; empty when there is none. The tickets of TLS 1.3
  /// come after the handshake, together with what is read.
  tls_session session() const;

  /// Empty when it is no TCP connection, or is gone.
  tcp_address local() const;
  tcp_address peer() const;

  /// For what the socket below offers; not to read, write or close it.
  socket_stream& lower() const;
  /// For what is not offered here; null when not connected.
  ssl_st* native() const;

private:
  struct core;
  explicit tls_socket(std::shared_ptr<core> made);
  static tls_socket shake_hands(std::shared_ptr<core> made, deadline until,
                                std::error_code& failed);

  std::size_t receive(std::span<char> into, std::size_t at_least,
                      const transfer& how) override;
  std::size_t send(std::span<const std::string_view> parts,
                   const transfer& how) override;

  // Shared with the calls that wait; never null, but when moved from.
  std::shared_ptr<core> core_;
};

} // namespace greenroom
