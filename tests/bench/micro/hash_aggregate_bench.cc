// What a running sum by key costs per row (hash aggregate): all keys are there before, and come at
// random. The limit: a hash table of int64, and results into an array.
//
// Counter: all_threads_ns per row, with what RocksDB writes in the background.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "tests/bench/micro/operator_run.h"

namespace weir {
namespace {

/// Arguments: keys, backend.
void HashAggregate(benchmark::State& state) {
  Environment env("bench");
  BenchRows(env).KeyBy(&SequenceRow::id).Reduce([](const SequenceRow& sum, const SequenceRow& row) {
    return SequenceRow{sum.id, sum.split + row.split};
  });
  OperatorRun run(env.Graph(), static_cast<BenchBackend>(state.range(1)));
  for (int64_t key = 0; key < state.range(0); key += kRowsPerBatch) {
    run.Process(OperatorInput::AllFrom(key));
  }
  const OperatorInput input(state.range(0));
  size_t next = 0;
  for (; next < OperatorInput::kBatches / 4; ++next) run.Process(input.Plain(next));
  const double cpu_before = ProcessCpuSeconds();
  for (auto _ : state) run.Process(input.Plain(next++));
  const int64_t rows = state.iterations() * kRowsPerBatch;
  state.counters["all_threads_ns"] =
      (ProcessCpuSeconds() - cpu_before) / static_cast<double>(rows) * 1e9;
  state.SetItemsProcessed(rows);
}
BENCHMARK(HashAggregate)
    ->ArgsProduct({{1000, 1'000'000, 10'000'000}, {kHashMap, kRocksDb}})
    ->Iterations(OperatorInput::kBatches)
    ->Unit(benchmark::kMicrosecond);

void HashAggregateByHand(benchmark::State& state) {
  absl::flat_hash_map<int64_t, int32_t> sums;
  for (int64_t key = 0; key < state.range(0); ++key) sums[key] = 1;
  const OperatorInput input(state.range(0));
  std::vector<int32_t> results(kRowsPerBatch);
  const auto process = [&](const Batch& batch) {
    const int64_t* ids = batch.column(0).int64s();
    const int32_t* values = batch.column(1).int32s();
    for (size_t row = 0; row < batch.num_rows(); ++row) {
      results[row] = sums[ids[row]] += values[row];
    }
    benchmark::DoNotOptimize(results.data());
  };
  size_t next = 0;
  for (; next < OperatorInput::kBatches / 4; ++next) process(*input.Plain(next));
  for (auto _ : state) process(*input.Plain(next++));
  state.SetItemsProcessed(state.iterations() * kRowsPerBatch);
}
BENCHMARK(HashAggregateByHand)
    ->Arg(1000)
    ->Arg(1'000'000)
    ->Arg(10'000'000)
    ->Iterations(OperatorInput::kBatches)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace weir
