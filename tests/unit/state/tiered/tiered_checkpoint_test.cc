// What increments of the tier are made of, and when a checkpoint is declined.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "state/tiered/local_file.h"
#include "state/tiered/tier_manifest.h"
#include "tests/support/process_cpu.h"
#include "tests/unit/state/tiered/tiered_backend_test.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class TieredCheckpointTest : public TieredBackendTest {
 protected:
  static size_t Bytes(const KeyedStateIncrement& increment) {
    size_t bytes = increment.manifest.size();
    for (const KeyedStateFile& file : increment.files) bytes += file.size_bytes;
    return bytes;
  }
  static std::set<std::string> Names(const KeyedStateIncrement& increment,
                                     const std::string& suffix) {
    std::set<std::string> names;
    for (const KeyedStateFile& file : increment.files) {
      if (absl::EndsWith(file.name, suffix)) names.insert(file.name);
    }
    return names;
  }
  bool Restored(const KeyedStateIncrement& increment) {
    Open();
    const absl::Status status = backend_->RestoreIncrements({&increment, 1});
    EXPECT_EQ(status, absl::OkStatus());
    return status.ok();
  }
};

TEST_F(TieredCheckpointTest, CostsWhatHasChanged) {
  Open();
  for (int64_t key = 0; key < 10'000; ++key) Put(key, "value");
  EXPECT_GT(Bytes(Increment()), 10'000u * 10);
  Materialise();
  const KeyedStateIncrement nothing = Increment();
  EXPECT_THAT(Names(nothing, ".log"), SizeIs(0));
  Put(5, "changed");
  const KeyedStateIncrement one = Increment();
  ASSERT_THAT(Names(one, ".log"), SizeIs(1));
  EXPECT_EQ(Names(one, ".sst"), Names(nothing, ".sst"));
  for (const KeyedStateFile& file : one.files) {
    if (absl::EndsWith(file.name, ".log")) {
      EXPECT_LT(file.size_bytes, 200u);
    }
  }
}

// The task's thread only hands layers over: the aim is 1 ms, and a look at each of these values,
// entries and timers would take many. The least of five, as others use the processor, too.
TEST_F(TieredCheckpointTest, ThePauseDoesNotGrowWithWhatHasChanged) {
  constexpr int64_t kDirty = 100'000;
  TieredStateOptions options;
  options.memory_bytes = size_t{512} << 20;
  Open(options);
  auto map = backend_->GetMapState(MapStateDescriptor<int64_t, int64_t>("map"));
  double least = 1;
  for (int64_t round = 0; round < 5; ++round) {
    for (int64_t key = 0; key < kDirty; ++key) {
      Put(key, "value");
      map.Put(round, key);
      backend_->timers().Register(TimeDomain::kEventTime, round * kDirty + key);
    }
    const double before = ThreadCpuSeconds();
    const std::unique_ptr<FrozenState> frozen = Freeze();
    least = std::min(least, ThreadCpuSeconds() - before);
    const absl::StatusOr<KeyedStateIncrement> increment = frozen->WriteIncrement();
    ASSERT_TRUE(increment.ok()) << increment.status();
    EXPECT_GT(Bytes(*increment), static_cast<size_t>(kDirty) * 20);
  }
  EXPECT_LT(least, 0.001);
}

TEST_F(TieredCheckpointTest, ANameStandsForTheSameBytesForEver) {
  Open();
  std::map<std::string, std::string> bytes;
  KeyedStateIncrement last;
  for (int64_t round = 0; round < 12; ++round) {
    for (int64_t key = 0; key < 300; ++key) Put((key * round) % 500, absl::StrCat(round));
    if (round % 3 == 2) Materialise();
    last = Increment();
    for (const KeyedStateFile& file : last.files) {
      const std::string contents = *ReadLocalFile(file.path);
      EXPECT_EQ(contents.size(), file.size_bytes) << file.name;
      EXPECT_EQ(bytes.emplace(file.name, contents).first->second, contents) << file.name;
    }
    if (round != 7) continue;
    // Also over a restore: the tables are known by the names they were uploaded under.
    const std::set<std::string> tables = Names(last, ".sst");
    ASSERT_TRUE(Restored(last));
    EXPECT_EQ(Names(Increment(), ".sst"), tables);
  }
  ASSERT_TRUE(Restored(last));
  EXPECT_EQ(Get(0), "11");
}

TEST_F(TieredCheckpointTest, AMaterialisationAfterFreezeChangesNothing) {
  Open();
  Put(1, "one");
  pool_.Hold();
  Materialise();  // begins
  Put(2, "two");
  const auto frozen = Freeze();
  Put(1, "later");
  pool_.Release();
  Materialise();
  const auto increment = frozen->WriteIncrement();
  ASSERT_TRUE(increment.ok()) << increment.status();
  ASSERT_TRUE(Restored(*increment));
  EXPECT_EQ(Get(1), "one");
  EXPECT_EQ(Get(2), "two");
}

TEST_F(TieredCheckpointTest, ReadsGoOnWhileLayersAreWritten) {
  Open();
  for (int64_t key = 0; key < 100; ++key) Put(key, "old");
  Materialise();
  for (int64_t key = 0; key < 50; ++key) Put(key, "new");
  SetKey(60);
  value_.Clear();
  pool_.Hold();
  Materialise();
  EXPECT_EQ(Get(10), "new");
  EXPECT_EQ(Get(60), std::nullopt);
  EXPECT_EQ(Get(70), "old");
  Put(10, "newest");
  pool_.Release();
  backend_->BeginBatch();
  EXPECT_EQ(Get(10), "newest");
  EXPECT_EQ(Get(60), std::nullopt);
  EXPECT_EQ(backend_->num_entries(), 99u);
}

TEST_F(TieredCheckpointTest, TwoUnwrittenOnesDeclineTheThird) {
  Open();
  Put(1, "one");
  const auto first = Freeze();
  Put(1, "two");
  auto second = Freeze();
  Put(1, "three");
  EXPECT_EQ(backend_->Freeze().status(),
            absl::UnavailableError(absl::StrCat(
                "operator 'count': the checkpoint is declined: the state of 2 earlier ones is not "
                "yet written to ",
                path_)));
  EXPECT_EQ(Get(1), "three");
  ASSERT_TRUE(first->WriteIncrement().ok());
  const auto third = backend_->Freeze();
  ASSERT_TRUE(third.ok());
  EXPECT_FALSE(backend_->Freeze().ok());
  // One that is given up counts no more, and what it had is in the next.
  second.reset();
  const auto increment = (*third)->WriteIncrement();
  ASSERT_TRUE(increment.ok());
  EXPECT_TRUE(backend_->Freeze().ok());
  ASSERT_TRUE(Restored(*increment));
  EXPECT_EQ(Get(1), "three");
}

TEST_F(TieredCheckpointTest, FilesGoWithWhoeverNamesThem) {
  Open();
  Put(1, "one");
  Materialise();
  Put(2, "two");
  auto increment = std::make_unique<KeyedStateIncrement>(Increment());
  std::vector<std::string> paths;
  for (const KeyedStateFile& file : increment->files) paths.push_back(file.path);
  Put(3, "three");
  Materialise();
  backend_.reset();
  for (const std::string& path : paths) EXPECT_TRUE(std::filesystem::exists(path)) << path;
  EXPECT_FALSE(std::filesystem::exists(path_ + "/db"));
  increment.reset();
  for (const std::string& path : paths) EXPECT_FALSE(std::filesystem::exists(path)) << path;
}

TEST_F(TieredCheckpointTest, ManyStatesOfManySubtasksAreRenumbered) {
  std::vector<KeyedStateIncrement> increments;
  for (const KeyGroupRange range : {KeyGroupRange{0, 7}, KeyGroupRange{7, kMaxParallelism}}) {
    TieredStateOptions tiered;
    tiered.instance = absl::StrCat("part-", range.first);
    tiered.directory = directory_.File(tiered.instance);
    auto part = *TieredKeyedStateBackend::Open(
        {"count", StateCodec<int64_t>::Schema(), kMaxParallelism, range}, tiered, clock_, pool_);
    // In another order, so they have other numbers.
    const char* names[] = {range.first == 0 ? "a" : "value", range.first == 0 ? "value" : "a"};
    for (const char* name : names) {
      auto state = part->GetState(ValueStateDescriptor<std::string>(name));
      for (int64_t key = 0; key < 200; ++key) {
        const std::string bytes = EncodeKey(key);
        const KeyRef ref = KeyRefOf(bytes, kMaxParallelism);
        if (!range.Contains(ref.group)) continue;
        part->SetCurrentKey(ref);
        state.Update(absl::StrCat(name, key));
      }
      clock_.Advance(absl::Seconds(11));
      part->BeginBatch();
      part->BeginBatch();
    }
    increments.push_back(*(*part->Freeze())->WriteIncrement());
  }
  Open();
  auto a = backend_->GetState(ValueStateDescriptor<std::string>("a"));
  ASSERT_EQ(backend_->RestoreIncrements(increments), absl::OkStatus());
  EXPECT_EQ(backend_->num_entries(), 400u);
  for (int64_t key = 0; key < 200; ++key) {
    EXPECT_EQ(Get(key), absl::StrCat("value", key));
    EXPECT_EQ(a.Value(), absl::StrCat("a", key));
  }
}

}  // namespace
}  // namespace weir
