// What a timer costs per row: each row registers one, which fires a minute of event time later;
// 100,000 are waiting. The limit: a binary heap of (time, key).
//
// Counters: results_per_row, 1 when every timer fires; all_threads_ns.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "tests/bench/micro/operator_run.h"

namespace weir {
namespace {

constexpr int64_t kKeys = 1'000'000;
constexpr int64_t kMinute = 60'000'000;
constexpr int kIterations = 1000;

/// Two minutes of event time are not measured: then as many timers fire as are registered.
constexpr int64_t kWarmUp = 2 * kMinute;

class Wait final : public KeyedProcessFunction<int64_t, SequenceRow, int64_t> {
 public:
  void ProcessElement(const SequenceRow::View&, Context& context, Collector<int64_t>&) override {
    context.Timers().RegisterEventTimeTimer(*context.Timestamp() + std::chrono::minutes(1));
  }
  void OnTimer(Timestamp, Context& context, Collector<int64_t>& out) override {
    out.Collect(context.CurrentKey());
  }
};

/// Argument: backend.
void Timers(benchmark::State& state) {
  Environment env("bench");
  BenchRows(env).KeyBy(&SequenceRow::id).Process(Wait());
  OperatorRun run(env.Graph(), static_cast<BenchBackend>(state.range(0)));
  const OperatorInput input(kKeys);
  const auto step = [&](size_t i, const BatchPtr& batch) {
    run.Process(batch);
    run.Watermark(OperatorInput::TimeOf(i + 1) - 1);
  };
  RunInEventTime(state, input, kWarmUp, step, [&] { return run.results(); });
}
BENCHMARK(Timers)
    ->Arg(kHashMap)
    ->Arg(kRocksDb)
    ->Iterations(kIterations)
    ->Unit(benchmark::kMicrosecond);

void TimersInHeap(benchmark::State& state) {
  using Timer = std::pair<int64_t, int64_t>;
  const OperatorInput input(kKeys);
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers;
  std::vector<int64_t> fired;
  size_t results = 0;
  const auto step = [&](size_t i, const BatchPtr& batch) {
    const int64_t* ids = batch->column(0).int64s();
    for (size_t row = 0; row < batch->num_rows(); ++row) {
      timers.emplace(batch->event_times()[row] + kMinute, ids[row]);
    }
    fired.clear();
    for (; !timers.empty() && timers.top().first < OperatorInput::TimeOf(i + 1); timers.pop()) {
      fired.push_back(timers.top().second);
    }
    results += fired.size();
    benchmark::DoNotOptimize(fired.data());
  };
  RunInEventTime(state, input, kWarmUp, step, [&] { return results; });
}
BENCHMARK(TimersInHeap)->Iterations(kIterations)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace weir
