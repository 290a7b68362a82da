// State that is larger than the memory it may have, on real RocksDB and real files.
#include <gmock/gmock.h>
#include <rocksdb/env.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/seeded_random.h"
#include "common/exec/mutex.h"
#include "tests/unit/state/tiered/tiered_backend_test.h"

namespace weir {
namespace {

class TieredMemoryTest : public TieredBackendTest {
 protected:
  static constexpr size_t kMemoryBytes = 512u << 10;
  static constexpr int64_t kValueBytes = 200;

  static TieredStateOptions Small() {
    TieredStateOptions options;
    options.memory_bytes = kMemoryBytes;
    return options;
  }
  static std::string ValueOf(int64_t key, int64_t round) {
    std::string value = absl::StrCat(key, " in round ", round, " ");
    value.resize(kValueBytes, 'x');
    return value;
  }
};

TEST_F(TieredMemoryTest, TenTimesTheBudget) {
  Open(Small());
  constexpr int64_t kKeys = 10 * kMemoryBytes / kValueBytes;
  size_t most = 0;
  for (int64_t round = 0; round < 2; ++round) {
    for (int64_t key = 0; key < kKeys; ++key) {
      if (key % 100 == 0) backend_->BeginBatch();
      Put(key, ValueOf(key, round));
      most = std::max(most, backend_->memory_bytes());
    }
  }
  // One version more than the bound, at the most.
  EXPECT_LE(most, kMemoryBytes + 1000);
  for (int64_t key = 0; key < kKeys; ++key) {
    ASSERT_EQ(Get(key), ValueOf(key, 1)) << key;
    ASSERT_LE(backend_->memory_bytes(), kMemoryBytes + 1000);
  }
  ASSERT_EQ(backend_->status(), absl::OkStatus());
  EXPECT_EQ(backend_->num_entries(), static_cast<size_t>(kKeys));
  EXPECT_GT(backend_->counters().evicted, static_cast<uint64_t>(kKeys));
  EXPECT_GT(backend_->counters().materialised, 3u);
}

TEST_F(TieredMemoryTest, MapsListsAndTimersToo) {
  Open(Small());
  auto list = backend_->GetListState(ListStateDescriptor<std::string>("list"));
  auto map = backend_->GetMapState(MapStateDescriptor<int64_t, std::string>("map"));
  constexpr int64_t kKeys = 40;
  constexpr int64_t kRounds = 400;
  for (int64_t round = 0; round < kRounds; ++round) {
    backend_->BeginBatch();
    for (int64_t key = 0; key < kKeys; ++key) {
      SetKey(key);
      if (round % 20 == 0) list.Add(ValueOf(key, round));
      map.Put(round, ValueOf(key, round));
      if (round % 10 == 9) map.Remove(round - 5);
      backend_->timers().Register(TimeDomain::kEventTime, round, "window");
      ASSERT_LE(backend_->memory_bytes(), kMemoryBytes * 5 / 4);
    }
  }
  ASSERT_EQ(backend_->status(), absl::OkStatus());
  for (int64_t key = 0; key < kKeys; ++key) {
    SetKey(key);
    ASSERT_EQ(list.Get().size(), static_cast<size_t>(kRounds / 20));
    ASSERT_EQ(map.Keys().size(), static_cast<size_t>(kRounds - kRounds / 10));
    ASSERT_EQ(map.Get(4), std::nullopt);
    ASSERT_EQ(map.Get(5), ValueOf(key, 5));
  }
  int64_t fired = 0;
  while (const auto timer = backend_->timers().PopDue(TimeDomain::kEventTime, kRounds)) {
    ASSERT_EQ(timer->time_micros, fired / kKeys);
    ++fired;
  }
  EXPECT_EQ(fired, kKeys * kRounds);
  for (int64_t key = 0; key < kKeys; ++key) {
    SetKey(key);
    map.Clear();
    list.Clear();
  }
  Materialise();
  EXPECT_EQ(backend_->num_entries(), 0u);
}

TEST_F(TieredMemoryTest, OtherEntriesAreReadWhileAMapIsGoneThrough) {
  Open(Small());
  auto map = backend_->GetMapState(MapStateDescriptor<int64_t, std::string>("map"));
  constexpr int64_t kEntries = 4000;
  SetKey(1);
  for (int64_t key = 0; key < kEntries; ++key) map.Put(key, ValueOf(key, 0));
  Materialise();
  // Makes room of what is in memory of the map.
  for (int64_t key = 2; key < kEntries; ++key) Put(key, ValueOf(key, 0));
  SetKey(1);
  int64_t next = 0;
  map.ForEach([&](int64_t key, const std::string& value) {
    ASSERT_EQ(key, next++);
    // Before and behind, there and not there: all of it comes into memory.
    for (const int64_t other : {(key * 7919) % kEntries, kEntries - key, -key}) {
      ASSERT_EQ(map.Contains(other), other >= 0 && other < kEntries);
    }
    ASSERT_EQ(value, ValueOf(key, 0));
  });
  EXPECT_EQ(next, kEntries);
  next = kEntries / 2;
  map.ForEachFrom(next, [&](int64_t key, const std::string& value) {
    EXPECT_EQ(key, next++);
    EXPECT_EQ(value, ValueOf(key, 0));
    return next < kEntries - 1;
  });
  EXPECT_EQ(next, kEntries - 1);
  EXPECT_EQ(backend_->status(), absl::OkStatus());
}

/// The files of RocksDB, which are written in between: somebody looks then.
class LookingEnv final : public rocksdb::EnvWrapper {
 public:
  LookingEnv() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}
  rocksdb::Status NewWritableFile(const std::string& name,
                                  std::unique_ptr<rocksdb::WritableFile>* file,
                                  const rocksdb::EnvOptions& options) override {
    {
      MutexLock lock(mutex_);
      if (look_) look_();
    }
    return rocksdb::EnvWrapper::NewWritableFile(name, file, options);
  }
  void SetLook(std::function<void()> look) {
    MutexLock lock(mutex_);
    look_ = std::move(look);
  }

 private:
  Mutex mutex_;  // compactions have threads of their own
  std::function<void()> look_ WEIR_GUARDED_BY(mutex_);
};

class TieredMapMemoryTest : public TieredMemoryTest {
 protected:
  static constexpr int64_t kEntries = 20'000;
  ~TieredMapMemoryTest() override { backend_.reset(); }
  void OpenLooking() {
    TieredStateOptions options = Small();
    options.env = &env_;
    Open(options);
    Register();
  }
  void Register() {
    map_ = backend_->GetMapState(MapStateDescriptor<int64_t, std::string>("map", kTtl));
    SetKey(1);
  }
  void Fill() {
    for (int64_t entry = 0; entry < kEntries; ++entry) {
      if (entry % 100 == 0) backend_->BeginBatch();
      map_.Put(entry, "value");
    }
  }
  /// The most that is held while it runs, and behind it.
  size_t MostDuring(const std::function<void()>& work) {
    size_t most = 0;
    env_.SetLook([&] { most = std::max(most, backend_->memory_bytes()); });
    work();
    env_.SetLook(nullptr);
    return std::max(most, backend_->memory_bytes());
  }
  void Restart() {
    const KeyedStateIncrement increment = Increment();
    OpenLooking();
    ASSERT_EQ(backend_->RestoreIncrements({&increment, 1}), absl::OkStatus());
    Register();
  }

  static constexpr StateTtl kTtl{std::chrono::seconds(100)};
  static constexpr size_t kMost = kMemoryBytes * 5 / 4;
  LookingEnv env_;
  MapState<int64_t, std::string> map_;
};

TEST_F(TieredMapMemoryTest, AMapThatIsClearedIsNotHeldAsAWhole) {
  OpenLooking();
  Fill();
  Materialise();
  EXPECT_LE(MostDuring([&] { map_.Clear(); }), kMost);
  EXPECT_TRUE(map_.IsEmpty());
  EXPECT_EQ(backend_->num_entries(), 0u);
  map_.Put(7, "new");
  Restart();
  EXPECT_EQ(map_.Keys(), std::vector<int64_t>{7});
  ASSERT_EQ(backend_->status(), absl::OkStatus());
}

// Also what is newer than RocksDB, and what a checkpoint holds.
TEST_F(TieredMapMemoryTest, AMapThatIsInMemoryInPartIsClearedAsAWhole) {
  OpenLooking();
  Fill();
  const auto frozen = Freeze();
  for (int64_t entry = 0; entry < kEntries; entry += 20) map_.Put(entry, "newer");
  map_.Clear();
  EXPECT_TRUE(map_.IsEmpty());
  EXPECT_EQ(backend_->num_entries(), 0u);
  Restart();
  EXPECT_TRUE(map_.IsEmpty());
  EXPECT_EQ(backend_->num_entries(), 0u);
}

TEST_F(TieredMapMemoryTest, ALargeMapThatHasExpiredIsCleanedUpInPages) {
  OpenLooking();
  Fill();
  Materialise();
  clock_.Advance(absl::Seconds(200));
  backend_->BeginBatch();
  const size_t most = MostDuring([&] {
    for (int i = 0; i < 2; ++i) backend_->CleanUpExpired(kEntries * 8);
  });
  EXPECT_LE(most, kMost);
  EXPECT_EQ(backend_->num_entries(), 0u);
}

TEST_F(TieredMapMemoryTest, LargeEntriesAreNotTakenInForAnIteration) {
  Open(Small());
  Register();
  constexpr int64_t kLarge = 200;
  for (int64_t entry = 0; entry < kLarge; ++entry) map_.Put(entry, std::string(8000, 'x'));
  Materialise();
  int64_t next = 0;
  map_.ForEach([&](int64_t key, const std::string&) { EXPECT_EQ(key, next++); });
  EXPECT_EQ(next, kLarge);
  EXPECT_LE(backend_->memory_bytes(), kMost);
}

TEST_F(TieredMemoryTest, HotKeysStay) {
  Open(Small());
  constexpr int64_t kKeys = 20'000;
  for (int64_t key = 0; key < kKeys; ++key) Put(key, ValueOf(key, 0));
  SeededRandom random(1);
  const uint64_t misses_before = backend_->counters().misses;
  constexpr int kReads = 20'000;
  for (int i = 0; i < kReads; ++i) {
    // Nine of ten are of 500 keys.
    const bool hot = random.Below(10) != 0;
    (void)Get(static_cast<int64_t>(random.Below(hot ? 500 : kKeys)));
  }
  const uint64_t misses = backend_->counters().misses - misses_before;
  EXPECT_LT(misses, kReads / 5);
}

/// Whose threads all hang.
class HangingPool final : public BlockingPool {
 public:
  void Submit(std::function<void()> work) override { queue.push_back(std::move(work)); }
  std::vector<std::function<void()>> queue;
};

TEST_F(TieredMemoryTest, APoolThatHangsIsNotFilled) {
  HangingPool pool;
  TieredStateOptions options = Small();
  options.instance = "hanging";
  options.directory = directory_.File("hanging");
  auto backend = *TieredKeyedStateBackend::Open(
      {"count", StateCodec<int64_t>::Schema(), kMaxParallelism, {0, kMaxParallelism}}, options,
      clock_, pool);
  auto value = backend->GetState(ValueStateDescriptor<std::string>("value"));
  for (int64_t key = 0; key < 20'000; ++key) {
    const std::string bytes = EncodeKey(key);
    backend->SetCurrentKey(KeyRefOf(bytes, kMaxParallelism));
    value.Update(ValueOf(key, 0));
  }
  ASSERT_EQ(backend->status(), absl::OkStatus());
  EXPECT_GT(backend->counters().materialised, 5u);
  EXPECT_EQ(pool.queue.size(), 1u);
  // Nor does what is left there outlive the backend's files.
  backend.reset();
  for (const auto& work : pool.queue) work();
}

TEST_F(TieredMemoryTest, WhatASnapshotHoldsIsNotWaitedFor) {
  Open(Small());
  for (int64_t key = 0; key < 2000; ++key) Put(key, ValueOf(key, 0));
  const auto frozen = Freeze();
  for (int64_t round = 1; round < 4; ++round) {
    for (int64_t key = 0; key < 5000; ++key) Put(key, ValueOf(key, round));
  }
  ASSERT_EQ(backend_->status(), absl::OkStatus());
  const auto increment = frozen->WriteIncrement();
  ASSERT_TRUE(increment.ok()) << increment.status();
  Open(Small());
  ASSERT_EQ(backend_->RestoreIncrements({&*increment, 1}), absl::OkStatus());
  EXPECT_EQ(backend_->num_entries(), 2000u);
  for (int64_t key = 0; key < 2000; ++key) ASSERT_EQ(Get(key), ValueOf(key, 0));
}

}  // namespace
}  // namespace weir
