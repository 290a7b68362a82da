#pragma once

#include <sstream>

#include "absl/base/optimization.h"

namespace weir::internal {

/// Collects the message of a failed WEIR_CHECK; its destructor writes it with a backtrace to stderr
/// and aborts.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  [[noreturn]] ~CheckFailure();
  CheckFailure(const CheckFailure&) = delete;
  CheckFailure& operator=(const CheckFailure&) = delete;

  std::ostream& stream() { return message_; }

 private:
  std::ostringstream message_;
};

/// Gives both arms of the macro's conditional the type void; & binds weaker than <<.
struct CheckVoidify {
  void operator&(std::ostream&) const {}
};

}  // namespace weir::internal

/// WEIR_CHECK(condition) << "what was expected, with ids and values";
/// For Weir's own invariants, also in release builds; never for input from outside, which gets an
/// absl::Status. On failure: file, line, condition, message and a backtrace to stderr, then abort.
#define WEIR_CHECK(condition)                     \
  ABSL_PREDICT_TRUE(static_cast<bool>(condition)) \
  ? static_cast<void>(0)                          \
  : ::weir::internal::CheckVoidify() &            \
          ::weir::internal::CheckFailure(__FILE__, __LINE__, #condition).stream()

/// As WEIR_CHECK, in debug builds only; the condition is always compiled.
#ifdef NDEBUG
#define WEIR_DCHECK(condition) WEIR_CHECK(true || (condition))
#else
#define WEIR_DCHECK(condition) WEIR_CHECK(condition)
#endif
