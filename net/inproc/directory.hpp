#pragma once

// Private to the inproc room.

#include <greenroom/inproc/lane.hpp>
#include <greenroom/inproc/socket_core.hpp>

#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace greenroom::inproc {

/// The endpoints of one hub: who is bound to each, and who waits for one to be.
///
/// Ownership  Of the sockets that know it; it knows them by pointer.
class directory {
public:
  /// The calling thread's.
  static std::shared_ptr<directory> here();

  /// Joins `binder` with all who wait for it.
  void bind(const std::string& endpoint, socket_core& binder,
            std::error_code& failed);
  void unbind(const std::string& endpoint);
  /// Joins it with who is bound, or lets it wait.
  void connect(const std::shared_ptr<connection>& made,
               std::error_code& failed);
  /// Its binder is gone: it waits for another.
  void connect_again(const std::shared_ptr<connection>& made);
  /// It waits no more.
  void forget(const connection& made);

private:
  struct place {
    socket_core* binder = nullptr;
    std::vector<std::shared_ptr<connection>> waiting;
  };

  std::map<std::string, place> places_;
};

} // namespace greenroom::inproc
