#include <greenroom/mailbox/queue.hpp>
