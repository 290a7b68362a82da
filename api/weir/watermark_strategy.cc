#include "weir/watermark_strategy.h"

#include <algorithm>
#include <optional>

#include "common/operator/watermark_strategy.h"

namespace weir {
namespace {

/// The highest event time of the split, minus the bound, minus the smallest unit of time: records
/// of exactly that time may still come.
class BoundedOutOfOrdernessGenerator final : public BatchWatermarkGenerator {
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
  if (bound.count() < 0) {
    spec->mistake =
        "the bound of its watermark strategy must not be negative, and is " + DurationText(bound);
  }
  return WatermarkStrategy(spec);
}

WatermarkStrategy WatermarkStrategy::OfGenerators(
    SchemaPtr rows, std::function<std::unique_ptr<BatchWatermarkGenerator>()> make) {
  auto spec = std::make_shared<WatermarkStrategySpec>();
  spec->make_generator = std::move(make);
  spec->periodic = true;
  spec->generator_rows = std::move(rows);
  spec->description = "own generator";
  return WatermarkStrategy(spec);
}

WatermarkStrategy WatermarkStrategy::WithIdleness(std::chrono::microseconds idle_after) const {
  auto spec = std::make_shared<WatermarkStrategySpec>(*spec_);
  spec->idle_after = absl::FromChrono(idle_after);
  if (idle_after.count() <= 0 && spec->mistake.empty()) {
    spec->mistake =
        "the time after which its watermark strategy takes a split for idle must be "
        "above zero, and is " +
        DurationText(idle_after);
  }
  spec->description += ", idle after " + DurationText(idle_after);
  return WatermarkStrategy(spec);
}

WatermarkStrategy WatermarkStrategy::WithAssignFunction(SchemaPtr rows,
                                                        AssignFunction assign) const {
  auto spec = std::make_shared<WatermarkStrategySpec>(*spec_);
  spec->assign_timestamps = std::move(assign);
  spec->assigner_rows = std::move(rows);
  spec->description += ", own event times";
  return WatermarkStrategy(spec);
}

WatermarkStrategy WatermarkStrategy::WithAssignField(SchemaPtr rows, const std::string& field,
                                                     AssignFunction assign) const {
  auto spec = std::make_shared<WatermarkStrategySpec>(*spec_);
  spec->assign_timestamps = std::move(assign);
  spec->assigner_rows = std::move(rows);
  spec->description += ", event times of field " + field;
  if (field.empty() && spec->mistake.empty()) {
    spec->mistake =
        "the field that its event times are taken from is not in the WEIR_RECORD of "
        "its rows";
  }
  return WatermarkStrategy(spec);
}

}  // namespace weir
