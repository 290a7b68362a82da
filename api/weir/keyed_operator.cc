#include "weir/keyed_operator.h"

#include <limits>
#include <utility>

#include "absl/time/time.h"

#include "common/base/status_macros.h"

namespace weir {
namespace {

// Behind it a delay is not added: it is never due anyway.
constexpr int64_t kLatestTimer = std::numeric_limits<int64_t>::max() / 2;

}  // namespace

absl::Status KeyedOperator::Open(const OperatorContext& context) {
  store_ = context.keyed_state;
  if (store_ == nullptr) {
    return absl::FailedPreconditionError("a function with keyed state needs a keyed stream");
  }
  operator_state_ = context.operator_state;
  timers_ = &store_->timers();
  clock_ = context.clock;
  max_parallelism_ = context.max_parallelism;
  aligned_ = context.partition_aligned;
  // What a restore has left due comes before any row.
  firing_ = true;
  WEIR_RETURN_IF_ERROR(OpenFunction(context));
  return store_->status();
}

void KeyedOperator::Begin(const Batch& batch, Output& out) {
  // A batch is of one partition, and its rows have been proved to belong there.
  if (aligned_) partition_ = static_cast<uint32_t>(batch.provenance()->partition);
  BeginSlice(out);
}

void KeyedOperator::BeginSlice(Output& out) {
  store_->BeginBatch();
  now_micros_ = absl::ToUnixMicros(clock_->Now());
  BeginOutput(out);
}

absl::Status KeyedOperator::End() {
  store_->ClearCurrentKey();
  // What was made without the state that is missing is not sent on.
  WEIR_RETURN_IF_ERROR(store_->status());
  if (state_failed()) return operator_state_->status();
  return EndOutput();
}

absl::Status KeyedOperator::ProcessWatermark(EventTime watermark, Output& out) {
  timers().AdvanceWatermark(watermark);
  begun_ = watermark;
  firing_ = true;
  return ContinueFiring(out);
}

absl::Status KeyedOperator::ContinueFiring(Output& out) {
  BeginSlice(out);
  for (size_t fired = 0; fired < kTimersPerSlice && !OutputWentOn(); ++fired) {
    const std::optional<DueTimer> timer = timers().PopDueByWatermark();
    if (!timer.has_value()) {
      firing_ = false;
      break;
    }
    Fire(TimeDomain::kEventTime, *timer);
  }
  WEIR_RETURN_IF_ERROR(End());
  if (firing_ || !begun_.has_value()) return absl::OkStatus();
  return out.EmitWatermark(*std::exchange(begun_, std::nullopt));
}

std::optional<int64_t> KeyedOperator::NextProcessingTime() const {
  const std::optional<int64_t> next = store_->timers().NextDue(TimeDomain::kProcessingTime);
  if (!next.has_value() || *next > kLatestTimer) return next;
  return *next + processing_time_delay();
}

absl::Status KeyedOperator::OnProcessingTime(int64_t now_micros, Output& out) {
  const std::optional<int64_t> next = NextProcessingTime();
  if (!next.has_value() || *next > now_micros) return absl::OkStatus();
  BeginSlice(out);
  now_micros_ = now_micros;
  for (size_t fired = 0; fired < kTimersPerSlice && !OutputWentOn(); ++fired) {
    const std::optional<DueTimer> timer =
        timers().PopDue(TimeDomain::kProcessingTime, now_micros - processing_time_delay());
    if (!timer.has_value()) break;
    Fire(TimeDomain::kProcessingTime, *timer);
  }
  return End();
}

void KeyedOperator::Fire(TimeDomain domain, const DueTimer& timer) {
  store_->SetCurrentKey({timer.group, StableHash64(timer.key), timer.key});
  OnDueTimer(domain, timer);
}

}  // namespace weir
