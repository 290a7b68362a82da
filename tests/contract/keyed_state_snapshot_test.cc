// Snapshots of keyed state, on every backend: what comes back, at which parallelism, as which
// types.
#include <gmock/gmock.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/failure_policy.h"
#include "tests/contract/keyed_state_test.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

struct Old {
  int32_t count = 0;
  std::string name;
  std::string dropped;
  WEIR_RECORD(Old, count, name, dropped)
};
struct New {
  std::optional<double> added = 2.5;
  std::string name;
  int64_t count = 0;
  int32_t added_too = 7;
  WEIR_RECORD(New, added, name, count, added_too)
};
struct Other {
  std::string count;
  std::string name;
  WEIR_RECORD(Other, count, name)
};

class KeyedStateSnapshotTest : public KeyedStateTest {};
WEIR_FOR_ALL_BACKENDS(KeyedStateSnapshotTest);

TEST_P(KeyedStateSnapshotTest, EverythingComesBack) {
  const ValueStateDescriptor<int64_t> value_descriptor("value");
  const ListStateDescriptor<std::string> list_descriptor("list");
  const MapStateDescriptor<std::string, Old> map_descriptor("map");
  auto value = backend_->GetState(value_descriptor);
  auto list = backend_->GetListState(list_descriptor);
  auto map = backend_->GetMapState(map_descriptor);
  for (int64_t key = 0; key < 100; ++key) {
    SetKey(key);
    value.Update(key * 3);
    list.AddAll({absl::StrCat(key), "x"});
    map.Put("a", {static_cast<int32_t>(key), "n", ""});
    map.Put("", {});
  }
  // Some registered before the restore, some after.
  const std::string snapshot = Snapshot(*backend_);
  Reopen();
  value = backend_->GetState(value_descriptor);
  ASSERT_TRUE(Restore(*backend_, {snapshot}).ok());
  list = backend_->GetListState(list_descriptor);
  map = backend_->GetMapState(map_descriptor);
  EXPECT_EQ(backend_->num_entries(), 100u + 100u + 200u);
  for (int64_t key = 0; key < 100; ++key) {
    SetKey(key);
    EXPECT_EQ(value.Value(), key * 3);
    EXPECT_THAT(list.Get(), ElementsAre(absl::StrCat(key), "x"));
    EXPECT_EQ(map.Get("a")->count, key);
    EXPECT_TRUE(map.Contains(""));
  }
  EXPECT_EQ(Snapshot(*backend_), snapshot);
}

TEST_P(KeyedStateSnapshotTest, WhatChangesAfterFreezeIsNotInIt) {
  const ValueStateDescriptor<int64_t> value_descriptor("value");
  const MapStateDescriptor<int64_t, int64_t> map_descriptor("map");
  auto value = backend_->GetState(value_descriptor);
  auto map = backend_->GetMapState(map_descriptor);
  SetKey(1);
  value.Update(1);
  map.Put(1, 1);
  backend_->timers().Register(TimeDomain::kEventTime, 10);
  const std::unique_ptr<FrozenState> first = Freeze(*backend_);
  value.Update(2);
  map.Put(2, 2);
  backend_->timers().Delete(TimeDomain::kEventTime, 10);
  backend_->timers().Register(TimeDomain::kEventTime, 20);
  backend_->timers().AdvanceWatermark(EventTime::FromMicros(5));
  const std::unique_ptr<FrozenState> second = Freeze(*backend_);
  value.Clear();
  map.Clear();
  SetKey(2);
  value.Update(3);

  const std::string first_bytes = *first->Write();
  const std::string second_bytes = *second->Write();
  Reopen();
  ASSERT_TRUE(Restore(*backend_, {first_bytes}).ok());
  value = backend_->GetState(value_descriptor);
  map = backend_->GetMapState(map_descriptor);
  SetKey(1);
  EXPECT_EQ(value.Value(), 1);
  EXPECT_THAT(map.Entries(), ElementsAre(Pair(1, 1)));
  EXPECT_EQ(backend_->timers().NextDue(TimeDomain::kEventTime), 10);
  EXPECT_EQ(backend_->timers().GroupWatermark(GroupOf(1)), EventTime::Min());

  Reopen();
  ASSERT_TRUE(Restore(*backend_, {second_bytes}).ok());
  value = backend_->GetState(value_descriptor);
  map = backend_->GetMapState(map_descriptor);
  SetKey(1);
  EXPECT_EQ(value.Value(), 2);
  EXPECT_THAT(map.Keys(), ElementsAre(1, 2));
  EXPECT_EQ(backend_->timers().NextDue(TimeDomain::kEventTime), 20);
  EXPECT_EQ(backend_->timers().GroupWatermark(GroupOf(1)), EventTime::FromMicros(5));
  SetKey(2);
  EXPECT_EQ(value.Value(), std::nullopt);
}

TEST_P(KeyedStateSnapshotTest, FrozenStateOutlivesItsBackend) {
  auto map = backend_->GetMapState(MapStateDescriptor<int64_t, std::string>("map"));
  SetKey(1);
  map.Put(1, "one");
  const std::unique_ptr<FrozenState> frozen = Freeze(*backend_);
  Reopen();
  ASSERT_TRUE(Restore(*backend_, {*frozen->Write()}).ok());
  map = backend_->GetMapState(MapStateDescriptor<int64_t, std::string>("map"));
  SetKey(1);
  EXPECT_EQ(map.Get(1), "one");
}

TEST_P(KeyedStateSnapshotTest, IsWrittenWhileTheTaskGoesOn) {
  auto value = backend_->GetState(ValueStateDescriptor<int64_t>("value"));
  auto list = backend_->GetListState(ListStateDescriptor<int64_t>("list"));
  auto map = backend_->GetMapState(MapStateDescriptor<int64_t, std::string>("map"));
  const auto change_all = [&](int64_t round) {
    for (int64_t key = 0; key < 50; ++key) {
      SetKey(key);
      value.Update(round);
      if (round % 7 == 0) list.Clear();
      list.Add(round);
      map.Put(round % 5, absl::StrCat("round ", round));
      backend_->timers().Register(TimeDomain::kEventTime, round);
    }
    while (backend_->timers().PopDue(TimeDomain::kEventTime, round - 2)) continue;
  };
  for (int64_t round = 0; round < 30; ++round) {
    change_all(round);
    const std::string before = Snapshot(*backend_);
    std::unique_ptr<FrozenState> frozen = Freeze(*backend_);
    std::string written;
    std::thread writer([frozen = std::move(frozen), &written]() mutable {
      written = *frozen->Write();
      frozen.reset();
    });
    change_all(round + 1);
    writer.join();
    EXPECT_EQ(written, before);
  }
}

/// 1 -> 3 -> 2 subtasks, each of which gets all snapshots and its range.
TEST_P(KeyedStateSnapshotTest, Rescale) {
  constexpr int64_t kKeys = 500;
  const ValueStateDescriptor<int64_t> descriptor("value");
  auto value = backend_->GetState(descriptor);
  for (int64_t key = 0; key < kKeys; ++key) {
    SetKey(key);
    value.Update(key);
    backend_->timers().Register(TimeDomain::kProcessingTime, key);
  }
  backend_->timers().AdvanceWatermark(EventTime::FromMicros(99));
  std::vector<std::string> snapshots{Snapshot(*backend_)};
  int64_t rounds = 0;
  for (const uint32_t parallelism : {3u, 2u}) {
    ++rounds;
    std::vector<std::string> next;
    int64_t keys = 0;
    int64_t timers = 0;
    for (uint32_t subtask = 0; subtask < parallelism; ++subtask) {
      const KeyGroupRange range = DefaultKeyGroupRange(subtask, {parallelism, kMaxParallelism});
      auto backend = Make(range);
      ASSERT_TRUE(Restore(*backend, snapshots).ok());
      auto mine = backend->GetState(descriptor);
      keys += static_cast<int64_t>(backend->num_entries());
      for (int64_t key = 0; key < kKeys; ++key) {
        if (!range.Contains(GroupOf(key))) continue;
        SetKey(*backend, key);
        ASSERT_EQ(mine.Value(), key * rounds);
        mine.Update(key * (rounds + 1));
      }
      EXPECT_EQ(backend->timers().GroupWatermark(range.first), EventTime::FromMicros(99));
      next.push_back(Snapshot(*backend));
      while (const auto timer = backend->timers().PopDue(TimeDomain::kProcessingTime, kKeys)) {
        EXPECT_EQ(timer->key, EncodeKey(timer->time_micros));
        EXPECT_TRUE(range.Contains(timer->group));
        ++timers;
      }
    }
    EXPECT_EQ(keys, kKeys);
    EXPECT_EQ(timers, kKeys);
    snapshots = std::move(next);
  }
}

TEST_P(KeyedStateSnapshotTest, AStateThatNobodyAsksForGoesOn) {
  const ValueStateDescriptor<int64_t> descriptor("forgotten");
  for (int64_t key = 0; key < 20; ++key) {
    SetKey(key);
    backend_->GetState(descriptor).Update(key);
  }
  const std::string snapshot = Snapshot(*backend_);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Reincarnate().ok());
    EXPECT_EQ(Snapshot(*backend_), snapshot);
  }
  auto state = backend_->GetState(descriptor);
  SetKey(3);
  EXPECT_EQ(state.Value(), 3);
}

TEST_P(KeyedStateSnapshotTest, ChangedRecordsAreMigrated) {
  backend_->GetListState(ListStateDescriptor<Old>("list"));
  auto old_map = backend_->GetMapState(MapStateDescriptor<int32_t, Old>("map"));
  auto old_list = backend_->GetListState(ListStateDescriptor<Old>("list"));
  auto old_nested = backend_->GetState(
      ValueStateDescriptor<std::vector<std::pair<uint8_t, std::optional<Old>>>>("nested"));
  SetKey(1);
  old_map.Put(-5, {1, "one", "gone"});
  old_list.AddAll({{2, "two", "gone"}, {-3, "three", ""}});
  old_nested.Update({{200, Old{4, "four", "gone"}}, {1, std::nullopt}});
  const std::string snapshot = Snapshot(*backend_);
  for (const bool register_first : {false, true}) {
    Reopen();
    MapState<int64_t, New> map;
    ListState<New> list;
    ValueState<std::vector<std::pair<uint32_t, std::optional<New>>>> nested;
    const auto get_states = [&] {
      map = backend_->GetMapState(MapStateDescriptor<int64_t, New>("map"));
      list = backend_->GetListState(ListStateDescriptor<New>("list"));
      nested = backend_->GetState(
          ValueStateDescriptor<std::vector<std::pair<uint32_t, std::optional<New>>>>("nested"));
    };
    if (register_first) get_states();
    ASSERT_EQ(Restore(*backend_, {snapshot}), absl::OkStatus());
    if (!register_first) get_states();
    ASSERT_EQ(backend_->status(), absl::OkStatus());
    SetKey(1);
    ASSERT_TRUE(map.Contains(-5));
    EXPECT_EQ(map.Peek(-5)->count, 1);
    EXPECT_EQ(map.Peek(-5)->name, "one");
    EXPECT_EQ(map.Peek(-5)->added, 2.5);
    EXPECT_EQ(map.Peek(-5)->added_too, 7);
    ASSERT_EQ(list.Get().size(), 2u);
    EXPECT_EQ(list.Get()[1].count, -3);
    ASSERT_EQ(nested.Value()->size(), 2u);
    EXPECT_EQ(nested.Value()->at(0).first, 200u);
    EXPECT_EQ(nested.Value()->at(0).second->name, "four");
    EXPECT_EQ(nested.Value()->at(1).second, std::nullopt);
  }
}

// A restart would meet it again.
absl::Status Refused(const char* sentence) {
  return WithFailurePolicy(absl::InvalidArgumentError(sentence), FailurePolicy::kFailJob);
}

TEST_P(KeyedStateSnapshotTest, WhatCannotBeMigratedIsRefused) {
  auto state = backend_->GetState(ValueStateDescriptor<Old>("state"));
  SetKey(1);
  state.Update({1, "one", ""});
  const std::string snapshot = Snapshot(*backend_);

  Reopen();
  (void)backend_->GetState(ValueStateDescriptor<Other>("state"));
  EXPECT_EQ(Restore(*backend_, {snapshot}),
            Refused("operator 'count': state 'state' cannot be restored: field 'count' was int32 "
                    "and is string"));
  Reopen();
  ASSERT_TRUE(Restore(*backend_, {snapshot}).ok());
  (void)backend_->GetState(ValueStateDescriptor<Other>("state"));
  EXPECT_EQ(backend_->status(),
            Refused("operator 'count': state 'state' cannot be restored: field 'count' was int32 "
                    "and is string"));
  Reopen();
  ASSERT_TRUE(Restore(*backend_, {snapshot}).ok());
  (void)backend_->GetListState(ListStateDescriptor<Old>("state"));
  EXPECT_EQ(backend_->status(),
            Refused("operator 'count': state 'state' cannot be restored: it was a value and is a "
                    "list"));
}

TEST_P(KeyedStateSnapshotTest, MapKeysMayBecomeWiderOnly) {
  (void)backend_->GetMapState(MapStateDescriptor<int64_t, int64_t>("map"));
  const std::string snapshot = Snapshot(*backend_);
  Reopen();
  ASSERT_TRUE(Restore(*backend_, {snapshot}).ok());
  (void)backend_->GetMapState(MapStateDescriptor<int32_t, int64_t>("map"));
  EXPECT_EQ(backend_->status(),
            Refused("operator 'count': state 'map' cannot be restored: the key of its map was "
                    "int64 and is int32"));
}

TEST_P(KeyedStateSnapshotTest, OtherKeysAreRefused) {
  const std::string snapshot = Snapshot(*backend_);
  KeyedStateBackend::Options options{"count", StateCodec<std::string>::Schema(), kMaxParallelism,
                                     KeyGroupRange{0, kMaxParallelism}};
  EXPECT_EQ(Restore(*Make(options), {snapshot}),
            absl::FailedPreconditionError("operator 'count': the state was keyed by int64 and the "
                                          "job keys by string"));
  options = {"count", StateCodec<int64_t>::Schema(), 128, KeyGroupRange{0, 128}};
  EXPECT_EQ(Restore(*Make(options), {snapshot}),
            absl::FailedPreconditionError("operator 'count': the state was written with max "
                                          "parallelism 64 and the job has 128"));
}

TEST_P(KeyedStateSnapshotTest, EveryGroupComesFromOneSnapshot) {
  const std::string whole = Snapshot(*backend_);
  const std::string part = Snapshot(*Make({0, 10}));
  EXPECT_THAT(Restore(*Make(), {part}).message(), HasSubstr("key group 10 is in 0 of"));
  EXPECT_THAT(Restore(*Make(), {part, whole}).message(), HasSubstr("key group 0 is in 2 of"));
  EXPECT_TRUE(Restore(*Make({2, 10}), {part}).ok());
  EXPECT_TRUE(Restore(*Make(), {}).ok());
}

TEST_P(KeyedStateSnapshotTest, DamageIsFound) {
  auto state = backend_->GetState(ValueStateDescriptor<std::string>("state"));
  for (int64_t key = 0; key < 30; ++key) {
    SetKey(key);
    state.Update(absl::StrCat("value ", key));
  }
  const std::string snapshot = Snapshot(*backend_);
  for (size_t at = 0; at < snapshot.size(); ++at) {
    std::string damaged = snapshot;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_FALSE(Restore(*Make(), {damaged}).ok()) << at;
  }
  for (size_t size = 0; size < snapshot.size(); ++size) {
    EXPECT_FALSE(Restore(*Make(), {snapshot.substr(0, size)}).ok()) << size;
  }
  EXPECT_TRUE(absl::IsDataLoss(Restore(*Make(), {snapshot + "x"})));
  std::string newer = snapshot;
  newer[8] = 2;
  EXPECT_TRUE(absl::IsFailedPrecondition(Restore(*Make(), {newer})));
}

}  // namespace
}  // namespace weir
