#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/connector/record_errors.h"
#include "common/operator/activity_clock.h"
#include "common/time/clock.h"
#include "common/time/event_time.h"
#include "common/types/batch.h"
#include "common/types/schema.h"

namespace weir {

class KeyedStateStore;
class OperatorStateStore;

/// Where an operator puts what it makes: the next operator of the chain, or the chain's end.
/// Threads: the task's thread. Errors pass through to the task, which fails with them.
class Output {
 public:
  virtual ~Output() = default;
  virtual absl::Status Emit(BatchPtr batch) = 0;
  virtual absl::Status EmitWatermark(EventTime watermark) = 0;
  /// The stream holds no watermark back for a while, or does again.
  virtual absl::Status EmitStatus(bool idle) {
    (void)idle;
    return absl::OkStatus();
  }
};

/// An output beside the operator's stream, and what its readers take it for. Only for batches: the
/// watermarks of the stream go there by themselves.
struct SideOutput {
  Output* output = nullptr;
  SchemaPtr schema;
};

/// What an operator may know about where it runs.
struct OperatorContext {
  std::string operator_uid;
  std::string operator_name;
  uint32_t subtask_index = 0;
  uint32_t parallelism = 1;
  /// For rows that its function throws for; null: they fail the task.
  RecordErrors* errors = nullptr;
  /// Of an operator whose input is keyed; else null. Outlives the operator.
  KeyedStateStore* keyed_state = nullptr;
  uint32_t max_parallelism = 0;  // number of key groups
  /// Of its function, and of no key. Outlives the operator; null in tests of operators alone.
  OperatorStateStore* operator_state = nullptr;
  /// The key group of a row is the partition it was read from, and proved to be that of its key.
  bool partition_aligned = false;
  /// By tag, those that somebody reads. They outlive the operator.
  std::map<std::string, SideOutput> side_outputs = {};
  const Clock* clock = nullptr;  // outlives the operator
  /// Of the task; outlives the operator.
  ActivityClock* activity = nullptr;
  absl::Duration auto_watermark_interval = absl::ZeroDuration();
};

/// One operator of a chain, fed by the batch.
///
/// Life cycle: Open, then RestoreState when there is state of an earlier execution, then any number
/// of Process*/SnapshotState, then Finish at the end of input, then Close. After a rollback a new
/// object is made from the graph; Close is called on the old one without Finish.
/// Threads: every call on the task's thread; no call may block or keep a reference to `out`.
/// Errors: any error fails the task with the operator's name.
class Operator {
 public:
  virtual ~Operator() = default;
  virtual absl::Status Open(const OperatorContext& context) {
    (void)context;
    return absl::OkStatus();
  }
  virtual absl::Status ProcessBatch(const BatchPtr& batch, Output& out) = 0;
  virtual absl::Status ProcessWatermark(EventTime watermark, Output& out) {
    return out.EmitWatermark(watermark);
  }
  /// Its input turned idle, or is active again.
  virtual absl::Status ProcessStatus(bool idle, Output& out) { return out.EmitStatus(idle); }
  /// Timers that a watermark, or a restore, has made due are left to be fired: the operator is
  /// given neither rows nor watermarks until that is over, but its state may be snapshotted. Asked
  /// after Open, ProcessWatermark and ContinueFiring (docs/protocols/windows.md).
  virtual bool firing() const { return false; }
  /// Fires some of them; behind the last the watermark that made them due is emitted.
  virtual absl::Status ContinueFiring(Output& out) {
    (void)out;
    return absl::OkStatus();
  }
  /// When OnProcessingTime wants to be called next: microseconds since 1970; nothing: not at all.
  virtual std::optional<int64_t> NextProcessingTime() const { return std::nullopt; }
  virtual absl::Status OnProcessingTime(int64_t now_micros, Output& out) {
    (void)now_micros;
    (void)out;
    return absl::OkStatus();
  }
  virtual absl::Status Finish(Output& out) {
    (void)out;
    return absl::OkStatus();
  }
  /// State as of all batches processed so far, keyed state apart; empty when the operator has none.
  virtual absl::StatusOr<std::string> SnapshotState() { return std::string(); }
  virtual absl::Status RestoreState(const std::string& state) {
    (void)state;
    return absl::OkStatus();
  }
  virtual void Close() {}
  /// Every row comes out once, unless it is filtered or the error policy has it.
  virtual bool one_to_one() const { return false; }
  /// Rows that it left out because its function said so.
  virtual uint64_t filtered() const { return 0; }
  /// Rows that came too late for all their windows.
  virtual uint64_t late() const { return 0; }
};

}  // namespace weir
