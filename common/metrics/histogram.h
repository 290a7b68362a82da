#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"

namespace weir {

/// The buckets of a histogram: log-linear, that is, each doubling from `lowest` to `highest` is cut
/// into `steps` equal parts. Values are whole numbers of the recorded unit; `scale` turns one into
/// the unit that Prometheus shows.
struct HistogramOptions {
  int64_t lowest = 1;
  int64_t highest = 1 << 20;
  int64_t steps = 2;  // at most 50 % error with 2, 25 % with 4
  double scale = 1.0;

  /// Recorded in nanoseconds, shown in seconds; from 1 µs, to at least 100 s.
  static HistogramOptions Seconds();
  /// From 64 bytes, to at least 4 GiB.
  static HistogramOptions Bytes();
};

/// How often values fell into which bucket. Record is wait-free, any thread; a Snapshot taken
/// meanwhile may miss the newest values.
class Histogram {
 public:
  explicit Histogram(const HistogramOptions& options);

  /// Negative values count as 0.
  void Record(int64_t value);
  /// For HistogramOptions::Seconds().
  void Record(absl::Duration duration) { Record(absl::ToInt64Nanoseconds(duration)); }

  struct Snapshot {
    std::vector<double> bounds;    // scaled; bucket i holds values in (bounds[i-1], bounds[i]]
    std::vector<uint64_t> counts;  // one more than bounds: the last one is for larger values
    uint64_t count = 0;
    double sum = 0;  // scaled

    /// The value that a share `quantile` (0 to 1) of the values does not exceed, interpolated
    /// within its bucket; 0 when there are none, the last bound when it is beyond.
    double Quantile(double quantile) const;
  };
  Snapshot TakeSnapshot() const;

 private:
  const double scale_;
  std::vector<int64_t> bounds_;  // rising
  std::unique_ptr<std::atomic<uint64_t>[]> counts_;
  std::atomic<uint64_t> sum_{0};
};

}  // namespace weir
