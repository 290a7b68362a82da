// Key groups that are no hashes of their keys (docs/protocols/partition-aligned-keying.md), on
// every backend.
#include <gmock/gmock.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/contract/keyed_state_test.h"

namespace weir {
namespace {

using testing::HasSubstr;

class KeyedStateAlignmentTest : public KeyedStateTest {
 protected:
  static constexpr uint32_t kGroups = 4;

  /// The group of a key is its value, and a number that is added to it.
  std::unique_ptr<KeyedStateBackend> MakeAligned(KeyGroupRange range, int64_t added = 0) const {
    KeyedStateBackend::Options options;
    options.operator_name = "count";
    options.key_schema = StateCodec<int64_t>::Schema();
    options.max_parallelism = kGroups;
    options.range = range;
    options.group_of_key = [added](absl::string_view bytes) -> std::optional<uint32_t> {
      const absl::StatusOr<int64_t> key = DecodeKey<int64_t>(bytes);
      if (!key.ok()) return std::nullopt;
      return static_cast<uint32_t>((*key + added) % kGroups);
    };
    return Make(std::move(options));
  }
  static void SetAlignedKey(KeyedStateBackend& backend, int64_t key) {
    const std::string bytes = EncodeKey(key);
    backend.SetCurrentKey({static_cast<uint32_t>(key % kGroups), StableHash64(bytes), bytes});
  }
  static void Fill(KeyedStateBackend& backend) {
    auto value = backend.GetState(ValueStateDescriptor<int64_t>("value"));
    auto map = backend.GetMapState(MapStateDescriptor<std::string, int64_t>("map"));
    for (int64_t key = 0; key < 40; ++key) {
      SetAlignedKey(backend, key);
      value.Update(key * 3);
      map.Put("m", key);
      backend.timers().Register(TimeDomain::kEventTime, 100 + key, "n");
    }
    backend.timers().AdvanceWatermark(EventTime::FromMicros(7));
  }
  static void ExpectKeysOf(KeyedStateBackend& backend, uint32_t first, uint32_t end) {
    auto value = backend.GetState(ValueStateDescriptor<int64_t>("value"));
    auto map = backend.GetMapState(MapStateDescriptor<std::string, int64_t>("map"));
    for (int64_t key = 0; key < 40; ++key) {
      const uint32_t group = static_cast<uint32_t>(key % kGroups);
      if (group < first || group >= end) continue;
      SetAlignedKey(backend, key);
      EXPECT_EQ(value.Value(), key * 3);
      EXPECT_EQ(*map.Peek("m"), key);
      EXPECT_EQ(backend.timers().GroupWatermark(group).micros(), 7);
    }
    size_t timers = 0;
    while (const auto timer = backend.timers().PopDue(TimeDomain::kEventTime, 1000)) {
      EXPECT_EQ(static_cast<uint32_t>((timer->time_micros - 100) % kGroups), timer->group);
      EXPECT_GE(timer->group, first);
      EXPECT_LT(timer->group, end);
      ++timers;
    }
    EXPECT_EQ(timers, 10 * (end - first));
  }
};
WEIR_FOR_ALL_BACKENDS(KeyedStateAlignmentTest);

TEST_P(KeyedStateAlignmentTest, ASnapshotIsDealtOutByItsGroups) {
  const auto all = MakeAligned({0, kGroups});
  Fill(*all);
  const std::string snapshot = Snapshot(*all);
  const auto one = MakeAligned({0, 1});
  const auto rest = MakeAligned({1, kGroups});
  ASSERT_EQ(Restore(*one, {snapshot}), absl::OkStatus());
  ASSERT_EQ(Restore(*rest, {snapshot}), absl::OkStatus());
  ExpectKeysOf(*one, 0, 1);
  ExpectKeysOf(*rest, 1, kGroups);
}

TEST_P(KeyedStateAlignmentTest, IncrementsAreUnitedByTheirGroups) {
  std::vector<KeyedStateIncrement> increments;
  for (const KeyGroupRange range : {KeyGroupRange{0, 3}, KeyGroupRange{3, 4}}) {
    const auto part = MakeAligned({0, kGroups});
    Fill(*part);
    const auto own = MakeAligned(range);
    ASSERT_EQ(Restore(*own, {Snapshot(*part)}), absl::OkStatus());
    increments.push_back(Increment(*own));
  }
  const auto all = MakeAligned({0, kGroups});
  ASSERT_EQ(all->RestoreIncrements(increments), absl::OkStatus());
  ExpectKeysOf(*all, 0, kGroups);
}

TEST_P(KeyedStateAlignmentTest, AKeyThatIsNotInItsGroupIsDataLoss) {
  const auto all = MakeAligned({0, kGroups});
  Fill(*all);
  const KeyedStateIncrement increment = Increment(*all);
  const std::string snapshot = Snapshot(*all);
  const absl::Status from_snapshot = Restore(*MakeAligned({0, kGroups}, 1), {snapshot});
  EXPECT_EQ(from_snapshot.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(from_snapshot.message()), HasSubstr("key of another key group"));
  const std::vector<KeyedStateIncrement> increments = {increment};
  EXPECT_EQ(MakeAligned({0, kGroups}, 1)->RestoreIncrements(increments).code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace weir
