#include <greenroom/io/tcp.hpp>
