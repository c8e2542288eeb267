#include <greenroom/net/stream_server.hpp>
