#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "common/types/batch.h"

namespace weir {

/// What code of the job's author, or of a connector, a thread runs right now: the operator, the
/// batch it was given, and the row of it that its function looks at. For crash reports: the reader
/// is a signal handler of the same thread, so the stores need only their order.
///
/// Threads: each has its own. Lifetime: name and batch are borrowed; both null between the calls.
struct CurrentCall {
  std::atomic<const std::string*> operator_name{nullptr};
  std::atomic<const Batch*> batch{nullptr};
  std::atomic<uint32_t> row{0};

  void SetRow(size_t index) { row.store(static_cast<uint32_t>(index), std::memory_order_relaxed); }
};

/// Of this thread.
inline CurrentCall& ThisThreadsCall() {
  thread_local CurrentCall call;
  return call;
}

}  // namespace weir
