// Increments of keyed state, on every backend: what comes back from a chain of them, at which
// parallelism, as which types; and that every backend restores what any other wrote canonically.
#include <gmock/gmock.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/contract/keyed_state_test.h"

namespace weir {
namespace {

using testing::HasSubstr;

struct Old {
  int32_t count = 0;
  std::string dropped;
  WEIR_RECORD(Old, count, dropped)
};
struct New {
  int64_t count = 0;
  std::string added = "new";
  WEIR_RECORD(New, count, added)
};

const ValueStateDescriptor<std::string> kValue("value");
const ListStateDescriptor<int64_t> kList("list");
const MapStateDescriptor<std::string, int64_t> kMap("map");

class KeyedStateIncrementTest : public KeyedStateTest {
 protected:
  void GetStates() {
    value_ = backend_->GetState(kValue);
    list_ = backend_->GetListState(kList);
    map_ = backend_->GetMapState(kMap);
  }
  /// Changes a part of the keys, each round another one.
  void Change(int64_t round) {
    backend_->BeginBatch();
    for (int64_t key = 0; key < kKeys; ++key) {
      if ((key + round) % 3 == 0) continue;
      SetKey(key);
      if ((key + round) % 5 == 0) {
        value_.Clear();
        list_.Clear();
        map_.Remove("a");
      } else {
        value_.Update(absl::StrCat("value of ", key, " in round ", round));
        list_.Add(round);
        map_.Put(absl::StrCat("b", round % 4), round);
        map_.Put("a", key);
      }
      backend_->timers().Register(TimeDomain::kEventTime, 100 * round + key);
    }
    while (backend_->timers().PopDue(TimeDomain::kEventTime, 100 * round - 50)) continue;
    backend_->timers().AdvanceWatermark(EventTime::FromMicros(round));
  }
  absl::Status RestoreIncrement(const KeyedStateIncrement& increment) {
    return backend_->RestoreIncrements({&increment, 1});
  }

  static constexpr int64_t kKeys = 200;
  ValueState<std::string> value_;
  ListState<int64_t> list_;
  MapState<std::string, int64_t> map_;
};
WEIR_FOR_ALL_BACKENDS(KeyedStateIncrementTest);

TEST_P(KeyedStateIncrementTest, EachOneIsTheWholeState) {
  GetStates();
  std::vector<std::string> snapshots;
  std::vector<KeyedStateIncrement> increments;
  for (int64_t round = 0; round < 8; ++round) {
    Change(round);
    snapshots.push_back(Snapshot(*backend_));
    increments.push_back(Increment(*backend_));
  }
  for (size_t i = 0; i < increments.size(); ++i) {
    Reopen();
    if (i % 2 == 0) GetStates();
    ASSERT_EQ(RestoreIncrement(increments[i]), absl::OkStatus());
    if (i % 2 != 0) GetStates();
    EXPECT_EQ(Snapshot(*backend_), snapshots[i]) << i;
  }
}

TEST_P(KeyedStateIncrementTest, GoesOnFromARestoredOne) {
  GetStates();
  for (int64_t round = 0; round < 6; ++round) {
    Change(round);
    const std::string snapshot = Snapshot(*backend_);
    const KeyedStateIncrement increment = Increment(*backend_);
    Reopen();
    ASSERT_EQ(RestoreIncrement(increment), absl::OkStatus());
    GetStates();
    ASSERT_EQ(Snapshot(*backend_), snapshot) << round;
  }
}

TEST_P(KeyedStateIncrementTest, OutlivesItsBackend) {
  GetStates();
  Change(1);
  const std::unique_ptr<FrozenState> frozen = Freeze(*backend_);
  const std::string snapshot = Snapshot(*backend_);
  Change(2);
  Reopen();
  const absl::StatusOr<KeyedStateIncrement> increment = frozen->WriteIncrement();
  ASSERT_TRUE(increment.ok()) << increment.status();
  ASSERT_EQ(RestoreIncrement(*increment), absl::OkStatus());
  GetStates();
  EXPECT_EQ(Snapshot(*backend_), snapshot);
}

/// 1 -> 3 -> 2 subtasks.
TEST_P(KeyedStateIncrementTest, Rescale) {
  GetStates();
  for (int64_t round = 0; round < 3; ++round) Change(round);
  std::vector<KeyedStateIncrement> increments{Increment(*backend_)};
  const std::string before = Snapshot(*backend_);
  for (const uint32_t parallelism : {3u, 2u}) {
    std::vector<KeyedStateIncrement> next;
    for (uint32_t subtask = 0; subtask < parallelism; ++subtask) {
      auto backend = Make(DefaultKeyGroupRange(subtask, {parallelism, kMaxParallelism}));
      ASSERT_EQ(backend->RestoreIncrements(increments), absl::OkStatus());
      (void)backend->GetState(kValue);
      next.push_back(Increment(*backend));
    }
    increments = std::move(next);
  }
  Reopen();
  ASSERT_EQ(backend_->RestoreIncrements(increments), absl::OkStatus());
  GetStates();
  EXPECT_EQ(Snapshot(*backend_), before);
}

TEST_P(KeyedStateIncrementTest, AStateThatNobodyAsksForGoesOn) {
  GetStates();
  for (int64_t round = 0; round < 3; ++round) Change(round);
  const std::string snapshot = Snapshot(*backend_);
  for (int i = 0; i < 3; ++i) {
    const KeyedStateIncrement increment = Increment(*backend_);
    Reopen();
    ASSERT_EQ(RestoreIncrement(increment), absl::OkStatus());
  }
  GetStates();
  EXPECT_EQ(Snapshot(*backend_), snapshot);
}

TEST_P(KeyedStateIncrementTest, ChangedRecordsAreMigrated) {
  auto old = backend_->GetState(ValueStateDescriptor<Old>("record"));
  for (int32_t key = 0; key < 100; ++key) {
    SetKey(key);
    old.Update({key, "gone"});
  }
  for (int round = 0; round < 3; ++round) {
    const KeyedStateIncrement increment = Increment(*backend_);
    Reopen();
    ASSERT_EQ(RestoreIncrement(increment), absl::OkStatus());
    auto migrated = backend_->GetState(ValueStateDescriptor<New>("record"));
    ASSERT_EQ(backend_->status(), absl::OkStatus());
    // Half of them stay in their old form.
    for (int64_t key = 0; key < 100; ++key) {
      SetKey(key);
      ASSERT_NE(migrated.Peek(), nullptr);
      EXPECT_EQ(migrated.Peek()->count, key);
      EXPECT_EQ(migrated.Peek()->added, key % 2 == 0 && round > 0 ? "changed" : "new");
      if (key % 2 == 0) migrated.Update({key, "changed"});
    }
  }
  const KeyedStateIncrement increment = Increment(*backend_);
  Reopen();
  (void)backend_->GetState(ValueStateDescriptor<std::string>("record"));
  EXPECT_THAT(RestoreIncrement(increment).message(),
              HasSubstr("operator 'count': state 'record' cannot be restored"));
}

TEST_P(KeyedStateIncrementTest, AStateMayGetATtl) {
  const StateTtl ttl{std::chrono::seconds(10)};
  auto value = backend_->GetState(ValueStateDescriptor<int64_t>("ttl"));
  for (int64_t key = 0; key < 100; ++key) {
    SetKey(key);
    value.Update(key);
  }
  KeyedStateIncrement increment = Increment(*backend_);
  Reopen();
  ASSERT_EQ(RestoreIncrement(increment), absl::OkStatus());
  value = backend_->GetState(ValueStateDescriptor<int64_t>("ttl", ttl));
  Pass(absl::Seconds(6));
  increment = Increment(*backend_);
  Reopen();
  ASSERT_EQ(RestoreIncrement(increment), absl::OkStatus());
  value = backend_->GetState(ValueStateDescriptor<int64_t>("ttl", ttl));
  SetKey(7);
  EXPECT_EQ(value.Value(), 7);
  Pass(absl::Seconds(4));
  // Not 10 s from the second restore.
  EXPECT_EQ(value.Value(), std::nullopt);
}

TEST_P(KeyedStateIncrementTest, EveryGroupComesFromOne) {
  const KeyedStateIncrement part = Increment(*Make(KeyGroupRange{0, 10}));
  EXPECT_THAT(RestoreIncrement(part).message(), HasSubstr("key group 10 is in 0 of"));
}

TEST_P(KeyedStateIncrementTest, CanonicalSnapshotsAreForEveryBackend) {
  GetStates();
  for (int64_t round = 0; round < 3; ++round) Change(round);
  const std::string snapshot = Snapshot(*backend_);
  for (const KeyedStateBackendKind& kind : AllKeyedStateBackends()) {
    auto other = kind.make(*ground_,
                           {"count", StateCodec<int64_t>::Schema(), kMaxParallelism,
                            KeyGroupRange{0, kMaxParallelism}},
                           clock_);
    ASSERT_EQ(Restore(*other, {snapshot}), absl::OkStatus()) << kind.name;
    (void)other->GetState(kValue);
    (void)other->GetListState(kList);
    (void)other->GetMapState(kMap);
    EXPECT_EQ(Snapshot(*other), snapshot) << kind.name;
    const KeyedStateIncrement canonical{snapshot, {}};
    auto again = Make();
    EXPECT_EQ(again->RestoreIncrements({&canonical, 1}), absl::OkStatus());
  }
}

TEST_P(KeyedStateIncrementTest, OfTheTierAreNotForTheHeap) {
  GetStates();
  Change(1);
  const KeyedStateIncrement increment = Increment(*backend_);
  auto heap = ground_->Heap(
      {"count", StateCodec<int64_t>::Schema(), kMaxParallelism, KeyGroupRange{0, kMaxParallelism}},
      clock_);
  const absl::Status status = heap->RestoreIncrements({&increment, 1});
  if (std::string(GetParam().name) == "Heap") {
    EXPECT_EQ(status, absl::OkStatus());
  } else {
    EXPECT_EQ(status, absl::FailedPreconditionError(
                          "operator 'count': the state in memory cannot be restored from a "
                          "checkpoint of the RocksDB backend: restore it with that backend"));
  }
}

}  // namespace
}  // namespace weir
