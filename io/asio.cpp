#include <greenroom/io/asio.hpp>
