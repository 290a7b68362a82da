#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "common/connector/sink.h"
#include "common/operator/operator.h"
#include "taskmanager/task/local_channel.h"
#include "taskmanager/task/task_observer.h"
#include "taskmanager/task/watched_call.h"

namespace weir::taskmanager {

struct OperatorIdentity {
  std::string uid;
  std::string name;
};

/// Batches and records of one operator; written by the task's thread, read by any.
struct OperatorCounters {
  std::atomic<uint64_t> records_in{0};
  std::atomic<uint64_t> records_out{0};
  std::atomic<uint64_t> bytes_in{0};   // of the task's head
  std::atomic<uint64_t> bytes_out{0};  // of sinks and channels
};

/// Adds without a locked instruction: there is one writer.
inline void Count(std::atomic<uint64_t>& counter, uint64_t amount) {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

/// The border between the task and code of users and connectors: knows who runs, turns exceptions
/// into errors, and keeps the first failure with its operator and record position.
///
/// Threads: the task's; current_operator() and CurrentPosition() from any.
class OperatorBoundary {
 public:
  /// Runs `call`, at most once per batch and operator. `batch` may be null.
  template <class Call>
  absl::Status Run(const OperatorIdentity& identity, const Batch* batch, const Call& call) {
    const CallScope scope(watched_, identity.name, batch);
    const OperatorIdentity* caller = current_.load(std::memory_order_relaxed);
    current_.store(&identity, std::memory_order_relaxed);
    absl::Status status;
    try {
      status = call();
    } catch (const std::exception& error) {
      status = FromException(error);
    } catch (...) {
      status = absl::UnknownError("a user function threw something that is no std::exception");
    }
    current_.store(caller, std::memory_order_relaxed);
    if (!status.ok() && !failure_.has_value()) Record(identity, batch, status);
    return status;
  }

  /// For failures that reach the task from a callback.
  void Record(const OperatorIdentity& identity, const Batch* batch, const absl::Status& status);
  const std::optional<TaskFailure>& failure() const { return failure_; }

  /// The operator that is running now, or null; for the stall watchdog. Valid as long as the task.
  const OperatorIdentity* current_operator() const {
    return current_.load(std::memory_order_relaxed);
  }
  /// The record it works at, or the records of its batch; "" when unknown.
  std::string CurrentPosition() const { return watched_.Position(); }

 private:
  static absl::Status FromException(const std::exception& error);

  std::atomic<const OperatorIdentity*> current_{nullptr};
  WatchedCall watched_;
  std::optional<TaskFailure> failure_;
};

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
  explicit StageOutput(OperatorCounters& counters) : counters_(counters) {}
  void AddTarget(ChainStage* target) { targets_.push_back(target); }
  absl::Status Emit(BatchPtr batch) override;
  absl::Status EmitWatermark(EventTime watermark) override;

 private:
  OperatorCounters& counters_;
  std::vector<ChainStage*> targets_;
};

/// An operator with what it needs to be opened and restored.
class OperatorStage final : public ChainStage {
 public:
  struct Options {
    OperatorContext context;
    std::unique_ptr<Operator> op;
    std::string restored_state;
  };
  OperatorStage(Options options, OperatorBoundary& boundary);

  StageOutput& output() { return output_; }
  absl::Status Open() override;
  absl::Status OnBatch(const BatchPtr& batch) override;
  absl::Status OnWatermark(EventTime watermark) override;
  absl::Status Finish() override;
  void Close() override;
  absl::StatusOr<std::string> SnapshotState();

 private:
  Options options_;
  OperatorBoundary& boundary_;
  StageOutput output_;
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

/// The end of a task whose stream goes on in another task.
class ChannelStage final : public ChainStage {
 public:
  ChannelStage(OperatorIdentity identity, std::shared_ptr<LocalChannel> channel,
               OperatorBoundary& boundary)
      : ChainStage(std::move(identity)), channel_(std::move(channel)), boundary_(boundary) {}

  bool HasRoom() override { return channel_->HasRoom(); }
  absl::Status OnBatch(const BatchPtr& batch) override;
  absl::Status OnWatermark(EventTime watermark) override;
  absl::Status Push(ChannelElement element);
  LocalChannel& channel() { return *channel_; }

 private:
  std::shared_ptr<LocalChannel> channel_;
  OperatorBoundary& boundary_;
};

/// Everything a task runs behind its head: a tree of stages, in an order in which each comes after
/// the one it reads. Threads: the task's, except where said.
class OperatorChain {
 public:
  OperatorChain() : head_(head_counters_) {}
  OperatorChain(const OperatorChain&) = delete;
  OperatorChain& operator=(const OperatorChain&) = delete;

  /// Where the head of the task puts its batches.
  StageOutput& head() { return head_; }
  OperatorCounters& head_counters() { return head_counters_; }
  const OperatorCounters& head_counters() const { return head_counters_; }

  /// `input` is head() or the output() of an operator added before.
  OperatorStage& AddOperator(StageOutput& input, OperatorStage::Options options);
  void AddSink(StageOutput& input, OperatorIdentity identity, std::unique_ptr<SinkWriter> writer);
  /// `identity` is the operator whose output goes into the channel.
  void AddChannel(StageOutput& input, OperatorIdentity identity,
                  std::shared_ptr<LocalChannel> channel);

  absl::Status Open();
  bool HasRoom();
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
  OperatorCounters head_counters_;
  StageOutput head_;
  std::vector<std::unique_ptr<ChainStage>> stages_;
  std::vector<OperatorStage*> operators_;
  std::vector<SinkStage*> sinks_;
  std::vector<ChannelStage*> channels_;
};

}  // namespace weir::taskmanager
