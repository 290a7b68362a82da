#include "common/metrics/histogram.h"

#include <algorithm>

#include "common/base/check.h"

namespace weir {
namespace {

std::vector<int64_t> LogLinearBounds(const HistogramOptions& options) {
  WEIR_CHECK(options.lowest > 0 && options.lowest < options.highest && options.steps > 0 &&
             options.highest < (int64_t{1} << 60))
      << "histogram from " << options.lowest << " to " << options.highest << " in " << options.steps
      << " steps";
  std::vector<int64_t> bounds;
  for (int64_t octave = options.lowest; octave <= options.highest; octave *= 2) {
    for (int64_t step = 0; step < options.steps; ++step) {
      const int64_t bound = octave + octave * step / options.steps;
      if (bounds.empty() || bound > bounds.back()) bounds.push_back(bound);
      if (bound >= options.highest) return bounds;
    }
  }
  bounds.push_back(options.highest);
  return bounds;
}

}  // namespace

HistogramOptions HistogramOptions::Seconds() {
  return {.lowest = 1'000, .highest = 100'000'000'000, .steps = 2, .scale = 1e-9};
}

HistogramOptions HistogramOptions::Bytes() {
  return {.lowest = 64, .highest = int64_t{4} << 30, .steps = 1, .scale = 1.0};
}

Histogram::Histogram(const HistogramOptions& options)
    : scale_(options.scale),
      bounds_(LogLinearBounds(options)),
      counts_(std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1)) {}

void Histogram::Record(int64_t value) {
  value = std::max<int64_t>(value, 0);
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(static_cast<uint64_t>(value), std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::TakeSnapshot() const {
  Snapshot snapshot;
  for (const int64_t bound : bounds_) {
    snapshot.bounds.push_back(static_cast<double>(bound) * scale_);
  }
  for (size_t i = 0; i <= bounds_.size(); ++i) {
    snapshot.counts.push_back(counts_[i].load(std::memory_order_relaxed));
    snapshot.count += snapshot.counts.back();
  }
  snapshot.sum = static_cast<double>(sum_.load(std::memory_order_relaxed)) * scale_;
  return snapshot;
}

double Histogram::Snapshot::Quantile(double quantile) const {
  if (count == 0) return 0;
  const double rank = std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count);
  double below = 0;
  for (size_t i = 0; i < bounds.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here > 0 && below + here >= rank) {
      const double lower = i == 0 ? 0 : bounds[i - 1];
      return lower + (bounds[i] - lower) * (rank - below) / here;
    }
    below += here;
  }
  return bounds.back();
}

}  // namespace weir
