#include "state/tiered/tier_states.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "state/api/state_descriptors.h"
#include "state/api/state_handle.h"
#include "state/tiered/dirty_log.h"
#include "state/tiered/tier_expiry.h"
#include "state/tiered/tier_key.h"

namespace weir {
namespace {

template <class T>
StateDefinition ValueOf(const std::string& name, StateTtl ttl = {}) {
  return internal::DefineState<T, ValueCell<T>>(StateKind::kValue,
                                                ValueStateDescriptor<T>(name, ttl));
}

std::string Encoded(const TierState& state, int64_t value) {
  ValueCell<int64_t> cell{value, 5};
  std::string bytes;
  state.Encode(&cell, &bytes);
  return bytes;
}

TEST(TierStatesTest, OldFormatsAreReadAndNewOnesWritten) {
  TierStates states;
  const uint32_t id = *states.Register(ValueOf<int32_t>("count"), 0);
  const ValueCell<int32_t> old{7, 0};
  std::string bytes;
  states.Find(id)->Encode(&old, &bytes);
  TierStates later;
  const TierRenumbering renumbering = *later.Adopt(states.all(), 0);
  EXPECT_TRUE(renumbering.identity());
  EXPECT_EQ(*later.Register(ValueOf<int64_t>("count"), 0), id);
  const TierState& state = *later.Find(id);
  ASSERT_EQ(state.formats.size(), 2u);
  ValueCell<int64_t> cell;
  ASSERT_TRUE(state.Decode(bytes, &cell));
  EXPECT_EQ(cell.value, 7);
  EXPECT_EQ(Encoded(state, 7)[0], 1);
  EXPECT_FALSE(state.Decode("\x02junk", &cell));
  EXPECT_FALSE(state.Decode("", &cell));
}

TEST(TierStatesTest, ValuesWithoutTimesCountFromTheFirstTtl) {
  TierStates states;
  const uint32_t id = *states.Register(ValueOf<int64_t>("count"), 0);
  const std::string bytes = Encoded(*states.Find(id), 1);
  const StateTtl ttl{std::chrono::seconds(1)};
  for (const int64_t now : {1000, 2000}) {
    TierStates later;
    ASSERT_TRUE(later.Adopt(states.all(), now).ok());
    ASSERT_EQ(*later.Register(ValueOf<int64_t>("count", ttl), now), id);
    ValueCell<int64_t> cell;
    ASSERT_TRUE(later.Find(id)->Decode(bytes, &cell));
    EXPECT_EQ(cell.stamp_micros, 1000);
    states = later;
  }
  ValueCell<int64_t> stamped;
  ASSERT_TRUE(states.Find(id)->Decode(Encoded(*states.Find(id), 1), &stamped));
  EXPECT_EQ(stamped.stamp_micros, 5);
}

TEST(TierStatesTest, ATtlThatWasTakenAwayBeginsAnew) {
  const StateTtl ttl{std::chrono::seconds(1)};
  TierStates states;
  const uint32_t id = *states.Register(ValueOf<int64_t>("count"), 0);
  const std::string without = Encoded(*states.Find(id), 1);
  std::string with;
  const struct {
    StateTtl ttl;
    int64_t now = 0;
  } restores[] = {{ttl, 1000}, {{}, 2000}, {{}, 3000}, {ttl, 4000}};
  for (const auto& restore : restores) {
    TierStates later;
    ASSERT_TRUE(later.Adopt(states.all(), restore.now)->identity());
    ASSERT_EQ(*later.Register(ValueOf<int64_t>("count", restore.ttl), restore.now), id);
    states = later;
    if (with.empty()) with = Encoded(*states.Find(id), 1);
  }
  ValueCell<int64_t> cell;
  for (const std::string& bytes : {without, with}) {
    ASSERT_TRUE(states.Find(id)->Decode(bytes, &cell));
    EXPECT_EQ(cell.stamp_micros, 4000);
  }
  ASSERT_TRUE(states.Find(id)->Decode(Encoded(*states.Find(id), 1), &cell));
  EXPECT_EQ(cell.stamp_micros, 5);
}

// Nobody can make one of 4 GiB here.
TEST(TierStatesTest, AValueThatFilesCannotHoldIsRefusedByName) {
  TierStates states;
  const uint32_t id = *states.Register(ValueOf<int64_t>("orders"), 0);
  std::string key;
  AppendTierPrefix(3, id, &key);
  EXPECT_EQ(states.CheckSize(key, kLargestEntryBytes - key.size()), absl::OkStatus());
  const absl::Status status = states.CheckSize(key, kLargestEntryBytes);
  EXPECT_EQ(status,
            absl::InvalidArgumentError(
                "state 'orders' has a value of 4293918719 bytes under one key, and at most "
                "4293918719 can be stored: use a map, whose entries are stored one by one"));
}

TEST(TierStatesTest, TwoCheckpointsAreRenumbered) {
  TierStates a;
  ASSERT_TRUE(a.Register(ValueOf<int64_t>("one"), 0).ok());
  ASSERT_TRUE(a.Register(ValueOf<int64_t>("two"), 0).ok());
  TierStates b;
  ASSERT_TRUE(b.Register(ValueOf<int32_t>("two"), 0).ok());
  TierStates both;
  EXPECT_TRUE(both.Adopt(a.all(), 0)->identity());
  const TierRenumbering renumbering = *both.Adopt(b.all(), 0);
  EXPECT_FALSE(renumbering.identity());
  std::string key;
  AppendTierPrefix(9, 1, &key);
  std::string value("\0xyz", 4);
  ASSERT_TRUE(renumbering.Apply(&key, &value));
  EXPECT_EQ(GroupOfTierKey(key), 9u);
  EXPECT_EQ(StateOfTierKey(key), 2u);
  EXPECT_EQ(value, "\1xyz");
  SetStateOfTierKey(5, &key);
  EXPECT_FALSE(renumbering.Apply(&key, &value));
}

template <class T>
StateDefinition ListOf(const std::string& name) {
  return internal::DefineState<T, ListCell<T>>(StateKind::kList, ListStateDescriptor<T>(name));
}

TEST(TierStatesTest, ListsAreRenumberedPartByPart) {
  TierStates narrow;
  ASSERT_TRUE(narrow.Register(ListOf<int8_t>("list"), 0).ok());
  TierStates wide;
  const uint32_t id = *wide.Register(ListOf<int16_t>("list"), 0);
  const TierRenumbering renumbering = *wide.Adopt(narrow.all(), 0);
  std::string key;
  AppendTierPrefix(9, 1, &key);
  // Two elements, then one.
  std::string value("\0\2\7\1\0\1\5", 7);
  ASSERT_TRUE(renumbering.Apply(&key, &value));
  EXPECT_EQ(value, std::string("\1\2\7\1\1\1\5", 7));
  ListCell<int16_t> list;
  ASSERT_TRUE(wide.Find(id)->Decode(value, &list));
  EXPECT_EQ(list.values, (std::vector<int16_t>{7, 1, 5}));
  for (std::string damaged : {std::string("\0\2\7\1\0\1", 6), std::string("\0\0", 2),
                              std::string("\0\1\7\3\1\5", 6), std::string()}) {
    EXPECT_FALSE(renumbering.Apply(&key, &damaged)) << damaged.size();
  }
}

template <class T>
StateDefinition MapOf(const std::string& name, StateTtl ttl = {}) {
  using Descriptor = MapStateDescriptor<int64_t, T>;
  StateDefinition definition =
      internal::DefineState<T, ValueCell<T>>(StateKind::kMap, Descriptor(name, ttl));
  definition.map_key_schema = StateCodec<int64_t>::Schema();
  return definition;
}

TEST(TierStatesTest, VectorsInMapsAreRenumberedPartByPart) {
  TierStates narrow;
  ASSERT_TRUE(narrow.Register(MapOf<std::vector<int8_t>>("map"), 0).ok());
  TierStates wide;
  const uint32_t id = *wide.Register(MapOf<std::vector<int16_t>>("map"), 0);
  const TierRenumbering renumbering = *wide.Adopt(narrow.all(), 0);
  std::string key;
  AppendTierPrefix(9, 1, &key);
  // Two elements, none, then one.
  std::string value("\0\2\7\1\0\0\0\1\5", 9);
  ASSERT_TRUE(renumbering.Apply(&key, &value));
  EXPECT_EQ(value, std::string("\1\2\7\1\1\0\1\1\5", 9));
  ValueCell<std::vector<int16_t>> cell;
  ASSERT_TRUE(wide.Find(id)->Decode(value, &cell));
  EXPECT_EQ(cell.value, (std::vector<int16_t>{7, 1, 5}));
  EXPECT_EQ(cell.stamp_micros, kNoStamp);
  std::string damaged("\0\2\7\1\0\1", 6);
  EXPECT_FALSE(renumbering.Apply(&key, &damaged));
}

// Values of a format that is no list have no parts behind them.
TEST(TierStatesTest, AWholeValueBehindPartsIsRefused) {
  TierState state;
  state.kind = StateKind::kMap;
  const StateSchema numbers = StateCodec<std::vector<int8_t>>::Schema();
  state.formats = {{false, kNoStamp, numbers, {}}, {true, kNoStamp, numbers, {}}};
  state.cell_type = &CellTypeOf<ValueCell<std::vector<int8_t>>>();
  ValueCell<std::vector<int8_t>> cell;
  EXPECT_TRUE(state.Decode(absl::string_view("\1\0\0\0\0\0\0\0\0\1\7", 11), &cell));
  EXPECT_FALSE(state.Decode(absl::string_view("\0\1\7\1\0\0\0\0\0\0\0\0\1\7", 14), &cell));
}

TEST(TierStatesTest, AListOfOneFormatTakesAppends) {
  TierStates states;
  const uint32_t list = *states.Register(ListOf<int8_t>("list"), 0);
  const uint32_t value = *states.Register(ValueOf<int8_t>("value"), 0);
  EXPECT_TRUE(states.Find(list)->takes_appends());
  EXPECT_FALSE(states.Find(value)->takes_appends());
  ASSERT_TRUE(states.Register(ListOf<int16_t>("list"), 0).ok());
  EXPECT_FALSE(states.Find(list)->takes_appends());
  const uint32_t map = *states.Register(MapOf<int8_t>("map"), 0);
  const uint32_t vectors = *states.Register(MapOf<std::vector<int8_t>>("vectors"), 0);
  // All elements have one time.
  const StateTtl ttl{std::chrono::seconds(1)};
  const uint32_t expiring = *states.Register(MapOf<std::vector<int8_t>>("expiring", ttl), 0);
  EXPECT_FALSE(states.Find(map)->takes_appends());
  EXPECT_TRUE(states.Find(vectors)->takes_appends());
  EXPECT_FALSE(states.Find(expiring)->takes_appends());
}

TEST(TierStatesTest, WhatCannotBeReadIsRefused) {
  TierStates states;
  ASSERT_TRUE(states.Register(ValueOf<int64_t>("count"), 0).ok());
  TierStates later;
  ASSERT_TRUE(later.Adopt(states.all(), 0).ok());
  const absl::Status refused = later.Register(ValueOf<std::string>("count"), 0).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_EQ(refused.message(), "state 'count' cannot be restored: it was int64 and is string");
  TierStates registered;
  ASSERT_TRUE(registered.Register(ValueOf<std::string>("count"), 0).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(registered.Adopt(states.all(), 0).status()));
}

TEST(TierExpiryTest, CompactionsDropWhatHasExpired) {
  TierStates states;
  const StateTtl ttl{std::chrono::microseconds(100)};
  const uint32_t id = *states.Register(ValueOf<int64_t>("count", ttl), 0);
  const uint32_t for_ever = *states.Register(ValueOf<int64_t>("for ever"), 0);
  std::string key;
  AppendTierPrefix(3, id, &key);
  const std::string value = Encoded(*states.Find(id), 1);  // written at 5
  TierExpiry expiry;
  EXPECT_FALSE(expiry.Expired(key, value));
  expiry.SetStates(std::make_shared<const TierStates>(states));
  expiry.SetNow(104);
  EXPECT_FALSE(expiry.Expired(key, value));
  expiry.SetNow(105);
  EXPECT_TRUE(expiry.Expired(key, value));
  EXPECT_FALSE(expiry.Expired(key, "\x09"));
  EXPECT_FALSE(expiry.Expired("", value));
  // Vectors that had no time before there was a TTL: more of one may be elsewhere.
  TierStates older;
  ASSERT_TRUE(older.Register(MapOf<std::vector<int8_t>>("vectors"), 0).ok());
  ASSERT_TRUE(states.Adopt(older.all(), 0).ok());
  const uint32_t vectors = *states.Register(MapOf<std::vector<int8_t>>("vectors", ttl), 0);
  expiry.SetStates(std::make_shared<const TierStates>(states));
  SetStateOfTierKey(vectors, &key);
  EXPECT_FALSE(expiry.Expired(key, absl::string_view("\0\1\7", 3)));
  EXPECT_TRUE(expiry.Expired(key, absl::string_view("\1\0\0\0\0\0\0\0\0\1\7", 11)));
  SetStateOfTierKey(for_ever, &key);
  EXPECT_FALSE(expiry.Expired(key, Encoded(*states.Find(for_ever), 1)));
}

}  // namespace
}  // namespace weir
