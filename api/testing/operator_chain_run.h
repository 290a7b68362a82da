#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "api/testing/harness_state.h"
#include "common/exec/blocking_pool.h"
#include "common/operator/stream_graph.h"
#include "common/time/system_clock.h"
#include "common/types/batch.h"
#include "taskmanager/task/local_channel.h"
#include "taskmanager/task/task.h"
#include "taskmanager/task/task_observer.h"
#include "taskmanager/task/task_snapshot.h"
#include "weir/testing/operator_harness_core.h"

namespace weir::internal {

/// The clock of the machine until it is set; then it stands. Durations pass only by that: each time
/// that it is set to later than before.
class HarnessClock final : public Clock {
 public:
  absl::Time Now() const override { return now_.value_or(system_.Now()); }
  absl::Duration Monotonic() const override { return monotonic_; }
  void Set(absl::Time now) {
    monotonic_ += std::max(now - now_.value_or(now), absl::ZeroDuration());
    now_ = now;
  }

 private:
  SystemClock system_;
  std::optional<absl::Time> now_;
  absl::Duration monotonic_ = absl::ZeroDuration();
};

/// The tasks of a pipeline between a HarnessInput and a HarnessOutput, joined by queues and stepped
/// until nothing moves.
///
/// Life cycle: Build; Open; the others. Threads: one at a time.
/// Errors: a failure of an operator is remembered, and ends everything: failure().
class OperatorChainRun final : public taskmanager::TaskObserver {
 public:
  /// INVALID_ARGUMENT, one sentence: what the planner says, a pipeline that is not one line of
  /// operators, or several subtasks of one that is more than one task.
  static absl::StatusOr<std::unique_ptr<OperatorChainRun>> Build(
      StreamGraph graph, const testing::HarnessOptions& options);

  /// Makes and opens the operators, with the state that the snapshots have of them. Several: of all
  /// subtasks that there were, by number, whose keyed state and operator state are dealt out anew.
  absl::Status Open(const std::vector<taskmanager::TaskSnapshotData>& restored);
  bool opened() const { return !tasks_.empty(); }
  /// FAILED_PRECONDITION, naming an operator that only one of the two has.
  absl::Status CheckFits(const taskmanager::TaskSnapshotData& snapshot) const;

  /// A batch, a watermark or the end, into one of the inputs, and all that follows from it.
  absl::Status Push(taskmanager::ChannelElement element, uint32_t input);
  absl::Status PushToAll(const taskmanager::ChannelElement& element);
  /// While it is held nothing is taken from the end of the pipeline: operators stop behind the
  /// first batch that they have put there.
  absl::Status HoldOutput(bool held);
  /// Takes what is at the end, and goes on until there is something again.
  absl::Status PassOutput();
  absl::Status SetProcessingTime(absl::Time now);
  /// Zeros for an operator that is not there.
  testing::OperatorBooks BooksOf(const std::string& uid) const;
  HarnessState& state() { return state_; }
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

  OperatorChainRun(StreamGraph graph, const testing::HarnessOptions& options,
                   std::shared_ptr<std::vector<BatchPtr>> dead_letters)
      : graph_(std::move(graph)),
        options_(options),
        dead_letters_(std::move(dead_letters)),
        state_(options) {}
  absl::Status Cut();
  /// Sinks of dead letters and side outputs, which belong to their operator's task.
  bool IsKept(const std::string& uid) const;
  /// The rows of the batch whose keys this subtask owns: what an exchange would send it. All, where
  /// the pipeline does not begin with keys.
  absl::StatusOr<BatchPtr> OwnRows(const BatchPtr& batch) const;
  /// Steps all tasks until none has anything to do.
  absl::Status Run();
  /// Takes what has come out; whether anything has.
  bool Drain();

  const StreamGraph graph_;
  const testing::HarnessOptions options_;
  const std::shared_ptr<std::vector<BatchPtr>> dead_letters_;
  std::vector<Vertex> vertices_;  // first to last
  std::string output_uid_;
  HarnessClock clock_;
  NoPool pool_;
  HarnessState state_;
  std::vector<std::shared_ptr<taskmanager::LocalChannel>> inputs_;
  std::shared_ptr<taskmanager::LocalChannel> output_;
  std::vector<std::shared_ptr<taskmanager::Task>> tasks_;
  bool held_ = false;
  uint64_t epoch_ = 0;
  absl::StatusOr<taskmanager::TaskSnapshotData> snapshot_;  // the one under way
  std::vector<BatchPtr> batches_;
  std::vector<int64_t> watermarks_;
  std::optional<taskmanager::TaskFailure> failure_;
};

}  // namespace weir::internal
