#include "weir/window_operator.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/types/key_codec.h"
#include "weir/stream_functions.h"

namespace weir {
namespace {

// Timers that fire have no namespace: at equal times they come before these. Slices: the end of
// the window follows, after which they are removed.
constexpr absl::string_view kRemoval = "c";
// The end of the last window that is to fire again in this walk follows, so that at equal times the
// longest walk comes last.
constexpr absl::string_view kAgain = "r";
// A window that is the last of more possible slices than this: the slices are listed instead.
constexpr int64_t kSlicesToTry = 64;

std::string NameSpaceOf(absl::string_view kind, int64_t end) {
  std::string name_space(kind);
  EncodeKey(end, &name_space);
  return name_space;
}

// Nothing: the namespace is another, or has no end.
std::optional<int64_t> EndOf(absl::string_view kind, absl::string_view name_space) {
  if (!absl::ConsumePrefix(&name_space, kind) || name_space.empty()) return std::nullopt;
  const absl::StatusOr<int64_t> end = DecodeKey<int64_t>(name_space);
  return end.ok() ? std::optional<int64_t>(*end) : std::nullopt;
}

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
    RegisterRemoval(slice.last_window_end);
  }
}

// One timer walks over all windows of the slice: there may be very many.
void SliceWindowOperator::FireAgain(const Slice& slice, int64_t reached) {
  const auto first = layout_.FirstEndAbove(reached - spec().lateness_micros, slice.start);
  if (!first.has_value() || *first - 1 > reached) return;
  const int64_t last = std::min(slice.last_window_end - 1, reached) + 1;
  const int64_t last_end = *first + (last - *first) / layout_.slide() * layout_.slide();
  timers().Register(domain(), *first - 1, NameSpaceOf(kAgain, last_end));
  FireBeforeMoreRows();
}

void SliceWindowOperator::OnDueTimer(TimeDomain, const DueTimer& timer) {
  if (const auto last_end = EndOf(kAgain, timer.name_space)) return OnAgain(timer, *last_end);
  if (const auto end = EndOf(kRemoval, timer.name_space)) {
    return OnRemoval(*end, timer.time_micros);
  }
  if (timer.name_space == kRemoval) return OnRemovalOfAny(timer.time_micros);
  OnWindowEnd(timer.time_micros + 1);
}

void SliceWindowOperator::OnWindowEnd(int64_t end) {
  last_of_.clear();
  const bool more = FireWindow(TimeWindow(end - layout_.size(), end), last_of_);
  if (more) timers().Register(domain(), end + layout_.slide() - 1);
  if (last_of_.empty()) return;
  if (spec().lateness_micros > 0) return RegisterRemoval(end);
  for (const int64_t start : last_of_) RemoveSlice(start);
}

// Where the walks of two slices meet, the shorter one ends, and the longer one, which comes next,
// fires their window: also when a snapshot is taken in between.
void SliceWindowOperator::OnAgain(const DueTimer& timer, int64_t last_end) {
  if (MeetsLongerWalk(timer)) return;
  const int64_t end = timer.time_micros + 1;
  const int64_t next = end + layout_.slide();
  last_of_.clear();
  FireWindow(TimeWindow(end - layout_.size(), end), last_of_);
  if (next <= last_end) timers().Register(domain(), next - 1, NameSpaceOf(kAgain, last_end));
}

bool SliceWindowOperator::MeetsLongerWalk(const DueTimer& timer) {
  const std::optional<DueTimer> next = timers().FirstOf(domain(), timer.group);
  return next.has_value() && next->time_micros == timer.time_micros && next->key == timer.key &&
         EndOf(kAgain, next->name_space).has_value();
}

void SliceWindowOperator::RegisterRemoval(int64_t last_window_end) {
  timers().Register(domain(), CleanUpTime(last_window_end), NameSpaceOf(kRemoval, last_window_end));
}

// By the timer's time, not by the watermark, up to which windows may still have to fire. An older
// version of the job may have registered the timer with another lateness.
void SliceWindowOperator::OnRemoval(int64_t last_window_end, int64_t reached) {
  if (CleanUpTime(last_window_end) > reached) return RegisterRemoval(last_window_end);
  const int64_t first = last_window_end - layout_.size();
  const int64_t end = first + std::min(layout_.slide(), layout_.size());
  if ((end - first) / layout_.width() > kSlicesToTry) return OnRemovalOfAny(reached);
  for (int64_t start = first; start < end; start += layout_.width()) RemoveSlice(start);
}

void SliceWindowOperator::OnRemovalOfAny(int64_t reached) {
  for (const int64_t start : SliceStarts()) {
    const int64_t end = layout_.LastEnd(start);
    if (end - 1 > reached) break;
    if (CleanUpTime(end) <= reached) {
      RemoveSlice(start);
    } else {
      RegisterRemoval(end);
    }
  }
}

void SessionWindowOperator::RegisterTimer(const SessionTimes& times) {
  timers().Register(domain(), times.timer, times.leaving ? kRemoval : absl::string_view());
}

// Before its session has gone, or has been given another one.
void SessionWindowOperator::DeleteTimer(const SessionTimes& times) {
  if (times.leaving && SessionsWith(times.timer, true) > 1) return;
  timers().Delete(domain(), times.timer, times.leaving ? kRemoval : absl::string_view());
}

void SessionWindowOperator::Settle(SessionTimes& times, int64_t reached, bool fresh) {
  // A timer that is too early moves itself when it is due.
  if (fresh || times.leaving) {
    if (!fresh) DeleteTimer(times);
    times.timer = times.end - 1;
    times.leaving = false;
    RegisterTimer(times);
  }
  if (times.timer <= reached) FireBeforeMoreRows();
}

bool SessionWindowOperator::Leave(SessionTimes& times, int64_t reached) {
  times.timer = CleanUpTime(times.end);
  times.leaving = true;
  if (times.timer <= reached) return false;
  RegisterTimer(times);
  return true;
}

void SessionWindowOperator::OnDueTimer(TimeDomain, const DueTimer& timer) {
  OnSessionTimer(timer.time_micros, timer.name_space == kRemoval);
}

}  // namespace weir
