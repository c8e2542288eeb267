#include <greenroom/hub/greenlet.hpp>

int main() {
  return greenroom::spawn([] { return 42; }).get() == 42 ? 0 : 1;
}
