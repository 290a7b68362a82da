// What adding to a list costs in the backend behind RocksDB with 1 MB of memory, beside putting
// values. Argument: what is done, see OneMegabyte::Change.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/check.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/time/system_clock.h"
#include "common/types/key_codec.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

constexpr uint32_t kMaxParallelism = 1024;
constexpr int64_t kBatch = 1000;

/// Changes behind 1 MB: values put under keys of their own, or elements added to the list of one
/// key.
class OneMegabyte {
 public:
  enum class Change { kPut, kAdd, kReadAndAdd };

  explicit OneMegabyte(Change change) : change_(change) {
    Open("first");
    if (change == Change::kReadAndAdd) {
      // Where a list may have elements of another schema, Add reads it.
      auto narrow = backend_->GetListState(ListStateDescriptor<int32_t>("list"));
      SetKey(0);
      narrow.Add(0);
      const auto increment = (*backend_->Freeze())->WriteIncrement();
      WEIR_CHECK(increment.ok()) << increment.status();
      Open("second");
      WEIR_CHECK(backend_->RestoreIncrements({&*increment, 1}).ok());
    }
    value_ = backend_->GetState(ValueStateDescriptor<int64_t>("value"));
    list_ = backend_->GetListState(ListStateDescriptor<int64_t>("list"));
  }

  void Run(int64_t changes) {
    for (int64_t i = 0; i < changes; ++i) {
      if (i % kBatch == 0) backend_->BeginBatch();
      SetKey(change_ == Change::kPut ? i : 0);
      if (change_ == Change::kPut) {
        value_.Update(i);
      } else {
        list_.Add(i);
      }
    }
    WEIR_CHECK(backend_->status().ok()) << backend_->status();
  }

 private:
  void Open(const std::string& instance) {
    TieredStateOptions options;
    options.directory = directory_.File(instance);
    options.instance = instance;
    options.memory_bytes = 1u << 20;
    auto backend = TieredKeyedStateBackend::Open(
        {"bench", StateCodec<int64_t>::Schema(), kMaxParallelism, {0, kMaxParallelism}}, options,
        clock_, pool_);
    WEIR_CHECK(backend.ok()) << backend.status();
    backend_ = *std::move(backend);
  }
  void SetKey(int64_t key) {
    const std::string bytes = EncodeKey(key);
    backend_->SetCurrentKey(KeyRefOf(bytes, kMaxParallelism));
  }

  const Change change_;
  TemporaryDirectory directory_;
  SystemClock clock_;
  ThreadBlockingPool pool_{{"state", 2}};
  std::unique_ptr<TieredKeyedStateBackend> backend_;
  ValueState<int64_t> value_;
  ListState<int64_t> list_;
};

/// Argument: what is done, 100,000 times; where each Add reads the list, 10,000 times, since all of
/// them are quadratic.
void ChangesBehindOneMegabyte(benchmark::State& state) {
  const auto change = static_cast<OneMegabyte::Change>(state.range(0));
  const int64_t changes = change == OneMegabyte::Change::kReadAndAdd ? 10'000 : 100'000;
  for (auto _ : state) {
    state.PauseTiming();
    auto fixture = std::make_unique<OneMegabyte>(change);
    state.ResumeTiming();
    fixture->Run(changes);
    state.PauseTiming();
    fixture.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * changes);
}
BENCHMARK(ChangesBehindOneMegabyte)
    ->ArgName("change")
    ->Arg(0)
    ->Arg(1)
    ->Arg(2)
    ->Iterations(1)
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir
