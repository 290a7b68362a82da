#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/connector/source.h"
#include "common/operator/watermark_strategy.h"
#include "taskmanager/task/operator_chain.h"
#include "taskmanager/task/record_error_handler.h"
#include "taskmanager/task/split_watermarks.h"

namespace weir::taskmanager {

/// The head of a source task: one SourceReader, the event times and watermarks of its splits.
///
/// Threads: the task's; splits_owned() from any. Every call into the reader or a user function goes
/// through the boundary, under the source's name.
class SourceHead {
 public:
  struct Options {
    OperatorIdentity identity;
    std::unique_ptr<SourceReader> reader;
    WatermarkStrategyPtr watermarks;  // may be null
    absl::Duration watermark_interval = absl::ZeroDuration();
    bool bounded = false;
    RecordErrorHandler::Options errors;
    const Clock* clock = nullptr;  // must be set
  };
  /// Counts in the chain's head counters; dead letters go to head_dead_letters().
  SourceHead(Options options, OperatorChain& chain);

  void SetWakeup(std::function<void()> wakeup) { reader_->SetWakeup(std::move(wakeup)); }
  /// Splits of an earlier execution bring their position and watermark along. The first call, even
  /// with no split, lets reading begin.
  absl::Status AddSplits(const std::vector<SourceSplit>& splits, absl::Duration now);
  bool assigned() const { return assigned_; }

  /// One batch at most, with its event times assigned and the watermark of its split updated.
  absl::StatusOr<ReadResult> Poll(absl::Duration now);
  std::optional<EventTime> AdvanceWatermark() { return watermarks_.Advance(); }
  /// How long until a watermark may come without a record, if any may.
  std::optional<absl::Duration> UntilNextWatermark(absl::Duration now) const {
    return watermarks_.UntilNextChange(now);
  }
  /// No split of this reader holds a watermark back, or there is none.
  bool idle() const { return assigned_ && watermarks_.idle(); }
  /// Else `now` may be anything.
  bool needs_clock() const { return strategy_ != nullptr && strategy_->needs_clock(); }

  /// Positions behind the last batch of Poll, with the splits' watermarks, and which are idle.
  absl::StatusOr<std::vector<SourceSplit>> Snapshot();
  void NotifyCheckpointComplete(const std::vector<SourceSplit>& splits);
  /// Destroys the reader. Idempotent; nothing else may be called afterwards.
  void Close() { reader_.reset(); }

  const OperatorIdentity& identity() const { return identity_; }
  /// What the reader counts; may be null, and outlives the reader. Any thread.
  const std::shared_ptr<const SourceMetrics>& metrics() const { return metrics_; }
  uint64_t splits_owned() const { return splits_owned_.load(std::memory_order_relaxed); }

 private:
  absl::Status Watermark(ReadResult& result, absl::Duration now);
  absl::Status FindFinishedSplits();

  const OperatorIdentity identity_;
  std::unique_ptr<SourceReader> reader_;
  const std::shared_ptr<const SourceMetrics> metrics_;
  const WatermarkStrategyPtr strategy_;
  const bool bounded_;
  OperatorBoundary& boundary_;
  RecordErrorHandler errors_;
  SplitWatermarks watermarks_;
  bool assigned_ = false;
  uint64_t polls_ = 0;
  std::atomic<uint64_t> splits_owned_{0};
};

}  // namespace weir::taskmanager
