// Lists that are added to without being read, on real RocksDB and real files.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "tests/support/process_cpu.h"
#include "tests/unit/state/rocksdb/counting_env.h"
#include "tests/unit/state/tiered/tiered_backend_test.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const ListStateDescriptor<int64_t> kList("list");
const ListStateDescriptor<int64_t> kExpiring("expiring", {std::chrono::seconds(100)});

/// Whose files under "pins" cannot be written when it is told so.
class PinlessDisk final : public rocksdb::EnvWrapper {
 public:
  PinlessDisk() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}
  rocksdb::Status NewWritableFile(const std::string& name,
                                  std::unique_ptr<rocksdb::WritableFile>* file,
                                  const rocksdb::EnvOptions& options) override {
    if (full && absl::StrContains(name, "/pins/")) return rocksdb::Status::NoSpace("full");
    return rocksdb::EnvWrapper::NewWritableFile(name, file, options);
  }
  bool full = false;
};

std::vector<int64_t> Numbers(int64_t count) {
  std::vector<int64_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

double CpuSeconds(const std::function<void()>& work) {
  const double before = ProcessCpuSeconds();
  work();
  return ProcessCpuSeconds() - before;
}

class TieredListsTest : public TieredBackendTest {
 protected:
  // Before the disks.
  ~TieredListsTest() override { backend_.reset(); }

  void Start(TieredStateOptions options = {}) {
    Open(std::move(options));
    list_ = backend_->GetListState(kList);
  }
  static TieredStateOptions Small(size_t memory_bytes) {
    TieredStateOptions options;
    options.memory_bytes = memory_bytes;
    return options;
  }
  void Add(int64_t key, int64_t element) {
    SetKey(key);
    list_.Add(element);
  }
  std::vector<int64_t> List(int64_t key) {
    SetKey(key);
    return list_.Get();
  }
  void Restart(const KeyedStateIncrement& increment, TieredStateOptions options = {}) {
    Start(std::move(options));
    ASSERT_EQ(backend_->RestoreIncrements({&increment, 1}), absl::OkStatus());
  }
  uint64_t Reads() const { return backend_->counters().misses + backend_->counters().prefetched; }
  /// Lists in RocksDB alone.
  void StartCold(int64_t keys, int64_t elements, TieredStateOptions options = {}) {
    Start();
    for (int64_t key = 0; key < keys; ++key) {
      for (int64_t i = 0; i < elements; ++i) Add(key, i);
    }
    Materialise();
    cold_ = Increment();
    Restart(cold_, std::move(options));
  }

  CountingEnv counting_;
  PinlessDisk pinless_;
  KeyedStateIncrement cold_;
  ListState<int64_t> list_;
};

TEST_F(TieredListsTest, AddDoesNotRead) {
  constexpr int64_t kKeys = 200;
  TieredStateOptions options;
  options.env = &counting_;
  options.block_cache_bytes = 0;
  StartCold(kKeys, 300, options);
  for (int64_t round = 0; round < 3; ++round) {
    const size_t read_bytes = counting_.read_bytes;
    for (int64_t key = 0; key < kKeys; ++key) Add(key, 300 + round);
    EXPECT_EQ(Reads(), 0u);
    EXPECT_EQ(counting_.read_bytes, read_bytes);
    Materialise();
    EXPECT_EQ(backend_->counters().materialised, static_cast<uint64_t>(round + 1));
  }
  const size_t read_bytes = counting_.read_bytes;
  EXPECT_EQ(backend_->num_entries(), static_cast<size_t>(kKeys));
  for (int64_t key = 0; key < kKeys; ++key) ASSERT_EQ(List(key), Numbers(303)) << key;
  EXPECT_EQ(Reads(), static_cast<uint64_t>(kKeys));
  EXPECT_GT(counting_.read_bytes, read_bytes);
}

TEST_F(TieredListsTest, UpdateDoesNotRead) {
  StartCold(2, 300);
  Add(0, 300);
  for (int64_t key = 0; key < 2; ++key) {
    SetKey(key);
    list_.Update({7, 8});
    EXPECT_THAT(list_.Get(), ElementsAre(7, 8));
  }
  EXPECT_EQ(Reads(), 0u);
  Restart(Increment());
  EXPECT_THAT(List(0), ElementsAre(7, 8));
  EXPECT_THAT(List(1), ElementsAre(7, 8));
}

TEST_F(TieredListsTest, WhatIsOnlyAddedToIsNotPrefetched) {
  StartCold(64, 100);
  std::vector<std::string> keys;
  std::vector<KeyRef> refs;
  for (int64_t key = 0; key < 64; ++key) keys.push_back(EncodeKey(key));
  for (const std::string& key : keys) refs.push_back(KeyRefOf(key, kMaxParallelism));
  for (int64_t batch = 0; batch < 17; ++batch) {
    backend_->BeginBatch();
    // The first time nobody knows.
    if (batch > 0) backend_->Prefetch(absl::MakeSpan(refs).subspan(0, 32));
    if (batch == 0) backend_->Prefetch(absl::MakeSpan(refs).subspan(32));
    for (int64_t key = 0; key < 32; ++key) Add(key, batch);
  }
  // Of this state and of the other one.
  EXPECT_EQ(backend_->counters().prefetched, 2 * 32u);
  EXPECT_EQ(backend_->counters().misses, 0u);
}

TEST_F(TieredListsTest, AnIncrementCostsWhatWasAdded) {
  StartCold(1, 10'000);
  Add(0, 10'000);
  KeyedStateIncrement increment = Increment();
  ASSERT_TRUE(absl::EndsWith(increment.files.back().name, ".log"));
  EXPECT_LT(increment.files.back().size_bytes, 150u);
  // Also when all of it is in memory.
  EXPECT_EQ(List(0), Numbers(10'001));
  Materialise();
  Add(0, 10'001);
  increment = Increment();
  EXPECT_LT(increment.files.back().size_bytes, 150u);
  Restart(increment);
  EXPECT_EQ(List(0), Numbers(10'002));
}

// In every state that a layer may be in there is a part of the list.
TEST_F(TieredListsTest, PartsOfAllLayersAreOneList) {
  StartCold(1, 1000);
  int64_t next = 1000;
  std::vector<std::unique_ptr<FrozenState>> frozen;
  for (int round = 0; round < 3; ++round) {
    Add(0, next++);
    if (round < 2) frozen.push_back(Freeze());
  }
  pool_.Hold();
  Materialise();
  Add(0, next++);
  EXPECT_EQ(List(0), Numbers(next));
  Add(0, next++);
  EXPECT_EQ(List(0), Numbers(next));
  pool_.Release();
  EXPECT_EQ(List(0), Numbers(next));
  Materialise();
  Add(0, next++);
  EXPECT_EQ(List(0), Numbers(next));
  Materialise();
  // As they were at their barriers.
  for (int64_t round = 0; round < 2; ++round) {
    const auto increment = frozen[static_cast<size_t>(round)]->WriteIncrement();
    ASSERT_TRUE(increment.ok()) << increment.status();
    Restart(*increment);
    EXPECT_EQ(List(0), Numbers(1001 + round));
  }
}

// RocksDB has them already, and the task does not know of it.
TEST_F(TieredListsTest, AppendsThatAreBeingWrittenAreNotReadTwice) {
  StartCold(3, 500);
  for (int64_t key = 0; key < 3; ++key) Add(key, 500);
  pool_.Hold();
  clock_.Advance(absl::Seconds(11));
  backend_->BeginBatch();
  EXPECT_EQ(List(0), Numbers(501));
  pool_.Release();
  EXPECT_EQ(List(1), Numbers(501));
  Add(2, 501);
  EXPECT_EQ(List(2), Numbers(502));
  backend_->BeginBatch();
  EXPECT_EQ(backend_->counters().materialised, 1u);
  EXPECT_EQ(List(2), Numbers(502));
  Materialise();
  Restart(Increment());
  EXPECT_EQ(List(0), Numbers(501));
  EXPECT_EQ(List(2), Numbers(502));
}

// Then the same layers are written once more.
TEST_F(TieredListsTest, AppendsAreNotWrittenTwiceWhenFilesCannotBePinned) {
  TieredStateOptions options;
  options.env = &pinless_;
  StartCold(2, 500, options);
  Add(0, 500);
  pinless_.full = true;
  Materialise();
  EXPECT_EQ(backend_->counters().materialised, 0u);
  EXPECT_EQ(List(0), Numbers(501));
  Add(0, 501);
  Add(1, 500);
  clock_.Advance(absl::Seconds(11));
  Materialise();
  EXPECT_EQ(List(1), Numbers(501));
  Add(1, 501);
  const KeyedStateIncrement before = Increment();
  pinless_.full = false;
  Materialise();
  EXPECT_EQ(backend_->counters().materialised, 1u);
  EXPECT_EQ(backend_->status(), absl::OkStatus());
  const KeyedStateIncrement after = Increment();
  for (const KeyedStateIncrement& increment : {before, after}) {
    Restart(increment);
    EXPECT_EQ(List(0), Numbers(502));
    EXPECT_EQ(List(1), Numbers(502));
  }
}

TEST_F(TieredListsTest, WhatIsClearedComesBackEmpty) {
  StartCold(4, 500);
  for (int64_t key = 0; key < 4; ++key) Add(key, 500);
  SetKey(0);
  list_.Clear();
  const auto frozen = Freeze();
  SetKey(1);
  list_.Clear();
  SetKey(2);
  list_.Clear();
  list_.Add(1);
  Materialise();
  Restart(Increment());
  EXPECT_THAT(List(0), IsEmpty());
  EXPECT_THAT(List(1), IsEmpty());
  EXPECT_THAT(List(2), ElementsAre(1));
  EXPECT_EQ(List(3), Numbers(501));
  EXPECT_EQ(backend_->num_entries(), 2u);
}

// The clean-up comes by what is in memory of a list, and the rest is in RocksDB.
TEST_F(TieredListsTest, CleanUpKnowsThatThereIsMore) {
  Start();
  auto expiring = backend_->GetListState(kExpiring);
  for (int64_t key = 0; key < 4; ++key) {
    SetKey(key);
    for (int64_t i = 0; i < 200; ++i) expiring.Add(i);
  }
  Materialise();
  Restart(Increment());
  expiring = backend_->GetListState(kExpiring);
  // What is added now stays in memory.
  pool_.Hold();
  const auto pass = [this](absl::Duration time) {
    clock_.Advance(time);
    backend_->BeginBatch();
    for (int i = 0; i < 100; ++i) backend_->CleanUpExpired(1);
  };
  pass(absl::Seconds(50));
  for (int64_t key = 0; key < 2; ++key) {
    SetKey(key);
    expiring.Add(200);
  }
  pass(absl::ZeroDuration());
  SetKey(0);
  EXPECT_EQ(expiring.Get(), Numbers(201));
  // What was there before has expired.
  pass(absl::Seconds(50));
  SetKey(2);
  expiring.Add(200);
  pass(absl::ZeroDuration());
  EXPECT_EQ(backend_->num_entries(), 3u);
  for (int64_t key = 0; key < 3; ++key) {
    SetKey(key);
    EXPECT_THAT(expiring.Get(), ElementsAre(200)) << key;
  }
  EXPECT_EQ(backend_->status(), absl::OkStatus());
  pool_.Release();
}

TEST_F(TieredListsTest, CleanUpRemovesWhatWasAddedAndHasExpired) {
  Start();
  auto expiring = backend_->GetListState(kExpiring);
  SetKey(0);
  expiring.Add(0);
  Materialise();
  Restart(Increment());
  expiring = backend_->GetListState(kExpiring);
  pool_.Hold();
  for (int64_t key = 0; key < 50; ++key) {
    SetKey(key);
    expiring.Add(1);
  }
  clock_.Advance(absl::Seconds(200));
  backend_->BeginBatch();
  for (int i = 0; i < 500; ++i) backend_->CleanUpExpired(3);
  EXPECT_EQ(backend_->num_entries(), 0u);
  pool_.Release();
}

// What was appended by a restored log is in memory as bytes.
TEST_F(TieredListsTest, RestoredAppendsAreAddedTo) {
  StartCold(2, 300);
  Add(0, 300);
  const KeyedStateIncrement once = Increment();
  Restart(once);
  Add(0, 301);
  Add(1, 300);
  const KeyedStateIncrement twice = Increment();
  EXPECT_EQ(Reads(), 0u);
  EXPECT_EQ(List(0), Numbers(302));
  Restart(twice);
  Add(0, 302);
  Materialise();
  EXPECT_EQ(List(0), Numbers(303));
  EXPECT_EQ(List(1), Numbers(301));
}

TEST_F(TieredListsTest, OtherSubtasksTakeTheirGroups) {
  StartCold(40, 100);
  for (int64_t round = 0; round < 3; ++round) {
    for (int64_t key = 0; key < 40; ++key) Add(key, 100 + round);
    // Behind the last one the appends are in the log.
    if (round < 2) Materialise();
  }
  const KeyedStateIncrement increment = Increment();
  size_t entries = 0;
  for (const KeyGroupRange range : {KeyGroupRange{0, 5}, KeyGroupRange{5, kMaxParallelism}}) {
    TieredStateOptions options;
    options.instance = absl::StrCat("part-", range.first);
    options.directory = directory_.File(options.instance);
    auto part = *TieredKeyedStateBackend::Open(
        {"count", StateCodec<int64_t>::Schema(), kMaxParallelism, range}, options, clock_, pool_);
    auto list = part->GetListState(kList);
    ASSERT_EQ(part->RestoreIncrements({&increment, 1}), absl::OkStatus());
    for (int64_t key = 0; key < 40; ++key) {
      const std::string bytes = EncodeKey(key);
      const KeyRef ref = KeyRefOf(bytes, kMaxParallelism);
      if (!range.Contains(ref.group)) continue;
      part->SetCurrentKey(ref);
      ASSERT_EQ(list.Get(), Numbers(103));
    }
    entries += part->num_entries();
  }
  EXPECT_EQ(entries, 40u);
}

// All parts of a list have one schema: where elements of another one may be there, it is read.
TEST_F(TieredListsTest, ElementsOfAnotherSchemaAreReadFirst) {
  Open();
  auto narrow = backend_->GetListState(ListStateDescriptor<int32_t>("list"));
  for (int64_t key = 0; key < 2; ++key) {
    SetKey(key);
    for (int32_t i = 0; i < 300; ++i) narrow.Add(i);
  }
  Materialise();
  Restart(Increment());
  Add(0, 300);
  EXPECT_EQ(Reads(), 1u);
  EXPECT_EQ(List(0), Numbers(301));
  EXPECT_EQ(List(1), Numbers(300));
  // Nobody asks for it, and it goes on into the next snapshots.
  const KeyedStateIncrement increment = Increment();
  Open();
  ASSERT_EQ(backend_->RestoreIncrements({&increment, 1}), absl::OkStatus());
  const absl::StatusOr<std::string> snapshot = Freeze()->Write();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  Start();
  const absl::string_view views[] = {*snapshot};
  ASSERT_EQ(backend_->Restore(views), absl::OkStatus());
  EXPECT_EQ(List(0), Numbers(301));
  EXPECT_EQ(List(1), Numbers(300));
}

// Appends that nobody asks for become one list in a canonical snapshot.
TEST_F(TieredListsTest, UnclaimedPartsBecomeOneList) {
  StartCold(1, 300);
  for (int64_t round = 0; round < 3; ++round) {
    Add(0, 300 + round);
    if (round < 2) Materialise();
  }
  const KeyedStateIncrement increment = Increment();
  Open();
  ASSERT_EQ(backend_->RestoreIncrements({&increment, 1}), absl::OkStatus());
  const absl::StatusOr<std::string> snapshot = Freeze()->Write();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  Start();
  const absl::string_view views[] = {*snapshot};
  ASSERT_EQ(backend_->Restore(views), absl::OkStatus());
  EXPECT_EQ(List(0), Numbers(303));
}

TEST_F(TieredListsTest, WhatIsBelowAnAppendGivesWay) {
  constexpr size_t kMemoryBytes = 512u << 10;
  StartCold(8, 4000, Small(kMemoryBytes));
  // All lists together are 256 KB; each is read, and then added to in every round.
  for (int64_t round = 0; round < 30; ++round) {
    for (int64_t key = 0; key < 8; ++key) {
      backend_->BeginBatch();
      Add(key, 4000 + round);
      if (round == key) {
        ASSERT_EQ(List(key), Numbers(4001 + round));
      }
    }
    for (int64_t key = 0; key < 200; ++key) Put(key, std::string(500, 'x'));
    if (round % 3 == 0) (void)Increment();
    ASSERT_LE(backend_->memory_bytes(), kMemoryBytes * 5 / 4);
  }
  for (int64_t key = 0; key < 8; ++key) ASSERT_EQ(List(key), Numbers(4030));
  EXPECT_EQ(backend_->status(), absl::OkStatus());
}

/// So many changes behind 1 MB, and what they cost.
struct Cost {
  size_t written_bytes = 0;
  double cpu_seconds = 0;
};

// The whole list would be read and written again and again.
TEST_F(TieredListsTest, AHundredThousandAddsToOneKeyCostAsPutsDo) {
  constexpr int64_t kChanges = 100'000;
  constexpr size_t kMemoryBytes = 1u << 20;
  const auto cost_of = [this](const std::function<void(int64_t)>& change) {
    TieredStateOptions options = Small(kMemoryBytes);
    options.env = &counting_;
    Start(options);
    const size_t before = counting_.written_bytes;
    Cost cost;
    size_t most = 0;
    cost.cpu_seconds = CpuSeconds([&] {
      for (int64_t i = 0; i < kChanges; ++i) {
        if (i % 1000 == 0) backend_->BeginBatch();
        change(i);
        most = std::max(most, backend_->memory_bytes());
      }
    });
    cost.written_bytes = counting_.written_bytes - before;
    EXPECT_EQ(backend_->status(), absl::OkStatus());
    EXPECT_LE(most, kMemoryBytes + kMemoryBytes / 4);
    return cost;
  };
  const Cost puts = cost_of([this](int64_t i) { Put(i, "12345678"); });
  const Cost adds = cost_of([this](int64_t i) { Add(7, i); });
  EXPECT_EQ(Reads(), 0u);
  EXPECT_EQ(List(7), Numbers(kChanges));
  EXPECT_LT(adds.written_bytes, puts.written_bytes);
  // Thirty times less is what is measured (docs/performance.md).
  EXPECT_LT(adds.cpu_seconds, puts.cpu_seconds);
  RecordProperty("cpu_ratio", std::to_string(adds.cpu_seconds / puts.cpu_seconds));
}

}  // namespace
}  // namespace weir
