#include <greenroom/io/asio.hpp>

namespace greenroom {

operation_base::operation_base()
    : wait_record("an asio operation", nullptr, &cancel_operation),
      home_(hub::current()) {
}

/// A kill, timeout or deadline: asks the operation to end; `complete` follows.
void operation_base::cancel_operation(wait_record& record, wake_cause cause) {
  auto& self = static_cast<operation_base&>(record);
  if (self.cancelled_for_ != wake_cause::none) return;
  self.cancelled_for_ = cause;
  self.cancellation_.emit(asio::cancellation_type::terminal);
}

namespace {

/// The code in it, if it is a `system_error`.
asio::error_code code_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::system_error& caught) {
    return caught.code();
  } catch (...) {
    return {};
  }
}

} // namespace

void operation_base::complete(asio::error_code error,
                              std::exception_ptr thrown) {
  error_ = error;
  thrown_ = std::move(thrown);
  if (thrown_ && cancelled_for_ != wake_cause::none &&
      code_of(thrown_) == asio::error::operation_aborted) {
    error_ = asio::error::operation_aborted; // our own doing
    thrown_ = nullptr;
  }
  done_ = true;
  if (who && who->waiting_on() == this) home_.wake(*this, wake_cause::notified);
}

asio::error_code operation_base::outcome() const {
  if (error_ == asio::error::operation_aborted &&
      cancelled_for_ == wake_cause::timed_out)
    return make_error_code(errc::timed_out);
  return error_;
}

void operation_base::finish(const use_greenlet_t& token) {
  if (!done_) home_.park(*this, token.limit);
  if (error_ == asio::error::operation_aborted &&
      cancelled_for_ == wake_cause::interrupted)
    home_.throw_pending();
  const asio::error_code failed = outcome();
  if (thrown_) std::rethrow_exception(thrown_);
  if (token.error)
    *token.error = failed;
  else if (failed)
    throw asio::system_error(failed);
}

void* operation_base::allocate(std::size_t bytes) {
  if (memory_taken_ || bytes > memory_.size()) return ::operator new(bytes);
  memory_taken_ = true;
  return memory_.data();
}

void operation_base::deallocate(void* memory) noexcept {
  if (memory == memory_.data())
    memory_taken_ = false;
  else
    ::operator delete(memory);
}

} // namespace greenroom
