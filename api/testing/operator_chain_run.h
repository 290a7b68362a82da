#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/exec/blocking_pool.h"
#include "common/operator/stream_graph.h"
#include "common/time/system_clock.h"
#include "common/types/batch.h"
#include "taskmanager/task/local_channel.h"
#include "taskmanager/task/task.h"
#include "taskmanager/task/task_observer.h"
#include "taskmanager/task/task_snapshot.h"

namespace weir::internal {

/// The tasks of a pipeline between a HarnessInput and a HarnessOutput, joined by queues and stepped
/// until nothing moves.
///
/// Life cycle: Build; Open; the others. Threads: one at a time.
/// Errors: a failure of an operator is remembered, and ends everything: failure().
class OperatorChainRun final : public taskmanager::TaskObserver {
 public:
  /// INVALID_ARGUMENT, one sentence: what the planner says, or a pipeline that is not one line of
  /// operators.
  static absl::StatusOr<std::unique_ptr<OperatorChainRun>> Build(StreamGraph graph);

  /// Makes and opens the operators, with the state that `restored` has of them unless it is null.
  absl::Status Open(const taskmanager::TaskSnapshotData* restored);
  bool opened() const { return !tasks_.empty(); }
  /// FAILED_PRECONDITION, naming an operator that only one of the two has.
  absl::Status CheckFits(const taskmanager::TaskSnapshotData& snapshot) const;

  /// A batch, a watermark or the end, and all that follows from it.
  absl::Status Push(taskmanager::ChannelElement element);
  /// The state of all operators, first to last.
  absl::StatusOr<taskmanager::TaskSnapshotData> Snapshot();

  std::vector<BatchPtr> TakeBatches();
  /// Batches of DeadLetter, of all operators.
  std::vector<BatchPtr> TakeDeadLetters();
  const std::vector<int64_t>& watermarks() const { return watermarks_; }
  const std::optional<taskmanager::TaskFailure>& failure() const { return failure_; }

  // TaskObserver
  void OnRunning(SubtaskId) override {}
  void OnSnapshot(SubtaskId subtask, Epoch epoch, LeaderTerm attempt,
                  absl::StatusOr<taskmanager::TaskSnapshotData> snapshot) override;
  void OnCommitted(SubtaskId, Epoch) override {}
  void OnFinished(SubtaskId) override {}
  void OnFailed(SubtaskId, const taskmanager::TaskFailure& failure) override { failure_ = failure; }

 private:
  /// A task that is to be: the uids of its operators.
  struct Vertex {
    std::string name;
    std::vector<std::string> uids;
  };
  /// Only sinks use it, and those for dead letters do not.
  struct NoPool final : BlockingPool {
    void Submit(std::function<void()> work) override { work(); }
  };

  OperatorChainRun(StreamGraph graph, std::shared_ptr<std::vector<BatchPtr>> dead_letters)
      : graph_(std::move(graph)), dead_letters_(std::move(dead_letters)) {}
  absl::Status Cut();
  bool IsForDeadLetters(const std::string& uid) const;
  /// Steps all tasks until none has anything to do.
  absl::Status Run();
  void Drain();

  const StreamGraph graph_;
  const std::shared_ptr<std::vector<BatchPtr>> dead_letters_;
  std::vector<Vertex> vertices_;  // first to last
  std::string output_uid_;
  SystemClock clock_;
  NoPool pool_;
  std::shared_ptr<taskmanager::LocalChannel> input_;
  std::shared_ptr<taskmanager::LocalChannel> output_;
  std::vector<std::shared_ptr<taskmanager::Task>> tasks_;
  uint64_t epoch_ = 0;
  absl::StatusOr<taskmanager::TaskSnapshotData> snapshot_;  // the one under way
  std::vector<BatchPtr> batches_;
  std::vector<int64_t> watermarks_;
  std::optional<taskmanager::TaskFailure> failure_;
};

}  // namespace weir::internal
