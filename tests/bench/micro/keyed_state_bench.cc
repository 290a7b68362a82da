// What an access to keyed state costs in the heap backend: update and read of a value, a list and a
// map by random keys, timers, and a snapshot's two parts; and with a TTL behind RocksDB, too.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/base/seeded_random.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/time/system_clock.h"
#include "common/types/key_codec.h"
#include "state/keyed/heap_keyed_state_backend.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

constexpr uint32_t kMaxParallelism = 1024;
constexpr int64_t kAccesses = 1 << 16;
constexpr size_t kRowsPerBatch = 1000;
constexpr size_t kCleanedPerRow = 8;

/// A backend of all groups, and random keys as they come from a column of int64.
class Fixture {
 public:
  explicit Fixture(int64_t keys)
      : backend_({"bench", StateCodec<int64_t>::Schema(), kMaxParallelism, {0, kMaxParallelism}},
                 clock_) {
    SeededRandom random(1);
    for (int64_t i = 0; i < kAccesses; ++i) {
      keys_.push_back(EncodeKey(static_cast<int64_t>(random.Below(static_cast<uint64_t>(keys)))));
      refs_.push_back(KeyRefOf(keys_.back(), kMaxParallelism));
    }
    // The views of the strings have moved with them.
    for (size_t i = 0; i < refs_.size(); ++i) refs_[i].key = keys_[i];
    for (int64_t key = 0; key < keys; ++key) all_.push_back(EncodeKey(key));
  }

  template <class F>
  void ForAll(F f) {
    for (const std::string& key : all_) {
      backend_.SetCurrentKey(KeyRefOf(key, kMaxParallelism));
      f();
    }
  }
  template <class F>
  void Run(benchmark::State& state, F f) {
    RunOn(backend_, state, f);
  }
  /// With what a task's chain does for each batch of rows (taskmanager/task/operator_chain.cc).
  template <class F>
  void RunWithCleanUp(KeyedStateBackend& backend, benchmark::State& state, F f) {
    size_t row = 0;
    RunOn(backend, state, [&] {
      if (row++ % kRowsPerBatch == 0) {
        backend.CleanUpExpired(kCleanedPerRow * kRowsPerBatch);
        backend.BeginBatch();
      }
      f();
    });
  }
  template <class F>
  void RunOn(KeyedStateBackend& backend, benchmark::State& state, F f) {
    size_t at = 0;
    for (auto _ : state) {
      backend.SetCurrentKey(refs_[at]);
      f();
      at = (at + 1) & (kAccesses - 1);
    }
    state.SetItemsProcessed(state.iterations());
  }
  HeapKeyedStateBackend& backend() { return backend_; }
  const std::vector<std::string>& all() const { return all_; }
  const Clock& clock() const { return clock_; }

 private:
  SystemClock clock_;
  HeapKeyedStateBackend backend_;
  std::vector<std::string> keys_;
  std::vector<KeyRef> refs_;
  std::vector<std::string> all_;
};

void ValueUpdate(benchmark::State& state) {
  Fixture fixture(state.range(0));
  auto value = fixture.backend().GetState(ValueStateDescriptor<int64_t>("value"));
  fixture.ForAll([&] { value.Update(1); });
  fixture.Run(state, [&] { value.Update(2); });
}
BENCHMARK(ValueUpdate)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

void ValueReadAndUpdate(benchmark::State& state) {
  Fixture fixture(state.range(0));
  auto value = fixture.backend().GetState(ValueStateDescriptor<int64_t>("value"));
  fixture.ForAll([&] { value.Update(1); });
  fixture.Run(state, [&] { value.Update(value.Value().value_or(0) + 1); });
}
BENCHMARK(ValueReadAndUpdate)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

/// The limit of an access: a hash table of int64.
void TableUpdate(benchmark::State& state) {
  SeededRandom random(1);
  absl::flat_hash_map<int64_t, int64_t> table;
  for (int64_t key = 0; key < state.range(0); ++key) table[key] = 1;
  std::vector<int64_t> keys;
  for (int64_t i = 0; i < kAccesses; ++i) {
    keys.push_back(static_cast<int64_t>(random.Below(static_cast<uint64_t>(state.range(0)))));
  }
  size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(++table[keys[at]]);
    at = (at + 1) & (kAccesses - 1);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(TableUpdate)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

void ReducingAdd(benchmark::State& state) {
  Fixture fixture(state.range(0));
  auto sum = fixture.backend().GetReducingState(ReducingStateDescriptor<int64_t>(
      "sum", [](const int64_t& a, const int64_t& b) { return a + b; }));
  fixture.ForAll([&] { sum.Add(1); });
  fixture.Run(state, [&] { sum.Add(1); });
}
BENCHMARK(ReducingAdd)->Arg(100'000);

void ValueWithTtlUpdate(benchmark::State& state) {
  Fixture fixture(state.range(0));
  auto value =
      fixture.backend().GetState(ValueStateDescriptor<int64_t>("value", {std::chrono::hours(1)}));
  fixture.ForAll([&] { value.Update(1); });
  fixture.RunWithCleanUp(fixture.backend(), state,
                         [&] { value.Update(value.Value().value_or(0) + 1); });
}
BENCHMARK(ValueWithTtlUpdate)->Arg(100'000);

/// The same behind RocksDB, which has all of the values; memory has the ones that are used.
void ValueWithTtlInTier(benchmark::State& state) {
  Fixture fixture(state.range(0));
  const TemporaryDirectory directory;
  ThreadBlockingPool pool({"state", 2});
  TieredStateOptions options;
  options.directory = directory.File("state");
  options.instance = "bench";
  options.materialise_interval = absl::Milliseconds(500);
  auto tier = TieredKeyedStateBackend::Open(
      {"bench", StateCodec<int64_t>::Schema(), kMaxParallelism, {0, kMaxParallelism}}, options,
      fixture.clock(), pool);
  WEIR_CHECK(tier.ok()) << tier.status();
  auto value = (*tier)->GetState(ValueStateDescriptor<int64_t>("value", {std::chrono::hours(1)}));
  for (const std::string& key : fixture.all()) {
    (*tier)->SetCurrentKey(KeyRefOf(key, kMaxParallelism));
    value.Update(1);
  }
  fixture.RunWithCleanUp(**tier, state, [&] { value.Update(value.Value().value_or(0) + 1); });
  WEIR_CHECK((*tier)->status().ok()) << (*tier)->status();
}
BENCHMARK(ValueWithTtlInTier)->Arg(100'000);

void MapPut(benchmark::State& state) {
  Fixture fixture(state.range(0));
  auto map = fixture.backend().GetMapState(MapStateDescriptor<int64_t, int64_t>("map"));
  int64_t at = 0;
  fixture.Run(state, [&] {
    ++at;
    map.Put(at & 15, at);
  });
}
BENCHMARK(MapPut)->Arg(100'000);

void TimerRegisterAndPop(benchmark::State& state) {
  Fixture fixture(state.range(0));
  KeyedTimers& timers = fixture.backend().timers();
  int64_t now = 0;
  fixture.ForAll([&] { timers.Register(TimeDomain::kEventTime, ++now); });
  fixture.Run(state, [&] {
    timers.Register(TimeDomain::kEventTime, ++now);
    benchmark::DoNotOptimize(timers.PopDue(TimeDomain::kEventTime, now));
  });
}
BENCHMARK(TimerRegisterAndPop)->Arg(100'000);

/// The part on the task's thread.
void Freeze(benchmark::State& state) {
  Fixture fixture(state.range(0));
  auto value = fixture.backend().GetState(ValueStateDescriptor<int64_t>("value"));
  fixture.ForAll([&] { value.Update(1); });
  for (auto _ : state) benchmark::DoNotOptimize(fixture.backend().Freeze());
}
BENCHMARK(Freeze)->Arg(100'000);

/// Updates right behind a Freeze: the groups are copied.
void UpdateAllAfterFreeze(benchmark::State& state) {
  Fixture fixture(state.range(0));
  auto value = fixture.backend().GetState(ValueStateDescriptor<int64_t>("value"));
  fixture.ForAll([&] { value.Update(1); });
  for (auto _ : state) {
    const std::unique_ptr<FrozenState> frozen = *fixture.backend().Freeze();
    fixture.ForAll([&] { value.Update(2); });
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(UpdateAllAfterFreeze)->Arg(100'000)->Unit(benchmark::kMillisecond);

/// The part on another thread, and the way back.
void WriteSnapshot(benchmark::State& state) {
  Fixture fixture(state.range(0));
  auto value = fixture.backend().GetState(ValueStateDescriptor<int64_t>("value"));
  fixture.ForAll([&] { value.Update(1); });
  const std::unique_ptr<FrozenState> frozen = *fixture.backend().Freeze();
  for (auto _ : state) benchmark::DoNotOptimize(frozen->Write());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(WriteSnapshot)->Arg(100'000)->Unit(benchmark::kMillisecond);

void RestoreSnapshot(benchmark::State& state) {
  Fixture fixture(state.range(0));
  const ValueStateDescriptor<int64_t> descriptor("value");
  auto value = fixture.backend().GetState(descriptor);
  fixture.ForAll([&] { value.Update(1); });
  const std::string snapshot = *(*fixture.backend().Freeze())->Write();
  const absl::string_view view = snapshot;
  for (auto _ : state) {
    Fixture restored(1);
    (void)restored.backend().GetState(descriptor);
    WEIR_CHECK(restored.backend().Restore({view}).ok());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(RestoreSnapshot)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir
