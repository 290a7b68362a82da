// What whole keyed operators cost per row, as the task's thread calls them: a running sum by key
// (hash aggregate), windows of growing overlap, timers. Beside each its limit: the same with a
// plain hash table, or a heap. Rows are (id int64, split int32), keys are random.
//
// Counters: results per row, which grow with overlap whoever computes them.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/base/seeded_random.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/operator/stream_graph.h"
#include "common/time/system_clock.h"
#include "common/types/byte_reader.h"
#include "state/keyed/heap_keyed_state_backend.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/temporary_directory.h"
#include "weir/datagen.h"
#include "weir/weir.h"

namespace weir {
namespace {

constexpr uint32_t kMaxParallelism = 1024;
constexpr int64_t kRowsPerBatch = 1000;
constexpr size_t kBatches = 2000;
constexpr int64_t kBatchMicros = 600'000;  // of event time

enum Backend { kHashMap, kRocksDb };

class CountingOutput final : public Output {
 public:
  absl::Status Emit(BatchPtr batch) override {
    rows += batch->num_rows();
    return absl::OkStatus();
  }
  absl::Status EmitWatermark(EventTime) override { return absl::OkStatus(); }
  size_t rows = 0;
};

/// The last operator of a graph, with a keyed state backend of all groups.
class OperatorRun {
 public:
  OperatorRun(const StreamGraph& graph, Backend backend) {
    const StreamNode& node = graph.nodes.back();
    KeyedStateBackend::Options options;
    options.operator_name = node.name;
    options.max_parallelism = kMaxParallelism;
    options.range = {0, kMaxParallelism};
    const std::string schema = node.inputs[0].key->KeySchema();
    ByteReader bytes(schema);
    WEIR_CHECK(StateSchema::ReadFrom(bytes, &options.key_schema)) << "a schema";
    if (backend == kHashMap) {
      backend_ = std::make_unique<HeapKeyedStateBackend>(std::move(options), clock_);
    } else {
      TieredStateOptions tiered;
      tiered.directory = directory_.File("state");
      tiered.instance = "bench";
      tiered.memory_bytes = size_t{3} << 30;  // all of it is hot
      auto opened =
          TieredKeyedStateBackend::Open(std::move(options), std::move(tiered), clock_, pool_);
      WEIR_CHECK(opened.ok()) << opened.status();
      backend_ = *std::move(opened);
    }
    operator_ = node.make_operator();
    OperatorContext context;
    context.operator_uid = node.uid;
    context.operator_name = node.name;
    context.keyed_state = backend_.get();
    context.max_parallelism = kMaxParallelism;
    context.clock = &clock_;
    Check(operator_->Open(context));
  }

  void Process(const BatchPtr& batch) { Check(operator_->ProcessBatch(batch, output_)); }
  void Watermark(int64_t micros) {
    Check(operator_->ProcessWatermark(EventTime::FromMicros(micros), output_));
    while (operator_->firing()) Check(operator_->ContinueFiring(output_));
  }
  size_t results() const { return output_.rows; }

 private:
  static void Check(const absl::Status& status) { WEIR_CHECK(status.ok()) << status; }

  SystemClock clock_;
  TemporaryDirectory directory_;
  ThreadBlockingPool pool_{{"state", 2}};
  std::unique_ptr<KeyedStateBackend> backend_;
  std::unique_ptr<Operator> operator_;
  CountingOutput output_;
};

/// Batches with random keys; those of round r and place i lie at event times of (r * kBatches + i).
class Input {
 public:
  explicit Input(int64_t keys) {
    SeededRandom random(1);
    RecordBuilder<SequenceRow> builder;
    for (size_t i = 0; i < kBatches; ++i) {
      for (int64_t row = 0; row < kRowsPerBatch; ++row) {
        const auto key = static_cast<int64_t>(random.Below(static_cast<uint64_t>(keys)));
        builder.Append(SequenceRow{key, 1});
      }
      batches_.push_back(builder.Finish());
    }
  }
  const Batch& plain(size_t i) const { return batches_[i % kBatches]; }
  static int64_t TimeOf(size_t i) { return static_cast<int64_t>(i) * kBatchMicros; }
  BatchPtr Timed(size_t i) const {
    std::vector<int64_t> times(kRowsPerBatch);
    for (int64_t row = 0; row < kRowsPerBatch; ++row) {
      times[static_cast<size_t>(row)] = TimeOf(i) + row * (kBatchMicros / kRowsPerBatch);
    }
    BatchExtras extras;
    extras.event_times = Buffer::FromVector(std::move(times));
    return std::make_shared<const Batch>(plain(i).WithExtras(std::move(extras)));
  }

 private:
  std::vector<Batch> batches_;
};

DataStream<SequenceRow> Rows(Environment& env) {
  return env.FromSource(SequenceSource({}), WatermarkStrategy::Monotonic(), "rows");
}

/// Arguments: keys, backend.
void HashAggregate(benchmark::State& state) {
  Environment env("bench");
  Rows(env).KeyBy(&SequenceRow::id).Reduce([](const SequenceRow& sum, const SequenceRow& row) {
    return SequenceRow{sum.id, sum.split + row.split};
  });
  OperatorRun run(env.Graph(), static_cast<Backend>(state.range(1)));
  const Input input(state.range(0));
  size_t next = 0;
  for (; next < kBatches; ++next) run.Process(std::make_shared<const Batch>(input.plain(next)));
  for (auto _ : state) run.Process(std::make_shared<const Batch>(input.plain(next++)));
  state.SetItemsProcessed(state.iterations() * kRowsPerBatch);
}
BENCHMARK(HashAggregate)
    ->ArgsProduct({{1000, 1'000'000, 10'000'000}, {kHashMap, kRocksDb}})
    ->Unit(benchmark::kMicrosecond);

/// The limit: a hash table of int64, and results into an array.
void HashAggregateByHand(benchmark::State& state) {
  const Input input(state.range(0));
  absl::flat_hash_map<int64_t, int32_t> sums;
  sums.reserve(static_cast<size_t>(state.range(0)));
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
  for (; next < kBatches; ++next) process(input.plain(next));
  for (auto _ : state) process(input.plain(next++));
  state.SetItemsProcessed(state.iterations() * kRowsPerBatch);
}
BENCHMARK(HashAggregateByHand)
    ->Arg(1000)
    ->Arg(1'000'000)
    ->Arg(10'000'000)
    ->Unit(benchmark::kMicrosecond);

class Sum final : public AggregateFunction<SequenceRow::View, int64_t, int64_t> {
 public:
  void Add(const SequenceRow::View& row, int64_t& sum) const override { sum += row.split; }
  int64_t GetResult(const int64_t& sum) const override { return sum; }
  void Merge(const int64_t& other, int64_t& sum) const override { sum += other; }
};

/// Windows of an hour, each row in so many of them; 1000 keys, 6 million rows an hour of event
/// time. Arguments: overlap, backend.
void Windows(benchmark::State& state) {
  Environment env("bench");
  Rows(env)
      .KeyBy(&SequenceRow::id)
      .Window(
          Sliding(std::chrono::hours(1), std::chrono::microseconds(3'600'000'000 / state.range(0))))
      .Aggregate(Sum());
  OperatorRun run(env.Graph(), static_cast<Backend>(state.range(1)));
  const Input input(1000);
  size_t next = 0;
  const auto step = [&] {
    run.Process(input.Timed(next));
    run.Watermark(Input::TimeOf(++next) - 1);
  };
  while (Input::TimeOf(next) < 3'600'000'000) step();  // every slice of a window is there
  const size_t before = run.results();
  for (auto _ : state) step();
  const int64_t rows = state.iterations() * kRowsPerBatch;
  state.counters["results_per_row"] =
      static_cast<double>(run.results() - before) / static_cast<double>(rows);
  state.SetItemsProcessed(rows);
}
BENCHMARK(Windows)
    ->ArgsProduct({{1, 5, 60}, {kHashMap, kRocksDb}})
    ->Iterations(6000)  // an hour of event time: each window of it fires
    ->Unit(benchmark::kMicrosecond);

class Wait final : public KeyedProcessFunction<int64_t, SequenceRow, int64_t> {
 public:
  void ProcessElement(const SequenceRow::View&, Context& context, Collector<int64_t>&) override {
    context.Timers().RegisterEventTimeTimer(*context.Timestamp() + std::chrono::minutes(1));
  }
  void OnTimer(Timestamp, Context& context, Collector<int64_t>& out) override {
    out.Collect(context.CurrentKey());
  }
};

/// Each row registers a timer, which fires a minute of event time later: 100,000 are waiting.
/// Argument: backend.
void Timers(benchmark::State& state) {
  Environment env("bench");
  Rows(env).KeyBy(&SequenceRow::id).Process(Wait());
  OperatorRun run(env.Graph(), static_cast<Backend>(state.range(0)));
  const Input input(1'000'000);
  size_t next = 0;
  const auto step = [&] {
    run.Process(input.Timed(next));
    run.Watermark(Input::TimeOf(++next) - 1);
  };
  while (Input::TimeOf(next) < 120'000'000) step();
  const size_t before = run.results();
  for (auto _ : state) step();
  const int64_t rows = state.iterations() * kRowsPerBatch;
  state.counters["results_per_row"] =
      static_cast<double>(run.results() - before) / static_cast<double>(rows);
  state.SetItemsProcessed(rows);
}
BENCHMARK(Timers)->Arg(kHashMap)->Arg(kRocksDb)->Unit(benchmark::kMicrosecond);

/// The limit: a binary heap of (time, key).
void TimersByHand(benchmark::State& state) {
  using Timer = std::pair<int64_t, int64_t>;
  const Input input(1'000'000);
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers;
  std::vector<int64_t> fired;
  size_t next = 0;
  const auto step = [&] {
    const BatchPtr batch = input.Timed(next++);
    const int64_t* ids = batch->column(0).int64s();
    for (size_t row = 0; row < batch->num_rows(); ++row) {
      timers.emplace(batch->event_times()[row] + 60'000'000, ids[row]);
    }
    fired.clear();
    for (; !timers.empty() && timers.top().first < Input::TimeOf(next); timers.pop()) {
      fired.push_back(timers.top().second);
    }
    benchmark::DoNotOptimize(fired.data());
  };
  while (Input::TimeOf(next) < 120'000'000) step();
  for (auto _ : state) step();
  state.SetItemsProcessed(state.iterations() * kRowsPerBatch);
}
BENCHMARK(TimersByHand)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace weir
