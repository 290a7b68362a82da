#pragma once

#include <vector>

#include "absl/time/time.h"

#include "common/exec/retry_wait.h"
#include "tests/support/manual_executor.h"

namespace weir {

/// Waits in the executor's virtual time, and notes how long.
class TestingRetryWait final : public RetryWait {
 public:
  explicit TestingRetryWait(ManualExecutor& executor) : executor_(executor) {}
  bool Wait(absl::Duration duration) override {
    waited.push_back(duration);
    if (!cancelled_) executor_.Advance(duration);
    return !cancelled_;
  }
  void Cancel() override { cancelled_ = true; }

  std::vector<absl::Duration> waited;

 private:
  ManualExecutor& executor_;
  bool cancelled_ = false;
};

}  // namespace weir
