#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/tcp.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace chat_load {

/// One person's connection to a chat server, in a room, whatever it speaks.
class voice {
public:
  static constexpr std::chrono::seconds patience{30}; // with a silent server

  voice() = default;
  voice(const voice&) = delete;
  voice& operator=(const voice&) = delete;
  virtual ~voice() = default;

  virtual void say(const std::string& text) = 0;
  /// "name: text", or what is no message. Throws when the server has closed.
  virtual std::string next_line() = 0;
  /// Leaves first, or waits until the server closes. Whether that said goodbye.
  virtual bool take_leave(bool first) = 0;
};

/// By lines of text, to chat_server.
std::unique_ptr<voice> connect_lines(const greenroom::tcp_address& server,
                                     const std::string& name,
                                     const std::string& room);
/// By WebSocket, to chat_web.
std::unique_ptr<voice> connect_page(const greenroom::tcp_address& server,
                                    const std::string& name,
                                    const std::string& room);

} // namespace chat_load
