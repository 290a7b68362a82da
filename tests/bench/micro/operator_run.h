#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/seeded_random.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/operator/stream_graph.h"
#include "common/time/system_clock.h"
#include "common/types/byte_reader.h"
#include "state/keyed/heap_keyed_state_backend.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/process_cpu.h"
#include "tests/support/temporary_directory.h"
#include "weir/datagen.h"
#include "weir/weir.h"

/// What the benchmarks of whole keyed operators share: an operator as the task's thread calls it,
/// and its rows, (id int64, split int32) with random ids.
namespace weir {

inline constexpr int64_t kRowsPerBatch = 1000;

enum BenchBackend { kHashMap, kRocksDb };

/// The last operator of a graph, with a keyed state backend of all groups.
class OperatorRun {
 public:
  OperatorRun(const StreamGraph& graph, BenchBackend backend) {
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
  static constexpr uint32_t kMaxParallelism = 1024;

  class CountingOutput final : public Output {
   public:
    absl::Status Emit(BatchPtr batch) override {
      rows += batch->num_rows();
      return absl::OkStatus();
    }
    absl::Status EmitWatermark(EventTime) override { return absl::OkStatus(); }
    size_t rows = 0;
  };

  static void Check(const absl::Status& status) { WEIR_CHECK(status.ok()) << status; }

  SystemClock clock_;
  TemporaryDirectory directory_;
  ThreadBlockingPool pool_{{"state", 2}};
  std::unique_ptr<KeyedStateBackend> backend_;
  std::unique_ptr<Operator> operator_;
  CountingOutput output_;
};

/// Batches of random ids. With event times, batch i has those from TimeOf(i) to TimeOf(i + 1).
class OperatorInput {
 public:
  static constexpr size_t kBatches = 2000;
  static constexpr int64_t kBatchMicros = 600'000;  // of event time

  explicit OperatorInput(int64_t keys) {
    SeededRandom random(1);
    RecordBuilder<SequenceRow> builder;
    for (size_t i = 0; i < kBatches; ++i) {
      for (int64_t row = 0; row < kRowsPerBatch; ++row) {
        const auto key = static_cast<int64_t>(random.Below(static_cast<uint64_t>(keys)));
        builder.Append(SequenceRow{key, 1});
      }
      batches_.push_back(std::make_shared<const Batch>(builder.Finish()));
    }
  }
  /// Every one of the keys, a batch of them.
  static BatchPtr AllFrom(int64_t first) {
    RecordBuilder<SequenceRow> builder;
    for (int64_t row = 0; row < kRowsPerBatch; ++row) builder.Append(SequenceRow{first + row, 1});
    return std::make_shared<const Batch>(builder.Finish());
  }
  const BatchPtr& Plain(size_t i) const { return batches_[i % kBatches]; }
  static int64_t TimeOf(size_t i) { return static_cast<int64_t>(i) * kBatchMicros; }
  BatchPtr Timed(size_t i) const {
    std::vector<int64_t> times(kRowsPerBatch);
    for (int64_t row = 0; row < kRowsPerBatch; ++row) {
      times[static_cast<size_t>(row)] = TimeOf(i) + row * (kBatchMicros / kRowsPerBatch);
    }
    BatchExtras extras;
    extras.event_times = Buffer::FromVector(std::move(times));
    return std::make_shared<const Batch>(Plain(i)->WithExtras(std::move(extras)));
  }

 private:
  std::vector<BatchPtr> batches_;
};

/// Calls `step(i, batch)` with one batch after the other, which has event times: first those of
/// `warm_up_micros`, which are not measured. `results()`: how many there have been. Batches are
/// made while nothing is measured.
///
/// Counters: results_per_row; all_threads_ns a row, with what RocksDB does in the background.
template <class Step, class Results>
void RunInEventTime(benchmark::State& state, const OperatorInput& input, int64_t warm_up_micros,
                    const Step& step, const Results& results) {
  constexpr size_t kBatchesAtATime = 50;
  size_t next = 0;
  for (; OperatorInput::TimeOf(next) < warm_up_micros; ++next) step(next, input.Timed(next));
  const size_t before = results();
  std::vector<BatchPtr> batches;  // the last one is next
  double cpu = -ProcessCpuSeconds();
  for (auto _ : state) {
    if (batches.empty()) {
      state.PauseTiming();
      cpu += ProcessCpuSeconds();
      for (size_t i = kBatchesAtATime; i > 0; --i) batches.push_back(input.Timed(next + i - 1));
      cpu -= ProcessCpuSeconds();
      state.ResumeTiming();
    }
    step(next++, batches.back());
    batches.pop_back();
  }
  cpu += ProcessCpuSeconds();
  const int64_t rows = state.iterations() * kRowsPerBatch;
  state.counters["results_per_row"] =
      static_cast<double>(results() - before) / static_cast<double>(rows);
  state.counters["all_threads_ns"] = cpu / static_cast<double>(rows) * 1e9;
  state.SetItemsProcessed(rows);
}

inline DataStream<SequenceRow> BenchRows(Environment& env) {
  return env.FromSource(SequenceSource({}), WatermarkStrategy::Monotonic(), "rows");
}

}  // namespace weir
