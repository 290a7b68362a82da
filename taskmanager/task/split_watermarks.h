#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "absl/time/time.h"

#include "common/connector/split.h"
#include "common/operator/watermark_strategy.h"
#include "common/time/event_time.h"

namespace weir::taskmanager {

/// The watermarks of the splits of one source subtask, and their minimum.
///
/// A split is ACTIVE, IDLE (no records for the strategy's idle_after; it no longer holds the others
/// back and comes back with its next record) or FINISHED (bounded and read; it counts as "after
/// everything"). All idle gives no watermark, never the maximum; all finished gives
/// EventTime::Max().
///
/// The combined watermark never goes back, over a restore neither: a split's snapshot carries the
/// combined watermark where that is higher than its own (the split was idle, or found late), so the
/// lowest restored one is what had been sent. Splits that come later can hold it there, not lower
/// it. After a restore it is sent once more, also when all splits are idle; where all have
/// finished, the highest that they had reached is, before EventTime::Max().
///
/// The status is restored, too: a split that was idle is idle until it has a record, and one that
/// had finished has finished.
///
/// Threads: the task's. Units: `now` is a clock that stands still while the task is backpressured.
class SplitWatermarks {
 public:
  explicit SplitWatermarks(WatermarkStrategyPtr strategy) : strategy_(std::move(strategy)) {}

  /// Without a generator there are no watermarks, and nothing below does anything.
  bool enabled() const { return strategy_ != nullptr && strategy_->make_generator != nullptr; }
  bool tracks_idleness() const { return enabled() && strategy_->idle_after > absl::ZeroDuration(); }

  void AddSplit(const SourceSplit& split, absl::Duration now);
  /// Looks at a batch of one split. Event times must be set for a watermark to come.
  void OnBatch(size_t split, const Batch& batch, absl::Duration now);
  void MarkFinished(size_t split);
  bool finished(size_t split) const { return splits_[split].finished; }
  size_t size() const { return splits_.size(); }

  /// A watermark higher than every one returned before, or the restored one for the first time,
  /// when there is one now.
  std::optional<EventTime> Advance(absl::Duration now);
  /// How long until a split turns idle, if none gets a record; nothing when none will.
  std::optional<absl::Duration> UntilNextIdle(absl::Duration now) const;

  /// There are watermarks, and all splits that are not finished are idle; without a split, too.
  bool idle(absl::Duration now) const;

  /// What the split's snapshot carries: its watermark, or the combined one if that is higher.
  std::optional<EventTime> SnapshotOf(size_t split) const;
  /// And whether it is idle; one that has finished is not.
  bool SplitIsIdle(size_t split, absl::Duration now) const {
    return !splits_[split].finished && IsIdle(splits_[split], now);
  }

 private:
  struct SplitState {
    std::unique_ptr<WatermarkGenerator> generator;
    std::optional<EventTime> watermark;
    absl::Duration last_record;
    bool finished = false;
    bool restored_idle = false;  // and no record since
  };
  bool IsIdle(const SplitState& split, absl::Duration now) const {
    if (!tracks_idleness()) return false;
    return split.restored_idle || now - split.last_record >= strategy_->idle_after;
  }

  const WatermarkStrategyPtr strategy_;
  std::vector<SplitState> splits_;
  std::optional<EventTime> emitted_;  // before the first Advance that gave one: what is restored
  bool announced_ = false;            // emitted_ has been returned since the restore
  std::optional<EventTime> reached_;  // the highest of those that were added as finished
};

}  // namespace weir::taskmanager
