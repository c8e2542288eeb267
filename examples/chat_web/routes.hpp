#pragma once

#include "house.hpp"
#include "settings.hpp"

#include <greenroom/http/router.hpp>

namespace chat_web {

/// What can be asked of the server:
///
///     GET  /                    a page that asks for a name
///     GET  /{uid}               the rooms
///     GET  /{room}/{uid}        the chat
///     POST /put/{room}/{uid}    says `message`, a field of the form
///     POST /poll/{uid}          waits for the next message in a room that was
///                               visited: JSON "uid:message", or [] after 10 s
///     POST /poll/{uid}?room=R&after=N&presence=P
///                               waits for anything after message N: a JSON
///                               array of events
///     GET  /ws/{room}/{uid}?after=N   the same again and again, by WebSocket
greenroom::http::router make_routes(house_ref house, const settings& chosen);

} // namespace chat_web
