// What an access to keyed state behind RocksDB costs, a read and an update of an int64 by an int64
// key, by how many of the keys are found in memory. Ten times as many keys as memory holds; of 100
// accesses so many are of a hot set that fits. Limits, with the same keys: a plain hash table for
// the hot set and a bare Get of RocksDB for the others; and Get and Put of RocksDB for each, which
// is what an engine does that keeps its state in RocksDB alone.
//
// Counters: hit_ratio in memory; all_threads_ns per access, with what is written in the background.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

#include "tests/bench/micro/bare_rocks.h"
#include "tests/bench/micro/tier_fixture.h"
#include "tests/support/process_cpu.h"

namespace weir {
namespace {

constexpr int64_t kKeys = 1'000'000;
constexpr int64_t kHotKeys = kKeys / 40;
constexpr size_t kMemoryBytes = 13u << 20;  // a version of such a key is charged with 128 bytes
constexpr int kWarmUpBatches = 100;
constexpr int kBatches = 100;

/// The state is made once for all benchmarks of it.
TierFixture& ColdTier() {
  static TierFixture fixture({kKeys, kMemoryBytes, 64u << 20, absl::Seconds(10)});
  return fixture;
}

std::vector<std::string> Encoded(const std::vector<int64_t>& keys) {
  std::vector<std::string> encoded;
  for (const int64_t key : keys) encoded.push_back(EncodeKey(key));
  return encoded;
}

/// Runs `one(keys)` for batches of the mix.
template <class F>
void RunMix(benchmark::State& state, int warm_up, const F& one) {
  SeededRandom random(1);
  const KeyMix mix{kKeys, kHotKeys, static_cast<uint64_t>(state.range(0))};
  for (int i = 0; i < warm_up; ++i) one(RandomKeys(mix, random));
  double cpu = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const std::vector<int64_t> keys = RandomKeys(mix, random);
    const double before = ProcessCpuSeconds();
    state.ResumeTiming();
    one(keys);
    cpu += ProcessCpuSeconds() - before;
  }
  const int64_t accesses = state.iterations() * kKeysPerBatch;
  state.counters["all_threads_ns"] = cpu / static_cast<double>(accesses) * 1e9;
  state.SetItemsProcessed(accesses);
}

/// Arguments: of 100 accesses, how many are of the hot set; whether batches are prefetched.
void TierAccess(benchmark::State& state) {
  TierFixture& tier = ColdTier();
  const bool prefetch = state.range(1) != 0;
  int batches = 0;
  TierCounters before;
  RunMix(state, kWarmUpBatches, [&](const std::vector<int64_t>& keys) {
    if (batches++ == kWarmUpBatches) before = tier.backend().counters();
    tier.RunBatch(Encoded(keys), prefetch);
  });
  const TierCounters& after = tier.backend().counters();
  const auto read =
      static_cast<double>(after.misses - before.misses + after.prefetched - before.prefetched);
  state.counters["hit_ratio"] = 1 - read / static_cast<double>(state.items_processed());
  WEIR_CHECK(tier.backend().status().ok()) << tier.backend().status();
}
BENCHMARK(TierAccess)
    ->ArgsProduct({{0, 50, 90, 99}, {1, 0}})
    ->Iterations(kBatches)
    ->Unit(benchmark::kMicrosecond);

BareRocks NewRocks() {
  BareRocks rocks;
  std::string encoded;
  for (int64_t key = 0; key < kKeys; ++key) {
    encoded.clear();
    EncodeKey(key, &encoded);
    rocks.Load(encoded, 1);
  }
  rocks.Loaded();
  return rocks;
}

/// Argument: of 100 accesses, how many are of the hot set.
void TableAndGet(benchmark::State& state) {
  static BareRocks rocks = NewRocks();
  absl::flat_hash_map<int64_t, int64_t> hot;
  for (int64_t key = 0; key < kHotKeys; ++key) hot[key] = 1;
  RunMix(state, kWarmUpBatches / 10, [&](const std::vector<int64_t>& keys) {
    std::string encoded;
    int64_t sum = 0;
    for (const int64_t key : keys) {
      if (key < kHotKeys) {
        sum += ++hot[key];
        continue;
      }
      encoded.clear();
      EncodeKey(key, &encoded);
      sum += rocks.Get(encoded);
    }
    benchmark::DoNotOptimize(sum);
  });
}
BENCHMARK(TableAndGet)
    ->Arg(0)
    ->Arg(50)
    ->Arg(90)
    ->Arg(99)
    ->Iterations(kBatches)
    ->Unit(benchmark::kMicrosecond);

/// Argument: of 100 accesses, how many are of the hot set.
void GetAndPut(benchmark::State& state) {
  static BareRocks rocks = NewRocks();
  RunMix(state, kWarmUpBatches / 10, [&](const std::vector<int64_t>& keys) {
    std::string encoded;
    for (const int64_t key : keys) {
      encoded.clear();
      EncodeKey(key, &encoded);
      rocks.Put(encoded, rocks.Get(encoded) + 1);
    }
  });
}
BENCHMARK(GetAndPut)->Arg(0)->Arg(50)->Arg(90)->Arg(99)->Iterations(kBatches)->Unit(
    benchmark::kMicrosecond);

}  // namespace
}  // namespace weir
