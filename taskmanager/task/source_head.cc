#include "taskmanager/task/source_head.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir::taskmanager {
namespace {

// A bounded source is asked this often, in polls, which of its splits have ended, so that an ended
// split stops holding back the watermark while the others go on without a pause.
constexpr uint64_t kPollsBetweenFinishedChecks = 16;

}  // namespace

SourceHead::SourceHead(Options options, OperatorChain& chain)
    : identity_(std::move(options.identity)),
      reader_(std::move(options.reader)),
      metrics_(reader_->metrics()),
      strategy_(std::move(options.watermarks)),
      bounded_(options.bounded),
      boundary_(chain.boundary()),
      errors_(std::move(options.errors), identity_, chain.head_counters(), boundary_,
              *options.clock, chain.head_dead_letters()),
      watermarks_(strategy_, options.watermark_interval) {
  reader_->SetErrors(&errors_);
}

absl::Status SourceHead::AddSplits(const std::vector<SourceSplit>& splits, absl::Duration now) {
  WEIR_RETURN_IF_ERROR(boundary_.Run(identity_, nullptr, [&]() -> absl::Status {
    WEIR_RETURN_IF_ERROR(reader_->AddSplits(splits));
    for (const SourceSplit& split : splits) {
      WEIR_RETURN_IF_ERROR(watermarks_.AddSplit(split, now));
    }
    return absl::OkStatus();
  }));
  assigned_ = true;
  splits_owned_.store(watermarks_.size(), std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::StatusOr<ReadResult> SourceHead::Poll(absl::Duration now) {
  ReadResult result;
  WEIR_RETURN_IF_ERROR(boundary_.Run(identity_, nullptr, [&]() -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(result, reader_->Poll());
    if (result.batch != nullptr && result.split >= watermarks_.size()) {
      return absl::InternalError(absl::StrCat("the reader gave a batch of split ", result.split,
                                              " and has ", watermarks_.size()));
    }
    return absl::OkStatus();
  }));
  WEIR_RETURN_IF_ERROR(Watermark(result, now));
  WEIR_RETURN_IF_ERROR(errors_.Flush());
  ++polls_;
  if (result.next == ReadResult::Next::kEndOfInput) {
    for (size_t i = 0; i < watermarks_.size(); ++i) watermarks_.MarkFinished(i);
  } else if (bounded_ && watermarks_.enabled() &&
             (result.batch == nullptr || polls_ % kPollsBetweenFinishedChecks == 0)) {
    WEIR_RETURN_IF_ERROR(FindFinishedSplits());
  }
  return result;
}

absl::Status SourceHead::Watermark(ReadResult& result, absl::Duration now) {
  if (result.batch != nullptr && strategy_ != nullptr) {
    const BatchPtr read = result.batch;  // the boundary looks at it when a function throws
    WEIR_RETURN_IF_ERROR(boundary_.Run(identity_, read.get(), [&] {
      const absl::Status status = AssignEventTimes(*strategy_, result.batch);
      if (status.ok()) watermarks_.OnBatch(result.split, *result.batch, now);
      return status;
    }));
  }
  watermarks_.Look(now, result.next == ReadResult::Next::kWait);
  if (!watermarks_.emits_now(now)) return absl::OkStatus();
  return boundary_.Run(identity_, nullptr, [&] {
    watermarks_.EmitPeriodically(now);
    return absl::OkStatus();
  });
}

absl::Status SourceHead::FindFinishedSplits() { return Snapshot().status(); }

absl::StatusOr<std::vector<SourceSplit>> SourceHead::Snapshot() {
  std::vector<SourceSplit> splits;
  if (!assigned_) return splits;
  WEIR_RETURN_IF_ERROR(boundary_.Run(identity_, nullptr, [&]() -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(splits, reader_->Snapshot());
    if (splits.size() != watermarks_.size()) {
      return absl::InternalError(absl::StrCat("the reader's snapshot has ", splits.size(),
                                              " splits instead of ", watermarks_.size()));
    }
    return absl::OkStatus();
  }));
  for (size_t i = 0; i < splits.size(); ++i) {
    if (splits[i].finished) watermarks_.MarkFinished(i);
    const std::optional<EventTime> watermark = watermarks_.SnapshotOf(i);
    if (watermark.has_value()) splits[i].watermark_us = watermark->micros();
    splits[i].idle = watermarks_.SplitIsIdle(i);
  }
  return splits;
}

void SourceHead::NotifyCheckpointComplete(const std::vector<SourceSplit>& splits) {
  // For observers only: an exception is recorded by the boundary and fails the task as any other.
  (void)boundary_.Run(identity_, nullptr, [&] {
    reader_->NotifyCheckpointComplete(splits);
    return absl::OkStatus();
  });
}

}  // namespace weir::taskmanager
