#include "tests/sim/keyed/keyed_watermarks.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "tests/sim/keyed/keyed_records.h"
#include "weir/watermark_generator.h"

namespace weir::sim {
namespace {

using std::chrono::microseconds;

/// Says for each record what that record alone gives: in disorder much of it is lower than what it
/// has said before.
class Punctuated final : public WatermarkGenerator<ModelRecord> {
 public:
  explicit Punctuated(microseconds disorder) : disorder_(disorder) {}
  void OnEvent(const ModelRecord::View&, Timestamp time, WatermarkOutput& output) override {
    output.EmitWatermark(time - disorder_ - microseconds(1));
  }

 private:
  const microseconds disorder_;
};

/// Says by time what its records give; a new one knows of none.
class Periodic final : public WatermarkGenerator<ModelRecord> {
 public:
  explicit Periodic(microseconds disorder) : disorder_(disorder) {}
  void OnEvent(const ModelRecord::View&, Timestamp time, WatermarkOutput&) override {
    highest_ = std::max(highest_, time);
  }
  void OnPeriodicEmit(WatermarkOutput& output) override {
    if (highest_ == Timestamp::min()) return;
    output.EmitWatermark(highest_ - disorder_ - microseconds(1));
  }

 private:
  const microseconds disorder_;
  Timestamp highest_ = Timestamp::min();
};

template <class Generator>
WatermarkStrategy Own(microseconds disorder) {
  return WatermarkStrategy::ForGenerator(
      [disorder] { return std::make_unique<Generator>(disorder); });
}

WatermarkStrategy OfKind(const KeyedConfig& config) {
  const microseconds disorder(config.disorder_us);
  switch (config.watermarks) {
    case KeyedConfig::Watermarks::kPunctuated:
      return Own<Punctuated>(disorder);
    case KeyedConfig::Watermarks::kPeriodic:
      return Own<Periodic>(disorder);
    case KeyedConfig::Watermarks::kBounded:
      break;
  }
  return WatermarkStrategy::ForBoundedOutOfOrderness(disorder);
}

}  // namespace

WatermarkStrategy KeyedWatermarks(const KeyedConfig& config) {
  const WatermarkStrategy strategy = OfKind(config);
  if (config.idle_after_ms == 0) return strategy;
  return strategy.WithIdleness(std::chrono::milliseconds(config.idle_after_ms));
}

}  // namespace weir::sim
