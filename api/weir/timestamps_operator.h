#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"

#include "common/operator/operator.h"
#include "common/operator/watermark_strategy.h"

namespace weir {

/// The operator behind Stream::AssignTimestampsAndWatermarks (Flink's
/// TimestampsAndWatermarksOperator): rows pass with new event times, watermarks are its own.
///
/// One generator, of all rows of the subtask. Watermarks and idleness of its input end here, but
/// for EventTime::Max(). The highest watermark it has sent is its state, is sent once more after a
/// restore, and is never gone below. Idle is what its input has given no rows for so long, in time
/// in which the task was not backpressured, and has been looked at since in vain; that is state,
/// too: idle at a checkpoint, it is idle after a restore until it is given rows.
/// Threads, errors: as Operator; what the author's functions throw passes through.
class TimestampsAndWatermarksOperator final : public Operator {
 public:
  explicit TimestampsAndWatermarksOperator(WatermarkStrategyPtr strategy)
      : strategy_(std::move(strategy)) {}

  absl::Status Open(const OperatorContext& context) override;
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override;
  absl::Status ProcessWatermark(EventTime watermark, Output& out) override;
  absl::Status ProcessStatus(bool, Output&) override { return absl::OkStatus(); }
  std::optional<int64_t> NextProcessingTime() const override;
  absl::Status OnProcessingTime(int64_t now_micros, Output& out) override;
  absl::StatusOr<std::string> SnapshotState() override;
  absl::Status RestoreState(const std::string& state) override;
  bool one_to_one() const override { return true; }

 private:
  /// Sends what has changed of status and watermark.
  absl::Status Announce(Output& out);
  void Raise(std::optional<EventTime> watermark);
  bool tracks_idleness() const { return strategy_->idle_after > absl::ZeroDuration(); }
  /// An input that is over is not idle: behind EventTime::Max() nothing comes.
  bool IsIdle() const {
    if (generator_ == nullptr || reached_ == EventTime::Max()) return false;
    return silent_ || generator_->idle();
  }
  /// Of the activity clock: when something is to be done without rows; nothing: never.
  std::optional<absl::Duration> NextDue() const;

  const WatermarkStrategyPtr strategy_;
  std::unique_ptr<BatchWatermarkGenerator> generator_;  // null: no watermarks
  const Clock* clock_ = nullptr;
  const ActivityClock* activity_ = nullptr;
  absl::Duration interval_ = absl::ZeroDuration();

  EventTime reached_ = EventTime::Min();    // by the generator, or restored
  EventTime announced_ = EventTime::Min();  // since Open
  absl::Duration last_row_ = absl::ZeroDuration();
  std::optional<absl::Duration> next_emit_;
  bool suspected_ = false;  // idle, unless the next look at the input gives rows
  bool silent_ = false;     // idle by time
  bool told_idle_ = false;
};

}  // namespace weir
