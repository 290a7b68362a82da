#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
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
/// IDLE by time is what had no record for idle_after, and is known to have none in the reader
/// either; until then it is only suspected, and holds the others back. It is known
/// (docs/protocols/windows.md)
/// - when the reader has run dry since, or
/// - when the reader always has more: by kLooks polls for each open split, none of which gave one.
/// A look that comes late (the task, or the whole process, has paused) proves less: the polls count
/// anew from it, and what is dry counts behind an idle_after / kLooks, in which a client can fetch.
///
/// The status is restored, too: a split that was idle is idle until it has a record, or its
/// generator emits a higher watermark, and one that had finished has finished. Where nothing makes
/// splits idle any more, none is.
///
/// Generators are the author's: one for each split, which begins anew after a restore; the split's
/// watermark does not. What a generator says that is lower than its split's watermark is ignored.
///
/// Threads: the task's. Errors: what generators throw. Units: `now` is a clock that stands still
/// while the task is backpressured (ActivityClock).
class SplitWatermarks {
 public:
  static constexpr int64_t kLooks = 8;

  /// `interval`: between two periodic emissions; zero: there are none.
  explicit SplitWatermarks(WatermarkStrategyPtr strategy,
                           absl::Duration interval = absl::ZeroDuration())
      : strategy_(std::move(strategy)), interval_(interval) {}

  /// Without a generator there are no watermarks, and nothing below does anything.
  bool enabled() const { return strategy_ != nullptr && strategy_->has_watermarks(); }
  bool tracks_idleness() const { return enabled() && strategy_->idle_after > absl::ZeroDuration(); }

  /// INVALID_ARGUMENT when there is no generator for it.
  absl::Status AddSplit(const SourceSplit& split, absl::Duration now);
  /// Looks at a batch of one split.
  void OnBatch(size_t split, const Batch& batch, absl::Duration now);
  /// After each poll, behind OnBatch: finds splits that have turned idle. `ran_dry`: the reader has
  /// nothing more for now, and would wake the task.
  void Look(absl::Duration now, bool ran_dry);
  /// It is time for EmitPeriodically, which asks the generators of all splits that are not over.
  bool emits_now(absl::Duration now) const { return next_emit_.has_value() && now >= *next_emit_; }
  void EmitPeriodically(absl::Duration now);
  void MarkFinished(size_t split);
  bool finished(size_t split) const { return splits_[split].finished; }
  size_t size() const { return splits_.size(); }

  /// A watermark higher than every one returned before, or the restored one for the first time,
  /// when there is one now.
  std::optional<EventTime> Advance();
  /// How long until a split may turn idle, if none gets a record; nothing when none will.
  std::optional<absl::Duration> UntilNextIdle(absl::Duration now) const;
  /// That, or until EmitPeriodically is due.
  std::optional<absl::Duration> UntilNextChange(absl::Duration now) const;

  /// There are watermarks, and all splits that are not finished are idle; without a split, too.
  bool idle() const;

  /// What the split's snapshot carries: its watermark, or the combined one if that is higher.
  std::optional<EventTime> SnapshotOf(size_t split) const;
  /// And whether it is idle; one that has finished is not.
  bool SplitIsIdle(size_t split) const {
    return enabled() && !splits_[split].finished && IsIdle(splits_[split]);
  }

 private:
  struct SplitState {
    std::unique_ptr<BatchWatermarkGenerator> generator;
    std::optional<EventTime> watermark;
    absl::Duration last_record;
    int64_t last_poll = 0;  // that gave it
    bool finished = false;
    bool silent = false;         // found idle by time, and no record since
    bool restored_idle = false;  // and no record since
  };
  bool IsSilent(const SplitState& split) const {
    return tracks_idleness() && (split.silent || split.restored_idle);
  }
  bool IsIdle(const SplitState& split) const {
    if (split.generator->idle() || IsSilent(split)) return true;
    return split.restored_idle && strategy_->periodic;  // its generator has said so
  }
  // Without a record of a split, when the reader is never dry.
  int64_t PollsThatProve() const;
  // Takes note of a look. True: the reader has nothing.
  bool DryProves(absl::Duration now, bool ran_dry, bool late);
  /// False: it is not higher.
  static bool Raise(SplitState& split, std::optional<EventTime> watermark);

  const WatermarkStrategyPtr strategy_;
  const absl::Duration interval_;
  std::vector<SplitState> splits_;
  std::optional<EventTime> emitted_;  // before the first Advance that gave one: what is restored
  bool announced_ = false;            // emitted_ has been returned since the restore
  std::optional<EventTime> reached_;  // the highest of those that were added as finished
  std::optional<absl::Duration> next_emit_;  // while a split is not over

  absl::Duration due_ = absl::ZeroDuration();      // when the next look comes, if nothing pauses
  absl::Duration settled_ = absl::ZeroDuration();  // before that a dry reader proves nothing
  bool dry_once_ = false;  // at a late look; the next one counts, however late
  int64_t polls_ = 0;
  int64_t counted_from_ = 0;  // the poll that was dry last, or before a late one
};

}  // namespace weir::taskmanager
