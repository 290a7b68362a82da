#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"

#include "common/time/event_time.h"
#include "common/types/batch.h"

namespace weir {

/// Makes the watermarks of one split out of its batches; state is the highest watermark sent.
/// Threads: the task's thread.
class WatermarkGenerator {
 public:
  virtual ~WatermarkGenerator() = default;
  /// Looks at a batch (its event-time column is set) and returns the watermark now due, if any.
  virtual std::optional<EventTime> OnBatch(const Batch& batch) = 0;
};

/// How a source gets event times and watermarks. Immutable, shared by all subtasks.
struct WatermarkStrategySpec {
  std::string description;  // for the plan: "monotonic", "bounded 5s", "none"
  std::function<std::unique_ptr<WatermarkGenerator>()> make_generator;  // null: no watermarks
  /// Replaces the source's own event times when set: one value (µs since the epoch) per row.
  std::function<std::vector<int64_t>(const Batch&)> assign_timestamps;
  /// A split without records for this long no longer holds the watermark back; zero: never.
  absl::Duration idle_after = absl::ZeroDuration();
};
using WatermarkStrategyPtr = std::shared_ptr<const WatermarkStrategySpec>;

}  // namespace weir
