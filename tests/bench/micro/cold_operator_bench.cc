// What a row costs in a keyed operator that reads and changes one value for each key, and in a
// tumbling window, by how many of its keys are not in memory. Arguments: of 100 rows, how many are
// of keys that are hardly ever in memory, the others are of a thousand keys that always are; and
// whether the backend is asked for the keys of each batch at once.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/base/seeded_random.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/time/system_clock.h"
#include "state/keyed/heap_keyed_state_backend.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/temporary_directory.h"
#include "weir/key_functions.h"
#include "weir/keyed_operators.h"
#include "weir/windowed_operators.h"

namespace weir {
namespace {

constexpr uint32_t kMaxParallelism = 1024;
constexpr int64_t kRows = 1000;
constexpr int64_t kHotKeys = 1000;
constexpr int64_t kColdKeys = 400'000;

struct Sale {
  int64_t shop = 0;
  int64_t amount = 0;
  WEIR_RECORD(Sale, shop, amount)
};

class NoOutput final : public Output {
 public:
  absl::Status Emit(BatchPtr) override { return absl::OkStatus(); }
  absl::Status EmitWatermark(EventTime) override { return absl::OkStatus(); }
};

class Total final : public KeyedProcessFunction<int64_t, Sale, Sale> {
 public:
  void Open(RuntimeContext& context) override {
    total_ = context.GetState(ValueStateDescriptor<int64_t>("total"));
  }
  void ProcessElement(const Sale::View& sale, Context&, Collector<Sale>&) override {
    total_.Update(total_.Value().value_or(0) + sale.amount);
  }

 private:
  ValueState<int64_t> total_;
};

struct SumOfAmounts final : AggregateFunction<Sale, int64_t, Sale> {
  void Add(const Sale& sale, int64_t& sum) const override { sum += sale.amount; }
  Sale GetResult(const int64_t& sum) const override { return {0, sum}; }
  void Merge(const int64_t& other, int64_t& sum) const override { sum += other; }
};

/// An operator on a backend with ten times the keys that memory is for.
class Fixture {
 public:
  enum class Backend { kHeap, kTier, kTierByKey };
  Fixture(Backend kind, std::unique_ptr<Operator> op) : operator_(std::move(op)) {
    const KeyedStateBackend::Options options = {
        "bench", StateCodec<int64_t>::Schema(), kMaxParallelism, {0, kMaxParallelism}};
    if (kind == Backend::kHeap) {
      backend_ = std::make_unique<HeapKeyedStateBackend>(options, clock_);
    } else {
      TieredStateOptions tiered;
      tiered.directory = directory_.File("state");
      tiered.instance = "bench";
      tiered.memory_bytes = 5u << 20;
      tiered.prefetch = kind == Backend::kTier;
      auto backend = TieredKeyedStateBackend::Open(options, tiered, clock_, pool_);
      WEIR_CHECK(backend.ok()) << backend.status();
      backend_ = *std::move(backend);
    }
    OperatorContext context;
    context.keyed_state = backend_.get();
    context.max_parallelism = kMaxParallelism;
    context.clock = &clock_;
    WEIR_CHECK(operator_->Open(context).ok());
    for (int64_t first = 0; first < kHotKeys + kColdKeys; first += kRows) {
      RecordBuilder<Sale> rows;
      for (int64_t i = 0; i < kRows; ++i) rows.Append({first + i, 1});
      Process(Finish(rows));
    }
    for (int i = 0; i < 30; ++i) Process(Batch(0));
  }

  BatchPtr Batch(uint64_t cold) {
    RecordBuilder<Sale> rows;
    for (int64_t i = 0; i < kRows; ++i) {
      const bool is_cold = random_.Below(100) < cold;
      const auto of = static_cast<uint64_t>(is_cold ? kColdKeys : kHotKeys);
      const auto key = static_cast<int64_t>(random_.Below(of));
      rows.Append({is_cold ? kHotKeys + key : key, 1});
    }
    return Finish(rows);
  }
  void Process(const BatchPtr& batch) { WEIR_CHECK(operator_->ProcessBatch(batch, output_).ok()); }
  void Run(benchmark::State& state) {
    for (auto _ : state) {
      state.PauseTiming();
      const BatchPtr batch = Batch(static_cast<uint64_t>(state.range(0)));
      state.ResumeTiming();
      Process(batch);
    }
    state.SetItemsProcessed(state.iterations() * kRows);
  }

 private:
  static BatchPtr Finish(RecordBuilder<Sale>& rows) {
    BatchExtras extras;
    extras.event_times = Buffer::FromVector(std::vector<int64_t>(static_cast<size_t>(kRows), 1));
    return std::make_shared<const weir::Batch>(rows.Finish(std::move(extras)));
  }

  SeededRandom random_{1};
  TemporaryDirectory directory_;
  SystemClock clock_;
  ThreadBlockingPool pool_{{"state", 2}};
  NoOutput output_;
  std::unique_ptr<KeyedStateBackend> backend_;
  std::unique_ptr<Operator> operator_;
};

using KeyOfSale = internal::FieldKey<Sale, int64_t>;

std::unique_ptr<Operator> NewTotal() {
  return std::make_unique<KeyedProcessOperator<KeyOfSale, Sale, Sale, Total>>(
      KeyOfSale(&Sale::shop), Total());
}

std::unique_ptr<Operator> NewWindow() {
  using Contents = internal::AggregatedContents<Sale, SumOfAmounts>;
  using Emitter = internal::ResultEmitter<Contents, Sale>;
  internal::WindowSpec spec;
  spec.size_micros = spec.slide_micros = absl::ToInt64Microseconds(absl::Hours(1));
  return std::make_unique<TypedSliceWindowOperator<KeyOfSale, Sale, Sale, Contents, Emitter>>(
      spec, KeyOfSale(&Sale::shop), Contents(SumOfAmounts()), Emitter());
}

Fixture::Backend TierOf(const benchmark::State& state) {
  return state.range(1) != 0 ? Fixture::Backend::kTier : Fixture::Backend::kTierByKey;
}

void ValueInHeap(benchmark::State& state) {
  Fixture(Fixture::Backend::kHeap, NewTotal()).Run(state);
}
void ValueInTier(benchmark::State& state) { Fixture(TierOf(state), NewTotal()).Run(state); }
void WindowInHeap(benchmark::State& state) {
  Fixture(Fixture::Backend::kHeap, NewWindow()).Run(state);
}
void WindowInTier(benchmark::State& state) { Fixture(TierOf(state), NewWindow()).Run(state); }
BENCHMARK(ValueInHeap)->Arg(0)->Arg(99)->Unit(benchmark::kMicrosecond);
BENCHMARK(ValueInTier)->ArgsProduct({{0, 50, 99}, {0, 1}})->Unit(benchmark::kMicrosecond);
BENCHMARK(WindowInHeap)->Arg(0)->Arg(99)->Unit(benchmark::kMicrosecond);
BENCHMARK(WindowInTier)->ArgsProduct({{0, 50, 99}, {0, 1}})->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace weir
