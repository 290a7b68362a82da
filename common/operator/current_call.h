#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/types/batch.h"

namespace weir {

/// What code of the job's author, or of a connector, a thread runs right now: the operator, the
/// batch it was given, and the row of it that its function looks at; and the task whose step it is.
/// For crash reports: the reader is a signal handler of the same thread, so the stores need only
/// their order. What other threads may see of it is `row` alone.
///
/// Threads: each has its own. Lifetime: name, batch and task are borrowed; all null between the
/// calls.
struct CurrentCall {
  /// The value of `row` where no row is known: it may be any of the batch.
  static constexpr uint32_t kNoRow = UINT32_MAX;

  std::atomic<const std::string*> operator_name{nullptr};
  std::atomic<const Batch*> batch{nullptr};
  std::atomic<uint32_t> row{kNoRow};
  std::atomic<const std::string*> task_name{nullptr};
  std::atomic<uint32_t> subtask{0};

  void SetRow(size_t index) { row.store(static_cast<uint32_t>(index), std::memory_order_relaxed); }
  void ClearRow() { row.store(kNoRow, std::memory_order_relaxed); }
};

/// Of this thread.
inline CurrentCall& ThisThreadsCall() {
  thread_local CurrentCall call;
  return call;
}

}  // namespace weir
