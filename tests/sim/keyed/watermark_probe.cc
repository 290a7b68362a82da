#include "tests/sim/keyed/watermark_probe.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

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
  const bool again = resends_ && watermark_ == EventTime::Max();
  const EventTime before = again ? below_end_ : watermark_;
  if (watermark < before) {
    options_.report(
        absl::StrCat("watermark ", watermark.micros(), " comes behind ", before.micros()));
  }
  resends_ = false;
  watermark_ = watermark;
  if (watermark < EventTime::Max()) below_end_ = watermark;
  options_.on_step();
  return out.EmitWatermark(watermark);
}

absl::StatusOr<std::string> WatermarkProbe::SnapshotState() {
  options_.on_step();
  return absl::StrCat(watermark_.micros(), " ", below_end_.micros());
}

absl::Status WatermarkProbe::RestoreState(const std::string& state) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(state, ' ');
  int64_t micros = 0;
  int64_t below_end = 0;
  if (!absl::SimpleAtoi(parts.first, &micros) || !absl::SimpleAtoi(parts.second, &below_end)) {
    return absl::DataLossError(state);
  }
  watermark_ = EventTime::FromMicros(micros);
  below_end_ = EventTime::FromMicros(below_end);
  resends_ = true;
  options_.on_step();
  return absl::OkStatus();
}

}  // namespace weir::sim
