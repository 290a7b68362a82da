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

#include "common/connector/sink.h"
#include "common/operator/operator.h"
#include "state/keyed/keyed_state_backend.h"
#include "state/operator/operator_state_backend.h"
#include "taskmanager/task/channel.h"
#include "taskmanager/task/operator_boundary.h"
#include "taskmanager/task/partition_check.h"
#include "taskmanager/task/record_error_handler.h"
#include "taskmanager/task/row_router.h"
#include "taskmanager/task/task_snapshot.h"

namespace weir::taskmanager {

/// One operator, sink or channel of a task, fed by the one before it. Threads: the task's.
class ChainStage {
 public:
  explicit ChainStage(OperatorIdentity identity) : identity_(std::move(identity)) {}
  virtual ~ChainStage() = default;
  ChainStage(const ChainStage&) = delete;
  ChainStage& operator=(const ChainStage&) = delete;

  virtual absl::Status Open() { return absl::OkStatus(); }
  virtual bool HasRoom() { return true; }
  virtual absl::Status OnBatch(const BatchPtr& batch) = 0;
  virtual absl::Status OnWatermark(EventTime watermark) = 0;
  virtual absl::Status OnStatus(bool idle) = 0;
  /// The end of input has come; called from the first stage to the last.
  virtual absl::Status Finish() { return absl::OkStatus(); }
  virtual void Close() {}

  const OperatorIdentity& identity() const { return identity_; }
  const OperatorCounters& counters() const { return counters_; }

 protected:
  OperatorIdentity identity_;
  OperatorCounters counters_;
};

/// Where a stage (or the head of the task) puts its output: all stages that read it.
class StageOutput final : public Output {
 public:
  /// `counter` counts the records.
  explicit StageOutput(std::atomic<uint64_t>& counter) : counter_(counter) {}
  void AddTarget(ChainStage* target) { targets_.push_back(target); }
  /// It gets every watermark and status that this one gets.
  void AddSide(StageOutput* side) { sides_.push_back(side); }
  absl::Status Emit(BatchPtr batch) override;
  absl::Status EmitWatermark(EventTime watermark) override;
  absl::Status EmitStatus(bool idle) override;

 private:
  std::atomic<uint64_t>& counter_;
  std::vector<ChainStage*> targets_;
  std::vector<StageOutput*> sides_;
};

/// An operator with what it needs to be opened and restored.
///
/// A watermark that it has been given and not yet sent on, since it is firing, is not overtaken by
/// the news that its input is idle: behind would be an idle input that then becomes active for
/// good.
class OperatorStage final : public ChainStage {
 public:
  struct Options {
    OperatorContext context;
    std::unique_ptr<Operator> op;
    std::string restored_state;  // not of a keyed operator
    std::unique_ptr<KeyedStateBackend> keyed_state;
    std::vector<KeyedStateIncrement> restored_keyed;  // all that may have groups of it
    std::unique_ptr<PartitionCheck> partition_check;  // where its key groups are partitions
    std::string keying;                               // then: in words, for its snapshots
    OperatorStateParts restored_operator_state;       // of all subtasks that there were
    RecordErrorHandler::Options errors;
    const Clock* clock = nullptr;  // must be set
    /// By tag: those that somebody reads.
    std::map<std::string, SchemaPtr> side_outputs;
  };
  OperatorStage(Options options, OperatorBoundary& boundary);

  StageOutput& output() { return output_; }
  StageOutput& dead_letters() { return dead_letters_; }
  /// By tag, of the options.
  std::map<std::string, StageOutput>& side_outputs() { return side_outputs_; }
  absl::Status Open() override;
  absl::Status OnBatch(const BatchPtr& batch) override;
  absl::Status OnWatermark(EventTime watermark) override;
  absl::Status OnStatus(bool idle) override;
  absl::Status Finish() override;
  void Close() override;
  /// UNAVAILABLE, without a failure of the boundary: this checkpoint is to be declined.
  absl::Status Snapshot(OperatorSnapshotData& data);
  /// Fires its timers of processing time that are due.
  absl::Status OnProcessingTime(int64_t now_micros);
  std::optional<int64_t> NextProcessingTime() const { return options_.op->NextProcessingTime(); }
  bool firing() const { return options_.op->firing(); }
  absl::Status ContinueFiring();

 private:
  absl::Status OpenOperator();
  // After what may have been the end of its firing.
  absl::Status TellIdle();
  absl::Status Process(const BatchPtr& batch);
  void BalanceBooks();
  /// `call` within the boundary; where its state cannot be had, that is the reason why it fails.
  template <class Call>
  absl::Status Run(const Batch* batch, const Call& call);

  OperatorStateBackend operator_state_;  // outlives the operator
  Options options_;
  OperatorBoundary& boundary_;
  StageOutput output_;
  StageOutput dead_letters_;
  std::map<std::string, StageOutput> side_outputs_;
  RecordErrorHandler errors_;
  bool idle_waits_ = false;  // to be told behind the firing
};

/// A sink's writer: an end of the task.
///
/// A step may put more into it than the writer has room for (a flatMap multiplies its input): what
/// is over waits here, barriers behind it in order, and there is no room until it is gone. Past
/// kOverdraftBytes the step fails by name (RESOURCE_EXHAUSTED).
class SinkStage final : public ChainStage {
 public:
  SinkStage(OperatorIdentity identity, std::unique_ptr<SinkWriter> writer,
            OperatorBoundary& boundary)
      : ChainStage(std::move(identity)), writer_(std::move(writer)), boundary_(boundary) {}

  void SetWakeup(std::function<void()> wakeup) { writer_->SetWakeup(std::move(wakeup)); }
  /// What the sink's committer found; before Open.
  void SetRecovered(std::string recovered) { recovered_ = std::move(recovered); }
  absl::Status Open() override;
  /// Also hands over what waits. An error of that is the boundary's failure.
  bool HasRoom() override;
  absl::Status OnBatch(const BatchPtr& batch) override;
  absl::Status OnWatermark(EventTime) override { return absl::OkStatus(); }
  absl::Status OnStatus(bool) override { return absl::OkStatus(); }
  /// SinkWriter::PrepareCommit behind every batch before it.
  void PrepareCommit(Epoch epoch, SinkWriter::PrepareDone done);
  /// The writer is destroyed here, on the task's thread.
  void Close() override;
  SinkWriter& writer() { return *writer_; }

  static constexpr size_t kOverdraftBytes = 256u << 20;

 private:
  // A batch, or a barrier (batch null).
  struct Waiting {
    BatchPtr batch;
    Epoch epoch;
    SinkWriter::PrepareDone done;
  };
  absl::Status Write(const BatchPtr& batch);
  absl::Status HandOver();

  std::deque<Waiting> waiting_;
  size_t waiting_bytes_ = 0;
  std::unique_ptr<SinkWriter> writer_;
  std::string recovered_;
  OperatorBoundary& boundary_;
};

/// One edge out of a task: its channels to the subtasks of another vertex, and who of them gets
/// which rows.
struct OutputEdge {
  std::vector<std::shared_ptr<ChannelOutput>> channels;
  std::unique_ptr<RowRouter> router;  // null: every row to all of them, or there is one
};

/// The end of a task whose stream goes on in other tasks.
class ChannelStage final : public ChainStage {
 public:
  ChannelStage(OperatorIdentity identity, OutputEdge edge, OperatorBoundary& boundary)
      : ChainStage(std::move(identity)), edge_(std::move(edge)), boundary_(boundary) {}

  void SetWakeup(const std::function<void()>& wakeup);
  bool HasRoom() override;
  absl::Status OnBatch(const BatchPtr& batch) override;
  absl::Status OnWatermark(EventTime watermark) override;
  absl::Status OnStatus(bool idle) override;
  /// To all channels.
  absl::Status Push(const ChannelElement& element);

 private:
  absl::Status Deal(const BatchPtr& batch);

  OutputEdge edge_;
  std::vector<uint32_t> targets_;  // of the rows of one batch
  OperatorBoundary& boundary_;
};

/// Everything a task runs behind its head: a tree of stages, in an order in which each comes after
/// the one it reads. Threads: the task's, except where said.
class OperatorChain {
 public:
  OperatorChain()
      : head_(head_counters_.records_out), head_dead_letters_(head_counters_.dead_lettered) {}
  OperatorChain(const OperatorChain&) = delete;
  OperatorChain& operator=(const OperatorChain&) = delete;

  /// Where the head of the task puts its batches.
  StageOutput& head() { return head_; }
  /// And what a source cannot decode.
  StageOutput& head_dead_letters() { return head_dead_letters_; }
  OperatorCounters& head_counters() { return head_counters_; }
  const OperatorCounters& head_counters() const { return head_counters_; }
  /// Operators look at it; the task lets it go on.
  ActivityClock& activity() { return activity_; }

  /// `input` is head() or the output() of an operator added before.
  OperatorStage& AddOperator(StageOutput& input, OperatorStage::Options options);
  void AddSink(StageOutput& input, OperatorIdentity identity, std::unique_ptr<SinkWriter> writer);
  /// `identity` is the operator whose output goes into the channels.
  void AddChannels(StageOutput& input, OperatorIdentity identity, OutputEdge edge);

  absl::Status Open();
  bool HasRoom();
  absl::Status OnProcessingTime(int64_t now_micros);
  /// The earliest of all operators.
  std::optional<int64_t> NextProcessingTime() const;
  /// An operator has due timers to fire: nothing may come out of the head until it is over.
  bool firing() const;
  /// One slice of it.
  absl::Status ContinueFiring();
  /// Flushes all operators, first to last.
  absl::Status Finish();
  /// Destroys operators and writers. Idempotent.
  void Close();

  /// What comes first behind the head; there is one. Any thread.
  const OperatorIdentity& first() const { return stages_.front()->identity(); }
  const std::vector<OperatorStage*>& operators() const { return operators_; }
  const std::vector<SinkStage*>& sinks() const { return sinks_; }
  const std::vector<ChannelStage*>& channels() const { return channels_; }
  OperatorBoundary& boundary() { return boundary_; }
  const OperatorBoundary& boundary() const { return boundary_; }
  /// Records that left through sinks and channels, and their bytes in memory. Any thread.
  uint64_t records_out() const;
  uint64_t bytes_out() const;

 private:
  OperatorBoundary boundary_;
  ActivityClock activity_;
  OperatorCounters head_counters_;
  StageOutput head_;
  StageOutput head_dead_letters_;
  std::vector<std::unique_ptr<ChainStage>> stages_;
  std::vector<OperatorStage*> operators_;
  std::vector<SinkStage*> sinks_;
  std::vector<ChannelStage*> channels_;
};

}  // namespace weir::taskmanager
