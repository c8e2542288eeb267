#include <greenroom/mailbox/async_result.hpp>
