#pragma once

#include <functional>
#include <string>
#include <utility>

#include "common/operator/operator.h"

namespace weir::sim {

/// Passes everything on, and reports watermarks that go back, also over a restore, and results at
/// or below the watermark that was sent on before them (W6 of docs/protocols/windows.md). Sources
/// that had come to their end send the highest watermark below it once more after a restore.
class WatermarkProbe final : public Operator {
 public:
  struct Options {
    std::function<void(const std::string& what)> report;
    std::function<void()> on_step;  // behind each batch, watermark, snapshot and restore
    /// Results may be of windows that have fired before, or by the clock, which have no time.
    bool any_time = false;
  };
  explicit WatermarkProbe(Options options) : options_(std::move(options)) {}

  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override;
  absl::Status ProcessWatermark(EventTime watermark, Output& out) override;
  absl::StatusOr<std::string> SnapshotState() override;
  absl::Status RestoreState(const std::string& state) override;

 private:
  const Options options_;
  EventTime watermark_ = EventTime::Min();
  EventTime below_end_ = EventTime::Min();  // the highest but EventTime::Max()
  bool resends_ = false;                    // restored, and has not had a watermark since
};

}  // namespace weir::sim
