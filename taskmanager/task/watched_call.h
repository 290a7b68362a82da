#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "common/exec/mutex.h"
#include "common/operator/current_call.h"
#include "common/types/batch.h"

namespace weir::taskmanager {

/// Where the rows of a batch came from: "topic flights, partition 3, offset 17 to offset 42", one
/// offset for one row; "" when unknown.
std::string PositionOf(const Batch* batch, uint32_t row = CurrentCall::kNoRow);

/// What the thread of a task works at, where its watchdog can look while the call lasts.
///
/// Threads: Position from any; CallScope the task's.
class WatchedCall {
 public:
  /// Of the record, or of the batch while the row is not known; "" without a batch.
  std::string Position() const;

 private:
  friend class CallScope;

  // Held for the whole look: CallScope ends, and the batch goes, only behind it.
  mutable Mutex mutex_;
  const Batch* batch_ WEIR_GUARDED_BY(mutex_) = nullptr;
  const std::atomic<uint32_t>* row_ WEIR_GUARDED_BY(mutex_) = nullptr;  // of the task's thread
};

/// One call into code of an operator: seen in this thread's CurrentCall (common/operator) and in
/// `watched` while the object lives; then what was there before is there again. Scopes nest.
///
/// Lifetime: borrows name and batch; made and destroyed on the task's thread.
class CallScope {
 public:
  CallScope(WatchedCall& watched, const std::string& operator_name, const Batch* batch);
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  CurrentCall& call_;
  WatchedCall& watched_;
  const std::string* const outer_name_;
  const Batch* const outer_batch_;
  const uint32_t outer_row_;
};

}  // namespace weir::taskmanager
