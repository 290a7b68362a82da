#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/base/ids.h"
#include "common/base/log.h"
#include "common/connector/commit_permit.h"
#include "common/connector/sink_metrics.h"
#include "common/time/clock.h"
#include "taskmanager/task/channel.h"
#include "taskmanager/task/input_gate.h"
#include "taskmanager/task/operator_chain.h"
#include "taskmanager/task/source_head.h"
#include "taskmanager/task/task_mailbox.h"
#include "taskmanager/task/task_observer.h"
#include "taskmanager/task/task_snapshot.h"
#include "taskmanager/task/task_times.h"

namespace weir::taskmanager {

/// What one step of a task came to.
struct StepResult {
  enum class Kind { kProgress, kBlocked, kDone };
  enum class BlockedOn {
    kNothing,
    kStart,     // the Start command
    kSplits,    // the first AddSplits
    kInput,     // records
    kOutput,    // room in a sink or in the queue to the next task
    kFinished,  // nothing but barriers and commands: the input is over
  };
  Kind kind = Kind::kBlocked;
  BlockedOn blocked_on = BlockedOn::kNothing;
  /// Step again after this long even without a wake-up (a split turns idle).
  std::optional<absl::Duration> wake_after;
};

/// One subtask of a vertex of the job graph: a head (source reader or the channels from the tasks
/// before), a tree of operators, and sinks or channels at its ends.
/// docs/protocols/checkpointing.md.
///
/// Life cycle: built (task_builder.h), given to a TaskHost; Start opens it; it runs until its input
/// ends (FINISHED: it goes on answering barriers and permits), it fails, or it is cancelled. Then
/// RunOnce returns kDone, and operators, reader and writers are closed and destroyed.
/// Threads: RunOnce on one thread at a time, the task's; the commands, counters and mailbox from
/// any. Commands only post to the mailbox and take effect at the start of the next step.
/// Steps: RunOnce takes at most one batch, and takes it only when all outputs have room; it waits
/// for nothing but keyed state on disk. Barriers and commands are taken without room. While
/// operators fire due timers a step fires a slice of them instead (docs/protocols/windows.md).
/// Checkpoints: a barrier cuts between two batches. Positions, watermarks and operator states are
/// taken at the cut; sinks prepare asynchronously while records of the next epoch flow. Snapshots
/// are reported in barrier order. Barriers of old or repeated epochs are ignored.
/// Errors: any error or exception out of an operator, reader or writer fails the task; it is
/// reported once, with the operator and the record positions of the batch.
class Task {
 public:
  /// Snapshots in preparation; a barrier beyond is declined by name.
  static constexpr size_t kMaxPendingSnapshots = 8;
  /// Epochs whose positions are kept for NotifyCheckpointComplete.
  static constexpr size_t kMaxRememberedPositions = 64;

  struct Options {
    SubtaskId subtask;
    std::string name;       // of the vertex, for logs
    Generation generation;  // for logs
    std::unique_ptr<OperatorChain> chain;
    // Exactly one of the two:
    std::optional<SourceHead::Options> source;
    std::vector<std::shared_ptr<ChannelInput>> inputs;
    std::optional<EventTime> input_watermark;  // of the snapshot it starts from
    const Clock* clock = nullptr;
    TaskObserver* observer = nullptr;
  };
  explicit Task(Options options);
  ~Task();
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  StepResult RunOnce();

  // Commands.
  /// By the uid of the sink: what its committer found for this generation.
  using SinkStates = std::map<std::string, std::string>;
  void Start(const SinkStates& sinks = {});
  /// The splits to read, at most once each; also an empty list counts as an assignment. Sources.
  void AddSplits(std::vector<SourceSplit> splits);
  /// Injects a barrier. Sources; the other tasks get it from their queue.
  void TriggerCheckpoint(const Barrier& barrier);
  /// Commits all sinks through the permit's epoch; may be repeated.
  void CommitEpoch(const CommitPermit& permit);
  void NotifyCheckpointComplete(Epoch epoch);
  /// The attempt at this epoch was given up: nothing waits for its barriers any more, and if it was
  /// to suspend the job, timers of processing time fire again.
  void NotifyCheckpointAborted(Epoch epoch);
  /// The log has the receipts of all epochs up to this one.
  void NotifyReceipt(Epoch epoch);
  /// The input ends now, after the batches read so far; no final watermark is sent. Sources.
  void StopSource();
  /// While it is held, a source reads nothing, and no timer of processing time fires; barriers and
  /// commands are taken, and so is what comes from other tasks.
  void Hold(bool held);
  void Cancel();

  /// For the host: called whenever the task should be stepped; see TaskMailbox::SetWakeup.
  void SetWakeup(std::function<void()> wakeup) { mailbox_->SetWakeup(std::move(wakeup)); }

  SubtaskId subtask() const { return subtask_; }
  const std::string& name() const { return name_; }
  /// What tells this task from others in a log.
  const std::vector<LogField>& log_fields() const { return log_fields_; }
  uint64_t records_in() const;
  uint64_t records_out() const { return chain_->records_out(); }
  uint64_t bytes_in() const;
  uint64_t bytes_out() const { return chain_->bytes_out(); }
  /// Where its time goes; its host tells.
  TaskTimes& times() { return times_; }
  const TaskTimes& times() const { return times_; }
  bool is_source() const { return source_ != nullptr; }
  /// Its first operator: a source, or what reads the queue.
  const OperatorIdentity& head() const;
  /// The event time it has reached; nothing before the first watermark.
  std::optional<EventTime> watermark() const;
  uint64_t splits_owned() const { return source_ == nullptr ? 0 : source_->splits_owned(); }
  const OperatorChain& chain() const { return *chain_; }
  /// What the source's reader counts; null without.
  std::shared_ptr<const SourceMetrics> source_metrics() const {
    return source_ == nullptr ? nullptr : source_->metrics();
  }
  /// What the sinks count, by their uids.
  const std::map<std::string, std::shared_ptr<const SinkMetrics>>& sink_metrics() const {
    return sink_metrics_;
  }

 private:
  enum class State { kCreated, kRunning, kFinished, kFailed, kCanceled };
  struct PendingSnapshot {
    Barrier barrier;
    TaskSnapshotData data;
    size_t sinks_left = 0;
    absl::Duration taken{};  // when
  };

  // Timers of processing time do not fire.
  bool quiet() const { return held_ || suspended_.has_value(); }
  bool terminal() const { return state_ == State::kFailed || state_ == State::kCanceled; }
  bool live() const { return state_ == State::kRunning || state_ == State::kFinished; }

  void Post(void (Task::*command)());
  absl::Status Step(StepResult& result);
  absl::Status StepHead(StepResult& result);
  absl::Status StepFiring(StepResult& result);
  absl::Status FireProcessingTimers();
  std::optional<absl::Duration> UntilNextTimer();
  absl::Status StepSource(StepResult& result);
  absl::Status PassTime();
  absl::Status StepChannel(StepResult& result);
  absl::Status TakeElement(ChannelElement element);
  absl::Status PassWatermark(EventTime watermark);
  absl::Status EndInput();

  void DoStart(const SinkStates& sinks);
  void DoAddSplits(const std::vector<SourceSplit>& splits);
  void DoTrigger(const Barrier& barrier);
  void DoCommit(const CommitPermit& permit);
  void DoNotifyComplete(Epoch epoch);
  void DoStopSource();
  void DoCancel();

  absl::Status TakeOrKeep(const Barrier& barrier);
  absl::Status OnBarrier(const Barrier& barrier);
  void ClockAlignment();
  absl::Status TakeSnapshot(TaskSnapshotData& data, Epoch epoch);
  void PrepareSinks(const Barrier& barrier);
  void OnPrepared(const Barrier& barrier, size_t sink,
                  absl::StatusOr<std::vector<std::string>> committables);
  void ReportReadySnapshots();
  void OnSinkCommitted(Epoch epoch, size_t sink, const absl::Status& status);

  void FailIfNotOk(const absl::Status& status);
  void Fail(const absl::Status& status);
  void CloseAll();

  const SubtaskId subtask_;
  const std::string name_;
  const std::vector<LogField> log_fields_;
  const std::unique_ptr<OperatorChain> chain_;
  std::map<std::string, std::shared_ptr<const SinkMetrics>> sink_metrics_;  // as constructed
  std::unique_ptr<SourceHead> source_;
  std::unique_ptr<InputGate> gate_;
  const Clock& clock_;
  TaskObserver& observer_;
  const std::shared_ptr<TaskMailbox> mailbox_;

  State state_ = State::kCreated;
  bool closed_ = false;
  std::vector<SourceSplit> splits_before_start_;
  bool assigned_before_start_ = false;
  bool stop_before_start_ = false;
  bool held_ = false;
  bool told_idle_ = false;                  // of a source
  bool input_over_ = false;                 // EndInput waits for timers that fire
  std::optional<Barrier> waiting_barrier_;  // suspends: taken when no timer is due any more
  std::optional<Epoch> suspended_;          // nothing is to come behind this barrier
  std::optional<EventTime> watermark_;
  std::atomic<int64_t> passed_watermark_us_{EventTime::Min().micros()};
  TaskTimes times_;

  std::optional<Epoch> last_barrier_;
  struct Alignment {
    Epoch epoch;
    absl::Duration start;
  };
  std::optional<Alignment> alignment_;  // under way, or just over
  std::deque<PendingSnapshot> pending_snapshots_;
  std::map<Epoch, std::vector<SourceSplit>> positions_;
  std::map<Epoch, size_t> commits_in_flight_;  // sinks that have not answered
  std::optional<Epoch> last_committed_;
};

}  // namespace weir::taskmanager
