#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "common/exec/executor.h"
#include "taskmanager/task/channel.h"
#include "taskmanager/task/task_observer.h"

namespace weir::taskmanager {

/// The events of tasks, on the executor of whoever drives them.
class TaskEvents {
 public:
  virtual ~TaskEvents() = default;
  virtual void OnTaskRunning(SubtaskId task) = 0;
  virtual void OnTaskSnapshot(SubtaskId task, const Barrier& barrier,
                              absl::StatusOr<TaskSnapshotData> snapshot) = 0;
  virtual void OnTaskFinished(SubtaskId task) = 0;
  virtual void OnTaskCommitted(SubtaskId task, Epoch epoch) = 0;
  virtual void OnTaskFailed(SubtaskId task, const TaskFailure& failure) = 0;
};

/// Carries task events from task threads to an executor, until it is disconnected. One per
/// generation, so that events of an older one reach nobody.
///
/// Threads: TaskObserver's calls from task threads; Disconnect on the executor.
/// Lifetime: held by shared_ptr; must outlive the tasks; `events` until Disconnect.
class PostingObserver final : public TaskObserver,
                              public std::enable_shared_from_this<PostingObserver> {
 public:
  PostingObserver(Executor& executor, TaskEvents& events) : executor_(executor), events_(&events) {}
  void Disconnect() { events_ = nullptr; }

  void OnRunning(SubtaskId task) override;
  void OnSnapshot(SubtaskId task, Epoch epoch, LeaderTerm attempt,
                  absl::StatusOr<TaskSnapshotData> snapshot) override;
  void OnCommitted(SubtaskId task, Epoch epoch) override;
  void OnFinished(SubtaskId task) override;
  void OnFailed(SubtaskId task, const TaskFailure& failure) override;

 private:
  template <class F>
  void Post(F deliver);

  Executor& executor_;
  TaskEvents* events_;  // touched on the executor only
};

}  // namespace weir::taskmanager
