// Which batches are prefetched for while all state is in memory; that it changes nothing is seen by
// what the state holds.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "state/keyed/heap_keyed_state_backend.h"
#include "state/keyed/prefetch_pacer.h"
#include "tests/support/settable_clock.h"

namespace weir {
namespace {

constexpr uint32_t kMaxParallelism = 128;
constexpr int64_t kKeys = 50'000;
constexpr int kBatchesBetweenSizes = 65;

class HeapPrefetchTest : public testing::Test {
 protected:
  void SetKey(int64_t key) {
    key_ = EncodeKey(key);
    backend_.SetCurrentKey(KeyRefOf(key_, kMaxParallelism));
  }
  void BeginBatches(int count) {
    for (int i = 0; i < count; ++i) backend_.BeginBatch();
  }
  /// Good until the next call.
  const std::vector<KeyRef>& Refs(int64_t first, int64_t count) {
    keys_.clear();
    refs_.clear();
    for (int64_t i = 0; i < count; ++i) keys_.push_back(EncodeKey(first + i));
    for (const std::string& key : keys_) refs_.push_back(KeyRefOf(key, kMaxParallelism));
    return refs_;
  }

  SettableClock clock_;
  HeapKeyedStateBackend backend_{
      {"op", StateCodec<int64_t>::Schema(), kMaxParallelism, {0, kMaxParallelism}}, clock_};
  std::string key_;
  std::vector<std::string> keys_;
  std::vector<KeyRef> refs_;
};

TEST_F(HeapPrefetchTest, IsWantedWhenStateIsLargerThanCaches) {
  auto value = backend_.GetState(ValueStateDescriptor<int64_t>("value"));
  BeginBatches(kBatchesBetweenSizes);
  EXPECT_FALSE(backend_.prefetches());
  for (int64_t key = 0; key < kKeys; ++key) {
    SetKey(key);
    value.Update(key);
  }
  BeginBatches(kBatchesBetweenSizes);
  EXPECT_TRUE(backend_.prefetches());
  for (int64_t key = 0; key < kKeys; ++key) {
    SetKey(key);
    value.Clear();
  }
  BeginBatches(kBatchesBetweenSizes);
  EXPECT_FALSE(backend_.prefetches());
}

TEST_F(HeapPrefetchTest, ChangesNothing) {
  auto value = backend_.GetState(ValueStateDescriptor<int64_t>("value"));
  auto map = backend_.GetMapState(MapStateDescriptor<int64_t, int64_t>("map"));
  const std::string one = EncodeKey(int64_t{1});
  const auto prefetch = [&] {
    // Of keys that are there, and of keys that are not.
    const std::vector<KeyRef>& refs = Refs(900, 200);
    backend_.Prefetch(refs);
    std::vector<MapEntryRef> entries;
    for (const KeyRef& ref : refs) entries.push_back({ref, one});
    map.Prefetch(entries);
  };
  prefetch();
  for (int64_t key = 0; key < 1000; ++key) {
    SetKey(key);
    value.Update(key);
    map.Put(1, -key);
  }
  prefetch();
  EXPECT_EQ(backend_.num_entries(), 2000u);
  for (int64_t key = 900; key < 1100; ++key) {
    SetKey(key);
    EXPECT_EQ(value.Value().has_value(), key < 1000) << key;
    EXPECT_EQ(map.Get(1), key < 1000 ? std::optional<int64_t>(-key) : std::nullopt) << key;
  }
}

TEST(PrefetchPacerTest, LeavesOutAStateThatIsNotLookedAt) {
  PrefetchPacer pacer;
  EXPECT_TRUE(pacer.Worth(100));
  for (int i = 0; i < 25; ++i) pacer.CountLookup();
  EXPECT_TRUE(pacer.Worth(100));
  for (int i = 0; i < 24; ++i) pacer.CountLookup();
  for (int i = 0; i < PrefetchPacer::kSkippedBatches; ++i) EXPECT_FALSE(pacer.Worth(100)) << i;
  EXPECT_TRUE(pacer.Worth(100));
}

}  // namespace
}  // namespace weir
