// What is fetched from RocksDB for a batch before its rows, and when that is left.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/types/span.h"

#include "tests/unit/state/tiered/tiered_backend_test.h"

namespace weir {
namespace {

class TieredPrefetchTest : public TieredBackendTest {
 protected:
  static constexpr size_t kMemoryBytes = 768u << 10;
  static constexpr int64_t kKeys = 20'000;

  static TieredStateOptions Small() {
    TieredStateOptions options;
    options.memory_bytes = kMemoryBytes;
    return options;
  }
  /// All that there is is in RocksDB then, and nothing in memory.
  void MakeCold() {
    Materialise();
    const KeyedStateIncrement increment = Increment();
    Open(Small());
    ASSERT_EQ(backend_->RestoreIncrements({&increment, 1}), absl::OkStatus());
  }
  static std::string ValueOf(int64_t key) { return std::to_string(key) + std::string(200, 'x'); }
  /// The refs are good until the next call.
  const std::vector<KeyRef>& Refs(int64_t first, int64_t count, int64_t step = 1) {
    keys_.clear();
    refs_.clear();
    for (int64_t i = 0; i < count; ++i) keys_.push_back(EncodeKey(first + i * step));
    for (const std::string& key : keys_) refs_.push_back(KeyRefOf(key, kMaxParallelism));
    return refs_;
  }
  uint64_t misses() { return backend_->counters().misses; }
  uint64_t prefetched() { return backend_->counters().prefetched; }

  std::vector<std::string> keys_;
  std::vector<KeyRef> refs_;
};

TEST_F(TieredPrefetchTest, ABatchIsPrefetched) {
  Open(Small());
  for (int64_t key = 0; key < 1000; ++key) Put(key, ValueOf(key));
  MakeCold();
  std::vector<KeyRef> refs = Refs(2 * kKeys, 100);
  const std::vector<std::string> none = keys_;
  for (size_t i = 0; i < refs.size(); ++i) refs[i].key = none[i];
  const std::vector<KeyRef>& there = Refs(0, 100);
  refs.insert(refs.end(), there.begin(), there.end());
  refs.push_back(refs.front());
  backend_->BeginBatch();
  const uint64_t misses_before = misses();
  backend_->Prefetch(refs);
  for (int64_t key = 0; key < 100; ++key) {
    EXPECT_EQ(Get(key), ValueOf(key));
    EXPECT_EQ(Get(2 * kKeys + key), std::nullopt);
  }
  EXPECT_EQ(misses(), misses_before);
  EXPECT_EQ(prefetched(), 200u);
}

TEST_F(TieredPrefetchTest, EntriesOfMapsArePrefetched) {
  Open(Small());
  const MapStateDescriptor<int64_t, std::string> descriptor("map");
  auto map = backend_->GetMapState(descriptor);
  for (int64_t key = 0; key < 1000; ++key) {
    SetKey(key);
    map.Put(7, ValueOf(key));
    map.Put(8, "");
  }
  MakeCold();
  map = backend_->GetMapState(descriptor);
  const std::string seven = EncodeKey(int64_t{7});
  const std::string nine = EncodeKey(int64_t{9});
  std::vector<MapEntryRef> entries;
  for (const KeyRef& key : Refs(0, 100)) {
    for (const std::string* map_key : {&seven, &nine, &seven}) entries.push_back({key, *map_key});
  }
  map.Prefetch(entries);
  EXPECT_EQ(prefetched(), 200u);
  const uint64_t misses_before = misses();
  for (int64_t key = 0; key < 100; ++key) {
    SetKey(key);
    EXPECT_EQ(map.Get(7), ValueOf(key));
    EXPECT_FALSE(map.Contains(9));
  }
  EXPECT_EQ(misses(), misses_before);
  // What came in does not stand for the whole map.
  SetKey(5);
  EXPECT_THAT(map.Keys(), testing::ElementsAre(7, 8));
  // Nothing is fetched twice, nor of a map that is there as a whole.
  const uint64_t before = prefetched();
  map.Prefetch(absl::MakeConstSpan(entries).subspan(15, 3));
  EXPECT_EQ(prefetched(), before);
}

TEST_F(TieredPrefetchTest, IsWantedOnlyWhileThereIsSomethingToRead) {
  Open(Small());
  backend_->BeginBatch();
  EXPECT_FALSE(backend_->prefetches());
  for (int64_t key = 0; key < 1000; ++key) Put(key, ValueOf(key));
  MakeCold();
  backend_->BeginBatch();
  EXPECT_FALSE(backend_->prefetches());
  (void)Get(0);
  backend_->BeginBatch();
  EXPECT_TRUE(backend_->prefetches());
  backend_->Prefetch(Refs(100, 10));
  backend_->BeginBatch();
  backend_->BeginBatch();
  EXPECT_TRUE(backend_->prefetches());
  for (int i = 0; i < 20; ++i) {
    (void)Get(0);
    backend_->BeginBatch();
  }
  EXPECT_FALSE(backend_->prefetches());
}

TEST_F(TieredPrefetchTest, AStateThatIsNotLookedAtIsLeftOut) {
  Open(Small());
  const ValueStateDescriptor<int64_t> descriptor("other");
  auto other = backend_->GetState(descriptor);
  for (int64_t key = 0; key < kKeys; ++key) {
    Put(key, ValueOf(key));
    other.Update(key);
  }
  MakeCold();
  other = backend_->GetState(descriptor);
  uint64_t before = prefetched();
  for (int64_t batch = 0; batch < 17; ++batch) {
    backend_->Prefetch(Refs(batch * 100, 100));
    for (int64_t key = batch * 100; key < batch * 100 + 100; ++key) (void)Get(key);
    // The first time both are fetched.
    EXPECT_EQ(prefetched() - before, batch == 0 ? 200u : 100u) << batch;
    before = prefetched();
  }
  // After a while it is tried again.
  backend_->Prefetch(Refs(5000, 100));
  EXPECT_EQ(prefetched() - before, 200u);
}

TEST_F(TieredPrefetchTest, ABatchOfLargeValuesDoesNotFillMemory) {
  Open(Small());
  constexpr int64_t kValueBytes = 20'000;
  for (int64_t key = 0; key < 200; ++key) Put(key, std::string(kValueBytes, 'x'));
  MakeCold();
  for (int round = 0; round < 3; ++round) {
    size_t most = 0;
    for (int64_t first = 0; first < 200; first += 50) {
      backend_->BeginBatch();
      backend_->Prefetch(Refs(first, 50));
      most = std::max(most, backend_->memory_bytes());
      for (int64_t key = first; key < first + 50; ++key) {
        EXPECT_EQ(Get(key)->size(), static_cast<size_t>(kValueBytes));
      }
    }
    // The first chunk is made without knowing how large values are.
    EXPECT_LE(most, kMemoryBytes * (round == 0 ? 8 : 5) / 4);
  }
  EXPECT_EQ(backend_->status(), absl::OkStatus());
}

}  // namespace
}  // namespace weir
