// What keyed state costs in the backend behind RocksDB: an access by where it is found, and a
// checkpoint of many dirty keys. Counters: hit_ratio of look-ups in memory, freeze_us (the pause of
// the task), log_mb and log_ms (the increment), materialise_ms.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/base/seeded_random.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/time/system_clock.h"
#include "common/types/key_codec.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

constexpr uint32_t kMaxParallelism = 1024;
constexpr int64_t kBatch = 1000;
constexpr size_t kRoomy = size_t{2} << 30;

/// A backend of all groups with int64 keys and one int64 value for each.
class Fixture {
 public:
  Fixture(int64_t keys, size_t memory_bytes, absl::Duration interval) : keys_(keys), random_(1) {
    TieredStateOptions options;
    options.directory = directory_.File("state");
    options.instance = "bench";
    options.memory_bytes = memory_bytes;
    options.materialise_bytes = memory_bytes;
    options.materialise_interval = interval;
    auto backend = TieredKeyedStateBackend::Open(
        {"bench", StateCodec<int64_t>::Schema(), kMaxParallelism, {0, kMaxParallelism}}, options,
        clock_, pool_);
    WEIR_CHECK(backend.ok()) << backend.status();
    backend_ = *std::move(backend);
    value_ = backend_->GetState(ValueStateDescriptor<int64_t>("value"));
    for (int64_t key = 0; key < keys; ++key) Update(EncodeKey(key), kBatch);
  }

  void Update(const std::string& key, int64_t add) {
    backend_->SetCurrentKey(KeyRefOf(key, kMaxParallelism));
    value_.Update(value_.Value().value_or(0) + add);
  }
  /// Random keys; `hot` of 100 are of the first `hot_keys`.
  std::vector<std::string> Batch(uint64_t hot, int64_t hot_keys) {
    std::vector<std::string> batch;
    for (int64_t i = 0; i < kBatch; ++i) {
      const int64_t of = random_.Below(100) < hot ? hot_keys : keys_;
      batch.push_back(EncodeKey(static_cast<int64_t>(random_.Below(static_cast<uint64_t>(of)))));
    }
    return batch;
  }
  void Run(const std::vector<std::string>& batch, bool prefetch) {
    backend_->BeginBatch();
    if (prefetch) {
      refs_.clear();
      for (const std::string& key : batch) refs_.push_back(KeyRefOf(key, kMaxParallelism));
      backend_->Prefetch(refs_);
    }
    for (const std::string& key : batch) Update(key, 1);
  }
  TieredKeyedStateBackend& backend() { return *backend_; }
  absl::Duration Now() const { return clock_.Monotonic(); }

 private:
  const int64_t keys_;
  SeededRandom random_;
  TemporaryDirectory directory_;
  SystemClock clock_;
  ThreadBlockingPool pool_{{"state", 2}};
  std::unique_ptr<TieredKeyedStateBackend> backend_;
  ValueState<int64_t> value_;
  std::vector<KeyRef> refs_;
};

/// All in memory. Argument: keys.
void InMemory(benchmark::State& state) {
  Fixture fixture(state.range(0), kRoomy, absl::Hours(1));
  std::vector<std::vector<std::string>> batches;
  for (int i = 0; i < 64; ++i) batches.push_back(fixture.Batch(0, 0));
  size_t next = 0;
  for (auto _ : state) fixture.Run(batches[next++ % batches.size()], false);
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(InMemory)->Arg(1000)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

/// Ten times as much as memory holds. Arguments: of 100 look-ups, how many are of a hot set that
/// fits; whether batches are prefetched.
void TenTimesTheMemory(benchmark::State& state) {
  constexpr int64_t kKeys = 400'000;
  Fixture fixture(kKeys, 5u << 20, absl::Seconds(10));
  const auto hot = static_cast<uint64_t>(state.range(0));
  for (int i = 0; i < 50; ++i) fixture.Run(fixture.Batch(hot, kKeys / 40), false);
  const TierCounters before = fixture.backend().counters();
  for (auto _ : state) {
    state.PauseTiming();
    const std::vector<std::string> batch = fixture.Batch(hot, kKeys / 40);
    state.ResumeTiming();
    fixture.Run(batch, state.range(1) != 0);
  }
  const TierCounters after = fixture.backend().counters();
  const auto read =
      static_cast<double>(after.misses - before.misses + after.prefetched - before.prefetched);
  state.counters["hit_ratio"] = 1 - read / static_cast<double>(state.iterations() * kBatch);
  state.SetItemsProcessed(state.iterations() * kBatch);
  WEIR_CHECK(fixture.backend().status().ok()) << fixture.backend().status();
}
BENCHMARK(TenTimesTheMemory)
    ->Args({0, 0})
    ->Args({0, 1})
    ->Args({90, 0})
    ->Args({90, 1})
    ->Unit(benchmark::kMicrosecond);

/// A checkpoint after so many of a million keys have changed. Argument: dirty keys.
void Checkpoint(benchmark::State& state) {
  Fixture fixture(1'000'000, kRoomy, absl::Hours(1));
  (void)(*fixture.backend().Freeze())->WriteIncrement();
  absl::Duration freeze;
  absl::Duration write;
  double bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (int64_t key = 0; key < state.range(0); ++key) fixture.Update(EncodeKey(key), 1);
    const absl::Duration begin = fixture.Now();
    const auto frozen = fixture.backend().Freeze();
    const absl::Duration frozen_at = fixture.Now();
    state.ResumeTiming();
    const auto increment = (*frozen)->WriteIncrement();
    freeze += frozen_at - begin;
    write += fixture.Now() - frozen_at;
    WEIR_CHECK(increment.ok()) << increment.status();
    bytes += static_cast<double>(increment->files.back().size_bytes);
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["freeze_us"] = absl::ToDoubleMicroseconds(freeze) / rounds;
  state.counters["log_ms"] = absl::ToDoubleMilliseconds(write) / rounds;
  state.counters["log_mb"] = bytes / rounds / 1e6;
}
BENCHMARK(Checkpoint)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Iterations(5)
    ->Unit(benchmark::kMillisecond);

/// All dirty keys into RocksDB, and its files pinned. Argument: dirty keys.
void Materialise(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto fixture = std::make_unique<Fixture>(state.range(0), kRoomy, absl::ZeroDuration());
    state.ResumeTiming();
    fixture->backend().BeginBatch();
    while (fixture->backend().counters().materialised == 0) fixture->backend().BeginBatch();
    state.PauseTiming();
    fixture.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Materialise)->Arg(100'000)->Arg(1'000'000)->Iterations(3)->Unit(benchmark::kMillisecond);

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

/// 100,000 of them. Argument: what is done.
void ChangesBehindOneMegabyte(benchmark::State& state) {
  constexpr int64_t kChanges = 100'000;
  for (auto _ : state) {
    state.PauseTiming();
    auto fixture = std::make_unique<OneMegabyte>(static_cast<OneMegabyte::Change>(state.range(0)));
    state.ResumeTiming();
    fixture->Run(kChanges);
    state.PauseTiming();
    fixture.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kChanges);
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
