#pragma once

#include <greenroom/actors/topic.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/wire/codec.hpp>
#include <greenroom/wire/error_hook.hpp>
#include <greenroom/wire/limits.hpp>
#include <greenroom/zmq/socket.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom::wire {

struct topic_options {
  std::size_t queue = 1000; ///< messages to send; then the oldest is dropped
  limits body{};
  error_hook on_bad_message{};
};

namespace inside {

/// False when the socket is closed.
bool send_news(zmq::socket& to, const std::string& name, std::string body);
void receive_news(zmq::socket& from, const std::string& name,
                  const error_hook& hook,
                  const std::function<void(std::string_view body)>& publish);

} // namespace inside

/// Sends what is published in a topic from now on to a pub socket, under a
/// name: [name, body]. Returns when the topic is destroyed, or, at
/// the next message, the socket is closed: a greenlet's whole work, as `serve`.
///
/// Ownership  Refers to the socket; and to the topic until it is destroyed.
/// Thread     That of both.
/// Waits      All the time. Who publishes never does.
/// Errors     What the socket throws, but `errc::closed`.
///
///     spawn([&] { wire::publish(prices, pub, "prices"); });
template <class Message>
void publish(topic<Message>& from, zmq::socket& to, const std::string& name,
             const topic_options& how = {}) {
  subscription<Message> news{from, how.queue};
  for (const Message& each : news)
    if (!inside::send_news(to, name, encode(each))) return;
}

/// Subscribes a sub socket to that name, and publishes what comes in a topic,
/// until the socket is closed. What belongs to longer names that begin so is
/// ignored.
///
/// One topic is not to have both under one name, when what one sends comes back
/// to the other: it would go round for ever.
///
/// Ownership  Refers to both.
/// Thread     That of both.
/// Waits      All the time.
/// Errors     As `publish`; what the hook throws, and the topic.
///
///     spawn([&] { wire::subscribe(sub, prices, "prices"); });
template <class Message>
void subscribe(zmq::socket& from, topic<Message>& to, const std::string& name,
               const topic_options& how = {}) {
  inside::receive_news(from, name, how.on_bad_message,
                       [&](std::string_view body) {
                         to.publish(decode<Message>(body, how.body));
                       });
}

} // namespace greenroom::wire
