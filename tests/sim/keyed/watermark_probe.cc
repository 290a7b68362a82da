#include "tests/sim/keyed/watermark_probe.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace weir::sim {

absl::Status WatermarkProbe::ProcessBatch(const BatchPtr& batch, Output& out) {
  const int64_t* times = batch->event_times();
  for (size_t row = 0; !options_.any_time && row < batch->num_rows(); ++row) {
    if (times == nullptr) {
      options_.report("a result has no event time");
    } else if (watermark_ != EventTime::Min() && times[row] <= watermark_.micros()) {
      options_.report(absl::StrCat("a result of time ", times[row], " comes behind the watermark ",
                                   watermark_.micros()));
    }
  }
  options_.on_step();
  return out.Emit(batch);
}

absl::Status WatermarkProbe::ProcessWatermark(EventTime watermark, Output& out) {
  if (watermark < watermark_) {
    options_.report(
        absl::StrCat("watermark ", watermark.micros(), " comes behind ", watermark_.micros()));
  }
  watermark_ = watermark;
  options_.on_step();
  return out.EmitWatermark(watermark);
}

absl::StatusOr<std::string> WatermarkProbe::SnapshotState() {
  options_.on_step();
  return absl::StrCat(watermark_.micros());
}

absl::Status WatermarkProbe::RestoreState(const std::string& state) {
  int64_t micros = 0;
  if (!absl::SimpleAtoi(state, &micros)) return absl::DataLossError(state);
  watermark_ = EventTime::FromMicros(micros);
  options_.on_step();
  return absl::OkStatus();
}

}  // namespace weir::sim
