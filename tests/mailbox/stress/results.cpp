#include "mailbox/stress/programs.hpp"
#include "stress/program.hpp"

#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <iterator>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace stress {
namespace {

class result_program final : public program {
  using result = async_result<std::string>;

public:
  explicit result_program(dice& random) : program(random) {
    handles_.emplace_back();
  }

private:
  void begin() override {
    add_some(6, [this] { read_often(); });
    add_some(2, [this] { set_often(); });
  }

  void read_often() {
    for (int i = 0; i < 4; ++i) {
      if (handles_.empty()) return;
      if (random_.one_in(2)) {
        const result own{handles_.front()};
        const counted here{copies_};
        attempt([&](deadline until) { return read(own, until); });
      } else {
        // One of the program's, which may go while it is read.
        const result& other = *std::next(
            handles_.begin(), random_.below(static_cast<int>(handles_.size())));
        attempt([&](deadline until) { return read(other, until); });
      }
      pause();
    }
  }

  bool read(const result& from, deadline until) {
    const counted here{reading_};
    try {
      switch (random_.below(4)) {
      case 0:
        return from.wait(until);
      case 1: {
        const counted shared{copies_};
        return !greenroom::wait({from}, until).empty();
      }
      case 2: {
        const counted shared{copies_};
        return select(until, when(from, [] {})).has_value();
      }
      default:
        check(from.get(until) == value_, "another value than was set");
        return true;
      }
    } catch (const std::system_error& caught) {
      check(caught.code() == errc::timed_out ||
                (caught.code() == errc::destroyed && owners() == 0),
            "an odd error");
      return false;
    } catch (const unlucky&) {
      check(failed_ && !value_, "an exception that was not set");
      return true;
    }
  }

  void set_often() {
    if (handles_.empty()) return;
    result own{handles_.front()};
    const counted here{copies_};
    for (int i = random_.below(5); i > 0; --i) {
      pause();
      if (random_.one_in(3)) set(own);
    }
  }

  void set(result& target) {
    if (random_.one_in(3)) {
      target.set_exception(std::make_exception_ptr(unlucky{}));
      failed_ = true;
    } else {
      value_ = "a value too long for the string itself: " +
               std::to_string(random_.below(100));
      target.set(*value_);
    }
  }

  void disturb() override {
    if (handles_.empty()) return;
    anywhere([this] {
      if (handles_.empty()) return;
      switch (random_.below(6)) {
      case 0:
        return set(handles_.front());
      case 1:
        return handles_.clear();
      case 2:
        return handles_.pop_front();
      default:
        handles_.push_back(handles_.back());
      }
    });
  }

  int owners() const { return copies_ + static_cast<int>(handles_.size()); }

  void check_at_rest() override {
    check(reading_ == 0 || !(value_ || failed_), "a reader was forgotten");
    check(reading_ == 0 || owners() > 0, "a reader waits for nobody");
    if (handles_.empty()) return;
    check(handles_.front().ready() == (value_ || failed_), "ready() is wrong");
    check(handles_.front().watchers().empty() == (reading_ == 0),
          "somebody stands in the result who does not wait");
  }

  void check_at_end() override {
    check(reading_ + copies_ == 0, "a call was left open");
  }

  struct unlucky : std::runtime_error {
    unlucky() : std::runtime_error("failed") {}
  };

  std::list<result> handles_; // the program's own, all of one result
  int copies_ = 0;            // others
  int reading_ = 0;
  std::optional<std::string> value_;
  bool failed_ = false;
};

} // namespace

void results(dice& random) {
  run<result_program>(random);
}

} // namespace stress
