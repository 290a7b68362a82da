#include "weir/watermark_strategy.h"

#include <algorithm>
#include <optional>

#include "common/operator/watermark_strategy.h"

namespace weir {
namespace {

/// The highest event time of the split, minus the bound, minus the smallest unit of time: records
/// of exactly that time may still come.
class BoundedOutOfOrdernessGenerator final : public WatermarkGenerator {
 public:
  explicit BoundedOutOfOrdernessGenerator(std::chrono::microseconds bound) : bound_(bound) {}

  std::optional<EventTime> OnBatch(const Batch& batch) override {
    const int64_t* times = batch.event_times();
    if (times == nullptr || batch.num_rows() == 0) return std::nullopt;
    const EventTime highest =
        EventTime::FromMicros(*std::max_element(times, times + batch.num_rows()));
    return highest - bound_ - std::chrono::microseconds(1);
  }

 private:
  const std::chrono::microseconds bound_;
};

std::shared_ptr<WatermarkStrategySpec> BoundedSpec(std::chrono::microseconds bound) {
  auto spec = std::make_shared<WatermarkStrategySpec>();
  spec->make_generator = [bound] {
    return std::make_unique<BoundedOutOfOrdernessGenerator>(bound);
  };
  return spec;
}

std::string DurationText(std::chrono::microseconds duration) {
  return absl::FormatDuration(absl::FromChrono(duration));
}

}  // namespace

WatermarkStrategy WatermarkStrategy::None() {
  auto spec = std::make_shared<WatermarkStrategySpec>();
  spec->description = "none";
  return WatermarkStrategy(spec);
}

WatermarkStrategy WatermarkStrategy::Monotonic() {
  auto spec = BoundedSpec(std::chrono::microseconds(0));
  spec->description = "monotonic";
  return WatermarkStrategy(spec);
}

WatermarkStrategy WatermarkStrategy::ForBoundedOutOfOrderness(std::chrono::microseconds bound) {
  auto spec = BoundedSpec(bound);
  spec->description = "bounded out-of-orderness " + DurationText(bound);
  return WatermarkStrategy(spec);
}

WatermarkStrategy WatermarkStrategy::WithIdleness(std::chrono::microseconds idle_after) const {
  auto spec = std::make_shared<WatermarkStrategySpec>(*spec_);
  spec->idle_after = absl::FromChrono(idle_after);
  spec->description += ", idle after " + DurationText(idle_after);
  return WatermarkStrategy(spec);
}

WatermarkStrategy WatermarkStrategy::WithAssignFunction(AssignFunction assign) const {
  auto spec = std::make_shared<WatermarkStrategySpec>(*spec_);
  spec->assign_timestamps = std::move(assign);
  spec->description += ", own event times";
  return WatermarkStrategy(spec);
}

}  // namespace weir
