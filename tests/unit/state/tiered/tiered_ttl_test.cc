// What the clean-up of expired state costs where it lies on disk.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "tests/unit/state/tiered/tiered_backend_test.h"

namespace weir {
namespace {

constexpr int64_t kKeys = 20'000;
constexpr size_t kRows = 1000;
// As the chain of a task does it (taskmanager/task/operator_chain.cc).
constexpr size_t kCleanedPerRow = 8;

/// A TTL of 800 s, and nearly all of its values in RocksDB alone.
class TieredTtlTest : public TieredBackendTest {
 protected:
  void Fill() {
    TieredStateOptions options;
    options.memory_bytes = 256u << 10;
    Open(options);
    expiring_ = backend_->GetState(
        ValueStateDescriptor<int64_t>("expiring", StateTtl{std::chrono::seconds(800)}));
    for (int64_t key = 0; key < kKeys; ++key) {
      SetKey(key);
      expiring_.Update(key);
    }
    Materialise();
  }
  /// Entries of RocksDB that were looked at for a batch.
  uint64_t CleanUp() {
    const uint64_t before = backend_->counters().cleaned_up;
    backend_->BeginBatch();
    backend_->CleanUpExpired(kCleanedPerRow * kRows);
    return backend_->counters().cleaned_up - before;
  }

  ValueState<int64_t> expiring_;
};

TEST_F(TieredTtlTest, ABatchLooksAtOneStoredEntryForARowAtMost) {
  Fill();
  uint64_t all = 0;
  for (int batch = 0; batch < 15; ++batch) {
    const uint64_t looked_at = CleanUp();
    EXPECT_LE(looked_at, kRows);
    all += looked_at;
  }
  EXPECT_GE(all, 10 * kRows);
}

// What lives for long is not gone through again and again.
TEST_F(TieredTtlTest, RocksDbIsGoneThroughAFewTimesWhileAValueLives) {
  Fill();
  uint64_t all = 0;
  for (int batch = 0; batch < 100; ++batch) all += CleanUp();
  EXPECT_GE(all, static_cast<uint64_t>(kKeys) * 9 / 10);
  EXPECT_LE(all, static_cast<uint64_t>(kKeys));
  clock_.Advance(absl::Seconds(99));
  EXPECT_EQ(CleanUp(), 0u);
  clock_.Advance(absl::Seconds(1));
  EXPECT_GT(CleanUp(), 0u);
}

TEST_F(TieredTtlTest, WhatHasExpiredGoesTwiceAsFast) {
  Fill();
  clock_.Advance(absl::Seconds(1000));
  uint64_t most = 0;
  int batches = 0;
  for (; batches < 40 && backend_->num_entries() > 0; ++batches) most = std::max(most, CleanUp());
  EXPECT_EQ(backend_->num_entries(), 0u) << "in " << batches << " batches";
  EXPECT_LE(most, 2 * kRows);
}

// A clock that was put back is no end of it.
TEST_F(TieredTtlTest, RocksDbIsGoneThroughAlsoWhenTheClockWasPutBack) {
  Fill();
  for (int batch = 0; batch < 100; ++batch) CleanUp();
  clock_.Advance(absl::Seconds(-50));
  EXPECT_GT(CleanUp(), 0u);
}

}  // namespace
}  // namespace weir
