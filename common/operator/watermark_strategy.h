#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "common/time/event_time.h"
#include "common/types/batch.h"
#include "common/types/schema.h"

namespace weir {

/// Makes the watermarks of one split, or of one subtask in mid-stream, out of its batches. Whoever
/// asks it keeps the highest: what it says that is lower is ignored, and it begins anew after a
/// restore. Threads: the task's thread.
class BatchWatermarkGenerator {
 public:
  virtual ~BatchWatermarkGenerator() = default;
  /// Looks at a batch and returns the watermark now due, if any. Rows may have no event times.
  virtual std::optional<EventTime> OnBatch(const Batch& batch) = 0;
  /// Each WatermarkStrategySpec's interval, when the spec is periodic.
  virtual std::optional<EventTime> OnPeriodicEmit() { return std::nullopt; }
  /// It has said that the split holds no watermark back for now.
  virtual bool idle() const { return false; }
};

/// How a source gets event times and watermarks. Immutable, shared by all subtasks.
struct WatermarkStrategySpec {
  std::string description;  // for the plan: "monotonic", "bounded 5s", "none"
  /// Null: no watermarks.
  std::function<std::unique_ptr<BatchWatermarkGenerator>()> make_generator;
  bool periodic = false;  // its generators want OnPeriodicEmit
  /// Replaces the source's own event times when set: one value (µs since the epoch) per row.
  std::function<std::vector<int64_t>(const Batch&)> assign_timestamps;
  /// A split without records for this long no longer holds the watermark back; zero: never.
  absl::Duration idle_after = absl::ZeroDuration();
  /// The rows that generator and assigner read; null: any.
  SchemaPtr generator_rows;
  SchemaPtr assigner_rows;
  /// As StreamNode::mistake.
  std::string mistake;

  bool has_watermarks() const { return make_generator != nullptr; }
  bool needs_clock() const {
    return has_watermarks() && (periodic || idle_after > absl::ZeroDuration());
  }
};
using WatermarkStrategyPtr = std::shared_ptr<const WatermarkStrategySpec>;

/// Flink's pipeline.auto-watermark-interval, and its default.
constexpr absl::Duration kDefaultAutoWatermarkInterval = absl::Milliseconds(200);

/// INVALID_ARGUMENT when the author's factory gave nothing. Calls code of the author.
inline absl::StatusOr<std::unique_ptr<BatchWatermarkGenerator>> MakeGenerator(
    const WatermarkStrategySpec& strategy) {
  auto generator = strategy.make_generator();
  if (generator != nullptr) return generator;
  return absl::InvalidArgumentError("the factory of the watermark generator gave none");
}

/// Replaces `batch` by one with the event times of the strategy's assigner, if it has one. Calls
/// code of the author.
inline absl::Status AssignEventTimes(const WatermarkStrategySpec& strategy, BatchPtr& batch) {
  if (!strategy.assign_timestamps) return absl::OkStatus();
  std::vector<int64_t> times = strategy.assign_timestamps(*batch);
  if (times.size() != batch->num_rows()) {
    return absl::InternalError(absl::StrCat("the timestamp assigner gave ", times.size(),
                                            " event times for ", batch->num_rows(), " rows"));
  }
  BatchExtras extras = batch->extras();
  extras.event_times = Buffer::FromVector(std::move(times));
  batch = std::make_shared<const Batch>(batch->WithExtras(std::move(extras)));
  return absl::OkStatus();
}

}  // namespace weir
