#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "common/base/ids.h"
#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "common/io/file_system.h"
#include "common/time/clock.h"
#include "taskmanager/worker/checkpoint_answers.h"
#include "taskmanager/worker/snapshot_upload.h"

namespace weir::taskmanager {

/// The uploads that are under way for the tasks of a generation.
///
/// Threads: not thread-safe; all calls and callbacks on `executor`. Lifetime: borrows its
/// dependencies; after Clear and the destructor no callback comes.
class SnapshotUploads {
 public:
  /// Of one task: each holds on to the state as it was at its barrier.
  static constexpr size_t kMaxPerTask = 2;

  SnapshotUploads(Executor& executor, BlockingPool& pool, FileSystem& files, const Clock& clock)
      : executor_(executor), pool_(pool), files_(files), clock_(clock) {}

  /// Writes what `written` lacks, and gives it, with its sizes, to `done`. Declined at once while
  /// too many are under way for the task.
  void Begin(SubtaskId task, SnapshotUpload upload, const std::string& job_directory,
             WrittenSnapshot written, std::function<void(WrittenSnapshot)> done);
  void Clear();

 private:
  Executor& executor_;
  BlockingPool& pool_;
  FileSystem& files_;
  const Clock& clock_;
  std::map<SubtaskId, size_t> under_way_;
  Lifetime lifetime_;
};

}  // namespace weir::taskmanager
