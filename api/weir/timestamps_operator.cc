#include "weir/timestamps_operator.h"

#include <algorithm>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"

namespace weir {
namespace {

// In its state, behind the watermark.
constexpr absl::string_view kIdle = " idle";

}  // namespace

absl::Status TimestampsAndWatermarksOperator::Open(const OperatorContext& context) {
  if (!strategy_->has_watermarks()) return absl::OkStatus();
  WEIR_ASSIGN_OR_RETURN(generator_, MakeGenerator(*strategy_));
  if (!strategy_->needs_clock()) return absl::OkStatus();
  clock_ = context.clock;
  context.activity->Use();
  activity_ = context.activity;
  interval_ = context.auto_watermark_interval;
  last_row_ = activity_->Now();
  if (strategy_->periodic && interval_ > absl::ZeroDuration()) next_emit_ = last_row_ + interval_;
  return absl::OkStatus();
}

absl::Status TimestampsAndWatermarksOperator::ProcessBatch(const BatchPtr& batch, Output& out) {
  BatchPtr timed = batch;
  WEIR_RETURN_IF_ERROR(AssignEventTimes(*strategy_, timed));
  if (generator_ == nullptr) return out.Emit(std::move(timed));
  if (activity_ != nullptr) last_row_ = activity_->Now();
  suspected_ = silent_ = false;
  Raise(generator_->OnBatch(*timed));
  WEIR_RETURN_IF_ERROR(out.Emit(std::move(timed)));
  return Announce(out);
}

absl::Status TimestampsAndWatermarksOperator::ProcessWatermark(EventTime watermark, Output& out) {
  if (watermark != EventTime::Max()) return absl::OkStatus();
  next_emit_.reset();
  Raise(watermark);
  return Announce(out);
}

void TimestampsAndWatermarksOperator::Raise(std::optional<EventTime> watermark) {
  if (watermark.has_value()) reached_ = std::max(reached_, *watermark);
}

// A watermark says that the stream is active: so it comes before idle, and idle once more behind
// it.
absl::Status TimestampsAndWatermarksOperator::Announce(Output& out) {
  const bool idle = IsIdle();
  if (told_idle_ && !idle) {
    told_idle_ = false;
    WEIR_RETURN_IF_ERROR(out.EmitStatus(false));
  }
  if (reached_ != announced_) {
    announced_ = reached_;
    told_idle_ = false;
    WEIR_RETURN_IF_ERROR(out.EmitWatermark(reached_));
  }
  if (!idle || told_idle_) return absl::OkStatus();
  told_idle_ = true;
  return out.EmitStatus(true);
}

std::optional<absl::Duration> TimestampsAndWatermarksOperator::NextDue() const {
  std::optional<absl::Duration> due = next_emit_;
  if (activity_ != nullptr && tracks_idleness() && !silent_) {
    const absl::Duration idle_at = last_row_ + strategy_->idle_after;
    due = std::min(due.value_or(idle_at), idle_at);
  }
  return due;
}

std::optional<int64_t> TimestampsAndWatermarksOperator::NextProcessingTime() const {
  // What a restore has brought goes on before all else.
  if (reached_ != announced_ || IsIdle() != told_idle_) return std::numeric_limits<int64_t>::min();
  const std::optional<absl::Duration> due = NextDue();
  if (!due.has_value()) return std::nullopt;
  const absl::Duration left = *due - activity_->Now();
  if (left <= absl::ZeroDuration()) return std::numeric_limits<int64_t>::min();
  return absl::ToUnixMicros(clock_->Now() + left);
}

absl::Status TimestampsAndWatermarksOperator::OnProcessingTime(int64_t, Output& out) {
  const std::optional<absl::Duration> due = NextDue();
  if (due.has_value() && activity_->Now() >= *due) {
    const absl::Duration now = activity_->Now();
    if (tracks_idleness() && now >= last_row_ + strategy_->idle_after) {
      // Rows may lie there that the task has not come to: it looks once more before this counts.
      silent_ = std::exchange(suspected_, true);
    }
    if (next_emit_.has_value() && now >= *next_emit_) {
      next_emit_ = now + interval_;
      if (!silent_) Raise(generator_->OnPeriodicEmit());
    }
  }
  return Announce(out);
}

absl::StatusOr<std::string> TimestampsAndWatermarksOperator::SnapshotState() {
  std::string state;
  if (reached_ != EventTime::Min()) state = absl::StrCat(reached_.micros());
  if (silent_) absl::StrAppend(&state, kIdle);
  return state;
}

absl::Status TimestampsAndWatermarksOperator::RestoreState(const std::string& state) {
  absl::string_view number = state;
  const bool idle = absl::ConsumeSuffix(&number, kIdle);
  int64_t micros = EventTime::Min().micros();
  if (!(idle && number.empty()) && !absl::SimpleAtoi(number, &micros)) {
    return absl::DataLossError(
        absl::StrCat("the state of assigned watermarks is no number: ", state));
  }
  reached_ = EventTime::FromMicros(micros);
  silent_ = idle && activity_ != nullptr && tracks_idleness();
  return absl::OkStatus();
}

}  // namespace weir
