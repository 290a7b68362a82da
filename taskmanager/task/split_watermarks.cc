#include "taskmanager/task/split_watermarks.h"

#include <algorithm>

#include "common/base/status_macros.h"

namespace weir::taskmanager {

absl::Status SplitWatermarks::AddSplit(const SourceSplit& split, absl::Duration now) {
  SplitState state;
  if (enabled()) {
    WEIR_ASSIGN_OR_RETURN(state.generator, MakeGenerator(*strategy_));
    const bool emits = strategy_->periodic && interval_ > absl::ZeroDuration() && !split.finished;
    if (emits && !next_emit_.has_value()) next_emit_ = now + interval_;
  }
  if (split.watermark_us.has_value()) state.watermark = EventTime::FromMicros(*split.watermark_us);
  state.last_record = now;
  state.last_poll = polls_;
  state.finished = split.finished;
  state.restored_idle = split.idle;
  if (!announced_ && !state.finished && state.watermark.has_value()) {
    emitted_ = emitted_.has_value() ? std::min(*emitted_, *state.watermark) : *state.watermark;
  }
  if (state.finished && state.watermark.has_value()) {
    reached_ = std::max(reached_.value_or(*state.watermark), *state.watermark);
  }
  splits_.push_back(std::move(state));
  due_ = now;
  return absl::OkStatus();
}

void SplitWatermarks::OnBatch(size_t split, const Batch& batch, absl::Duration now) {
  if (!enabled()) return;
  SplitState& state = splits_[split];
  state.last_record = now;
  state.last_poll = polls_ + 1;
  state.silent = state.restored_idle = false;
  (void)Raise(state, state.generator->OnBatch(batch));
}

int64_t SplitWatermarks::PollsThatProve() const {
  const auto open = std::count_if(splits_.begin(), splits_.end(),
                                  [](const SplitState& split) { return !split.finished; });
  return kLooks * std::max<int64_t>(open, 1);
}

bool SplitWatermarks::DryProves(absl::Duration now, bool ran_dry, bool late) {
  if (!ran_dry) dry_once_ = false;
  if (late && !dry_once_) {
    // The next look counts, however late: else the silent splits of a task that is always late
    // would hold time back for ever.
    dry_once_ = ran_dry;
    settled_ = now + strategy_->idle_after / kLooks;
  }
  if (!ran_dry || now < settled_) return false;
  dry_once_ = false;
  return true;
}

void SplitWatermarks::Look(absl::Duration now, bool ran_dry) {
  if (!tracks_idleness()) return;
  const int64_t enough = PollsThatProve();
  const bool late = now > due_ + strategy_->idle_after / enough;
  const bool dry = DryProves(now, ran_dry, late);
  ++polls_;
  if (ran_dry) {
    counted_from_ = polls_;
  } else if (late && polls_ - counted_from_ > enough) {
    // Not before: a task that is always late has to come to the end of it.
    counted_from_ = polls_ - 1;
  }
  for (SplitState& state : splits_) {
    if (now - state.last_record < strategy_->idle_after) continue;
    const int64_t polled = polls_ - std::max(counted_from_, state.last_poll);
    if (dry || polled >= enough) state.silent = true;
  }
  due_ = ran_dry ? now + UntilNextIdle(now).value_or(absl::InfiniteDuration()) : now;
}

void SplitWatermarks::EmitPeriodically(absl::Duration now) {
  bool open = false;
  for (SplitState& state : splits_) {
    if (state.finished) continue;
    open = true;
    // As in Flink, where an idle split's generator is not asked.
    if (IsSilent(state)) continue;
    // It says more than it did before the restore: it is not idle any more.
    if (Raise(state, state.generator->OnPeriodicEmit())) state.restored_idle = false;
  }
  next_emit_ = open ? std::optional(now + interval_) : std::nullopt;
}

bool SplitWatermarks::Raise(SplitState& split, std::optional<EventTime> watermark) {
  if (!watermark.has_value()) return false;
  if (split.watermark.has_value() && *watermark <= *split.watermark) return false;
  split.watermark = watermark;
  return true;
}

void SplitWatermarks::MarkFinished(size_t split) { splits_[split].finished = true; }

std::optional<EventTime> SplitWatermarks::Advance() {
  if (!enabled() || splits_.empty()) return std::nullopt;
  std::optional<EventTime> minimum;
  bool all_finished = true;
  for (const SplitState& state : splits_) {
    if (state.finished) continue;
    all_finished = false;
    if (IsIdle(state)) continue;
    if (!state.watermark.has_value()) return std::nullopt;
    minimum = minimum.has_value() ? std::min(*minimum, *state.watermark) : *state.watermark;
  }
  if (all_finished) minimum = EventTime::Max();
  // Tasks behind had heard how far this one had come before it turned idle, or finished. So they do
  // again: an idle one of them gives on the highest that it was told.
  if (!announced_ && all_finished && reached_.has_value()) minimum = reached_;
  if (!announced_ && !minimum.has_value()) minimum = emitted_;
  if (!minimum.has_value()) return std::nullopt;
  if (emitted_.has_value() && (announced_ ? *minimum <= *emitted_ : *minimum < *emitted_)) {
    return std::nullopt;
  }
  announced_ = true;
  emitted_ = minimum;
  return minimum;
}

bool SplitWatermarks::idle() const {
  if (!enabled()) return false;
  bool finished = !splits_.empty();
  for (const SplitState& state : splits_) {
    if (state.finished) continue;
    finished = false;
    if (!IsIdle(state)) return false;
  }
  return !finished;
}

std::optional<EventTime> SplitWatermarks::SnapshotOf(size_t split) const {
  const SplitState& state = splits_[split];
  if (state.finished || !emitted_.has_value()) return state.watermark;
  return state.watermark.has_value() ? std::max(*state.watermark, *emitted_) : *emitted_;
}

std::optional<absl::Duration> SplitWatermarks::UntilNextIdle(absl::Duration now) const {
  std::optional<absl::Duration> soonest;
  if (!tracks_idleness()) return soonest;
  for (const SplitState& state : splits_) {
    if (state.finished || IsSilent(state)) continue;
    const absl::Duration at = std::max(state.last_record + strategy_->idle_after, settled_);
    const absl::Duration left = std::max(at - now, absl::ZeroDuration());
    soonest = soonest.has_value() ? std::min(*soonest, left) : left;
  }
  return soonest;
}

std::optional<absl::Duration> SplitWatermarks::UntilNextChange(absl::Duration now) const {
  std::optional<absl::Duration> soonest = UntilNextIdle(now);
  if (!next_emit_.has_value()) return soonest;
  const absl::Duration left = std::max(*next_emit_ - now, absl::ZeroDuration());
  return soonest.has_value() ? std::min(*soonest, left) : left;
}

}  // namespace weir::taskmanager
