#include "weir/window_operator.h"

#include <utility>

#include "common/base/status_macros.h"
#include "weir/stream_functions.h"

namespace weir {
namespace {

// Timers that fire have no namespace: at equal times they come before these.
constexpr absl::string_view kRemoval = "c";

}  // namespace

absl::Status WindowOperator::OpenContext(const OperatorContext& context) {
  side_outputs_.Open(context.side_outputs);
  context_.emplace(store(), side_outputs_);
  const auto late = context.side_outputs.find(spec_.late_tag);
  if (late != context.side_outputs.end()) late_output_ = late->second.output;
  return absl::OkStatus();
}

absl::Status WindowOperator::CheckTimes(const Batch& batch) const {
  if (spec_.processing_time || batch.event_times() != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "event-time windows were given rows without event times: the source needs a watermark "
      "strategy with timestamps");
}

absl::Status WindowOperator::EmitLate(const BatchPtr& batch) {
  if (late_rows_.empty()) return absl::OkStatus();
  late_ += late_rows_.size();
  BatchPtr rows = late_output_ == nullptr ? nullptr : internal::Select(batch, late_rows_);
  late_rows_.clear();
  return rows == nullptr ? absl::OkStatus() : late_output_->Emit(std::move(rows));
}

SliceWindowOperator::SliceWindowOperator(internal::WindowSpec spec)
    : WindowOperator(std::move(spec)), layout_(this->spec()) {}

void SliceWindowOperator::MoveSlice(int64_t time) {
  slice_.start = layout_.SliceOf(time);
  slice_.end = slice_.start + layout_.width();
  slice_.first_window_end = layout_.FirstEnd(slice_.start);
  slice_.last_window_end = layout_.LastEnd(slice_.start);
  slice_.clean_up_time = CleanUpTime(slice_.last_window_end);
}

void SliceWindowOperator::RegisterTimers(const Slice& slice, int64_t reached) {
  if (const auto end = layout_.FirstEndAbove(reached, slice.start)) {
    timers().Register(domain(), *end - 1);
  } else {
    timers().Register(domain(), slice.clean_up_time, kRemoval);
  }
}

void SliceWindowOperator::FireAgain(const Slice& slice, int64_t reached) {
  const auto first = layout_.FirstEndAbove(reached - spec().lateness_micros, slice.start);
  if (!first.has_value()) return;
  for (int64_t end = *first; end <= slice.last_window_end && end - 1 <= reached;
       end += layout_.slide()) {
    FireWindow(TimeWindow(end - layout_.size(), end));
  }
}

void SliceWindowOperator::OnDueTimer(TimeDomain, const DueTimer& timer) {
  if (timer.name_space == kRemoval) return OnRemoval(timer.time_micros);
  OnWindowEnd(timer.time_micros + 1);
}

void SliceWindowOperator::OnWindowEnd(int64_t end) {
  FireWindow(TimeWindow(end - layout_.size(), end));
  const int64_t next_end = end + layout_.slide();
  const int64_t next_start = next_end - layout_.size();
  bool was_last = false;  // of a slice
  for (const int64_t start : SliceStarts()) {
    if (start >= next_end) break;
    if (start >= next_start) {
      timers().Register(domain(), next_end - 1);
      break;
    }
    was_last = was_last || layout_.LastEnd(start) == end;
    if (spec().lateness_micros == 0) RemoveSlice(start);
  }
  if (was_last && spec().lateness_micros > 0) {
    timers().Register(domain(), CleanUpTime(end), kRemoval);
  }
}

// Looks at the slices again: an older version of the job may have registered the timer with another
// lateness. By its time, not by the watermark, up to which windows may still have to fire.
void SliceWindowOperator::OnRemoval(int64_t reached) {
  for (const int64_t start : SliceStarts()) {
    const int64_t end = layout_.LastEnd(start);
    if (end - 1 > reached) break;
    if (CleanUpTime(end) <= reached) {
      RemoveSlice(start);
    } else {
      timers().Register(domain(), CleanUpTime(end), kRemoval);
    }
  }
}

void SessionWindowOperator::RegisterTimer(const SessionTimes& times) {
  timers().Register(domain(), times.timer, times.leaving ? kRemoval : absl::string_view());
}

void SessionWindowOperator::DeleteTimer(const SessionTimes& times) {
  timers().Delete(domain(), times.timer, times.leaving ? kRemoval : absl::string_view());
}

bool SessionWindowOperator::Settle(SessionTimes& times, int64_t reached, bool fresh) {
  const bool fires = times.end - 1 <= reached;
  const int64_t needed = fires ? CleanUpTime(times.end) : times.end - 1;
  if (!fresh) {
    // A timer that is too early moves itself when it is due.
    if (times.leaving == fires && (!fires || times.timer == needed)) return fires;
    DeleteTimer(times);
  }
  times.timer = needed;
  times.leaving = fires;
  RegisterTimer(times);
  return fires;
}

bool SessionWindowOperator::Leave(SessionTimes& times) {
  if (spec().lateness_micros == 0) return false;
  times.timer = CleanUpTime(times.end);
  times.leaving = true;
  RegisterTimer(times);
  return true;
}

void SessionWindowOperator::OnDueTimer(TimeDomain, const DueTimer& timer) {
  OnSessionTimer(timer.time_micros, timer.name_space == kRemoval);
}

}  // namespace weir
