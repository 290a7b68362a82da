#include "common/base/fatal_cause.h"

#include <algorithm>
#include <atomic>

namespace weir {
namespace {

constexpr size_t kMaxBytes = 400;

enum State { kNone, kBeingWritten, kWritten };

std::atomic<int> state{kNone};
char text[kMaxBytes + 1];

}  // namespace

void SetFatalCause(absl::string_view cause) {
  int none = kNone;
  if (!state.compare_exchange_strong(none, kBeingWritten)) return;
  const size_t size = std::min(cause.size(), kMaxBytes);
  std::copy_n(cause.data(), size, text);
  text[size] = '\0';
  state.store(kWritten, std::memory_order_release);
}

const char* FatalCause() { return state.load(std::memory_order_acquire) == kWritten ? text : ""; }

}  // namespace weir
