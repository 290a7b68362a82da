// What windows cost per row by how many of them a row is in: an hour long, 1000 keys, 6 million
// rows an hour of event time; an hour is not measured, so that every slice of a window is there.
// The limit: one update of a hash table per row, of the sum of its slice, and the slices of each
// window added up when it ends.
//
// Counters: results_per_row, which grows with overlap whoever computes them; all_threads_ns.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "tests/bench/micro/operator_run.h"

namespace weir {
namespace {

constexpr int64_t kKeys = 1000;
constexpr int64_t kHour = 3'600'000'000;

class Sum final : public AggregateFunction<SequenceRow::View, int64_t, int64_t> {
 public:
  void Add(const SequenceRow::View& row, int64_t& sum) const override { sum += row.split; }
  int64_t GetResult(const int64_t& sum) const override { return sum; }
  void Merge(const int64_t& other, int64_t& sum) const override { sum += other; }
};

/// Arguments: overlap, backend.
void Windows(benchmark::State& state) {
  Environment env("bench");
  BenchRows(env)
      .KeyBy(&SequenceRow::id)
      .Window(Sliding(std::chrono::hours(1), std::chrono::microseconds(kHour / state.range(0))))
      .Aggregate(Sum());
  OperatorRun run(env.Graph(), static_cast<BenchBackend>(state.range(1)));
  const OperatorInput input(kKeys);
  const auto step = [&](size_t i, const BatchPtr& batch) {
    run.Process(batch);
    run.Watermark(OperatorInput::TimeOf(i + 1) - 1);
  };
  RunInEventTime(state, input, kHour, step, [&] { return run.results(); });
}
BENCHMARK(Windows)
    ->ArgsProduct({{1, 5, 60}, {kHashMap, kRocksDb}})
    ->Iterations(6000)  // an hour of event time: each window of it fires
    ->Unit(benchmark::kMicrosecond);

/// Rows are in order, so a window's slices are the last ones.
class WindowsByHand {
 public:
  explicit WindowsByHand(int64_t overlap) : slices_(static_cast<size_t>(overlap)) {}

  void Process(const Batch& batch) {
    const int64_t* ids = batch.column(0).int64s();
    const int32_t* values = batch.column(1).int32s();
    const int64_t* times = batch.event_times();
    for (size_t row = 0; row < batch.num_rows(); ++row) {
      std::vector<int64_t>& sums = sums_[ids[row]];
      if (sums.empty()) sums.resize(slices_);
      sums[static_cast<size_t>(times[row] / width()) % slices_] += values[row];
    }
  }
  void Watermark(int64_t micros) {
    for (; next_end_ - 1 <= micros; next_end_ += width()) Fire();
  }
  size_t results() const { return results_; }

 private:
  int64_t width() const { return kHour / static_cast<int64_t>(slices_); }
  void Fire() {
    fired_.clear();
    const size_t oldest = static_cast<size_t>(next_end_ / width()) % slices_;
    for (auto& [key, sums] : sums_) {
      int64_t sum = 0;
      for (const int64_t slice : sums) sum += slice;
      sums[oldest] = 0;
      fired_.push_back({key, sum});
    }
    results_ += fired_.size();
    benchmark::DoNotOptimize(fired_.data());
  }

  const size_t slices_;
  absl::flat_hash_map<int64_t, std::vector<int64_t>> sums_;
  std::vector<std::pair<int64_t, int64_t>> fired_;
  int64_t next_end_ = width();
  size_t results_ = 0;
};

/// Argument: overlap.
void WindowsWithTable(benchmark::State& state) {
  WindowsByHand windows(state.range(0));
  const OperatorInput input(kKeys);
  const auto step = [&](size_t i, const BatchPtr& batch) {
    windows.Process(*batch);
    windows.Watermark(OperatorInput::TimeOf(i + 1) - 1);
  };
  RunInEventTime(state, input, kHour, step, [&] { return windows.results(); });
}
BENCHMARK(WindowsWithTable)
    ->Arg(1)
    ->Arg(5)
    ->Arg(60)
    ->Iterations(6000)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace weir
