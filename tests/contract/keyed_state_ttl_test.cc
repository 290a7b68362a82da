// When what is in a state expires, on every backend. The clock is the test's.
#include <gmock/gmock.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "tests/contract/keyed_state_test.h"

namespace weir {
namespace {

using std::chrono_literals::operator""s;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr StateTtl kWritten{10s, StateTtl::Update::kOnCreateAndWrite};
constexpr StateTtl kRead{10s, StateTtl::Update::kOnReadAndWrite};

class KeyedStateTtlTest : public KeyedStateTest {};
WEIR_FOR_ALL_BACKENDS(KeyedStateTtlTest);

TEST_P(KeyedStateTtlTest, ValueExpiresAfterItsLastWrite) {
  auto value = backend_->GetState(ValueStateDescriptor<int64_t>("value", kWritten));
  SetKey(1);
  value.Update(1);
  Pass(absl::Seconds(9));
  EXPECT_EQ(value.Value(), 1);
  value.Update(2);
  Pass(absl::Seconds(9));
  EXPECT_EQ(value.Value(), 2);
  Pass(absl::Seconds(1));
  EXPECT_EQ(value.Value(), std::nullopt);
  EXPECT_EQ(backend_->num_entries(), 0u);
  value.Update(3);
  EXPECT_EQ(value.Value(), 3);
}

TEST_P(KeyedStateTtlTest, ReadingKeepsAValueAlive) {
  auto value = backend_->GetState(ValueStateDescriptor<int64_t>("value", kRead));
  SetKey(1);
  value.Update(1);
  for (int i = 0; i < 5; ++i) {
    Pass(absl::Seconds(9));
    EXPECT_EQ(value.Value(), 1);
  }
  Pass(absl::Seconds(10));
  EXPECT_EQ(value.Value(), std::nullopt);
}

TEST_P(KeyedStateTtlTest, ElementsOfAListExpireOneByOne) {
  auto list = backend_->GetListState(ListStateDescriptor<int64_t>("list", kWritten));
  SetKey(1);
  list.Add(1);
  Pass(absl::Seconds(6));
  list.Add(2);
  EXPECT_THAT(list.Get(), ElementsAre(1, 2));
  Pass(absl::Seconds(6));
  EXPECT_THAT(list.Get(), ElementsAre(2));
  list.Update({7, 8});
  Pass(absl::Seconds(6));
  list.Add(9);
  EXPECT_THAT(list.Get(), ElementsAre(7, 8, 9));
  Pass(absl::Seconds(4));
  EXPECT_THAT(list.Get(), ElementsAre(9));
  Pass(absl::Seconds(6));
  EXPECT_THAT(list.Get(), IsEmpty());
  EXPECT_EQ(backend_->num_entries(), 0u);
}

TEST_P(KeyedStateTtlTest, ReadingKeepsAListAlive) {
  auto list = backend_->GetListState(ListStateDescriptor<int64_t>("list", kRead));
  SetKey(1);
  list.Add(1);
  Pass(absl::Seconds(9));
  EXPECT_THAT(list.Get(), ElementsAre(1));
  Pass(absl::Seconds(9));
  EXPECT_THAT(list.Get(), ElementsAre(1));
}

TEST_P(KeyedStateTtlTest, EntriesOfAMapExpireOneByOne) {
  auto map = backend_->GetMapState(MapStateDescriptor<int64_t, int64_t>("map", kWritten));
  SetKey(1);
  map.Put(1, 10);
  Pass(absl::Seconds(6));
  map.Put(2, 20);
  Pass(absl::Seconds(4));
  EXPECT_THAT(map.Entries(), ElementsAre(Pair(2, 20)));
  EXPECT_FALSE(map.Contains(1));
  EXPECT_EQ(map.Get(2), 20);
  EXPECT_FALSE(map.IsEmpty());
  Pass(absl::Seconds(6));
  EXPECT_TRUE(map.IsEmpty());
}

TEST_P(KeyedStateTtlTest, ReadingKeepsAnEntryAlive) {
  auto map = backend_->GetMapState(MapStateDescriptor<int64_t, int64_t>("map", kRead));
  SetKey(1);
  map.Put(1, 10);
  map.Put(2, 20);
  Pass(absl::Seconds(9));
  EXPECT_EQ(map.Get(1), 10);
  Pass(absl::Seconds(9));
  EXPECT_THAT(map.Entries(), ElementsAre(Pair(1, 10)));
  Pass(absl::Seconds(9));
  EXPECT_EQ(map.Get(1), 10);
}

TEST_P(KeyedStateTtlTest, ReducingBeginsAnewAfterExpiry) {
  auto sum = backend_->GetReducingState(ReducingStateDescriptor<int64_t>(
      "sum", [](const int64_t& a, const int64_t& b) { return a + b; }, kWritten));
  SetKey(1);
  sum.Add(1);
  Pass(absl::Seconds(9));
  sum.Add(2);
  Pass(absl::Seconds(9));
  EXPECT_EQ(sum.Get(), 3);
  Pass(absl::Seconds(1));
  sum.Add(5);
  EXPECT_EQ(sum.Get(), 5);
}

TEST_P(KeyedStateTtlTest, CleanUpRemovesWhatNobodyReads) {
  auto value = backend_->GetState(ValueStateDescriptor<int64_t>("value", kWritten));
  auto list = backend_->GetListState(ListStateDescriptor<int64_t>("list", kWritten));
  auto map = backend_->GetMapState(MapStateDescriptor<int64_t, int64_t>("map", kWritten));
  auto for_ever = backend_->GetState(ValueStateDescriptor<int64_t>("for ever"));
  for (int64_t key = 0; key < 200; ++key) {
    SetKey(key);
    value.Update(key);
    list.Add(key);
    map.Put(key, key);
    for_ever.Update(key);
  }
  Pass(absl::Seconds(5));
  SetKey(0);
  list.Add(1);
  Pass(absl::Seconds(5));
  for (int i = 0; i < 1000; ++i) backend_->CleanUpExpired(10);
  EXPECT_EQ(backend_->num_entries(), 200u + 1u);
  EXPECT_THAT(list.Get(), ElementsAre(1));
}

// Also where one has just as many entries as are looked at.
TEST_P(KeyedStateTtlTest, CleanUpComesToEveryState) {
  auto alive =
      backend_->GetState(ValueStateDescriptor<int64_t>("alive", StateTtl{std::chrono::hours(1)}));
  auto expired = backend_->GetState(ValueStateDescriptor<int64_t>("expired", kWritten));
  for (int64_t key = 0; key < 12; ++key) {
    SetKey(key);
    alive.Update(key);
  }
  for (size_t entries = 1; entries <= 128; ++entries) {
    SetKey(1);
    expired.Update(1);
    Pass(absl::Seconds(11));
    for (int i = 0; i < 2000 && backend_->num_entries() > 12; ++i) {
      backend_->CleanUpExpired(entries);
    }
    ASSERT_EQ(backend_->num_entries(), 12u) << entries;
  }
}

TEST_P(KeyedStateTtlTest, TimesOfWritesAreRestored) {
  const ValueStateDescriptor<int64_t> value_descriptor("value", kWritten);
  const ListStateDescriptor<int64_t> list_descriptor("list", kWritten);
  const MapStateDescriptor<int64_t, int64_t> map_descriptor("map", kWritten);
  auto value = backend_->GetState(value_descriptor);
  auto list = backend_->GetListState(list_descriptor);
  auto map = backend_->GetMapState(map_descriptor);
  SetKey(1);
  value.Update(1);
  list.Add(1);
  map.Put(1, 1);
  SetKey(2);
  value.Update(2);
  SetKey(1);
  Pass(absl::Seconds(6));
  list.Add(2);
  map.Put(2, 2);
  ASSERT_TRUE(Reincarnate().ok());
  value = backend_->GetState(value_descriptor);
  list = backend_->GetListState(list_descriptor);
  map = backend_->GetMapState(map_descriptor);
  SetKey(1);
  EXPECT_EQ(value.Value(), 1);
  Pass(absl::Seconds(4));
  EXPECT_EQ(value.Value(), std::nullopt);
  EXPECT_THAT(list.Get(), ElementsAre(2));
  EXPECT_THAT(map.Keys(), ElementsAre(2));
}

TEST_P(KeyedStateTtlTest, SnapshotsLeaveOutWhatHasExpired) {
  const ValueStateDescriptor<int64_t> descriptor("value", kWritten);
  auto value = backend_->GetState(descriptor);
  SetKey(1);
  value.Update(1);
  Pass(absl::Seconds(9));
  SetKey(2);
  value.Update(2);
  Pass(absl::Seconds(1));
  ASSERT_TRUE(Reincarnate().ok());
  (void)backend_->GetState(descriptor);
  EXPECT_EQ(backend_->num_entries(), 1u);
}

TEST_P(KeyedStateTtlTest, AStateMayGetATtlAndLoseIt) {
  auto value = backend_->GetState(ValueStateDescriptor<int64_t>("value"));
  auto list = backend_->GetListState(ListStateDescriptor<int64_t>("list"));
  SetKey(1);
  value.Update(1);
  list.Add(1);
  Pass(absl::Seconds(100));
  ASSERT_TRUE(Reincarnate().ok());
  value = backend_->GetState(ValueStateDescriptor<int64_t>("value", kWritten));
  list = backend_->GetListState(ListStateDescriptor<int64_t>("list", kWritten));
  SetKey(1);
  Pass(absl::Seconds(9));
  EXPECT_EQ(value.Value(), 1);
  EXPECT_THAT(list.Get(), ElementsAre(1));
  ASSERT_TRUE(Reincarnate().ok());
  value = backend_->GetState(ValueStateDescriptor<int64_t>("value"));
  list = backend_->GetListState(ListStateDescriptor<int64_t>("list"));
  SetKey(1);
  Pass(absl::Seconds(100));
  EXPECT_EQ(value.Value(), 1);
  list.Add(2);
  EXPECT_THAT(list.Get(), ElementsAre(1, 2));
}

TEST_P(KeyedStateTtlTest, ATtlThatIsGivenAgainBeginsAnew) {
  auto value = backend_->GetState(ValueStateDescriptor<int64_t>("value"));
  SetKey(1);
  value.Update(1);
  const struct {
    int seconds = 0;
    StateTtl ttl;
  } restores[] = {{100, kWritten}, {5, {}}, {100, kWritten}};
  for (const auto& restore : restores) {
    Pass(absl::Seconds(restore.seconds));
    const KeyedStateIncrement increment = Increment(*backend_);
    Reopen();
    value = backend_->GetState(ValueStateDescriptor<int64_t>("value", restore.ttl));
    ASSERT_EQ(backend_->RestoreIncrements({&increment, 1}), absl::OkStatus());
    SetKey(1);
    ASSERT_EQ(value.Value(), 1);
    // Has a time of its own while there is a TTL.
    SetKey(2);
    value.Update(2);
  }
  Pass(absl::Seconds(9));
  SetKey(1);
  EXPECT_EQ(value.Value(), 1);
  Pass(absl::Seconds(1));
  EXPECT_EQ(value.Value(), std::nullopt);
}

TEST_P(KeyedStateTtlTest, TimesOfAnEarlierTtlDoNotCount) {
  auto value = backend_->GetState(ValueStateDescriptor<int64_t>("value", kWritten));
  auto list = backend_->GetListState(ListStateDescriptor<int64_t>("list", kWritten));
  SetKey(1);
  value.Update(1);
  list.Add(1);
  for (const StateTtl ttl : {StateTtl(), kWritten}) {
    const KeyedStateIncrement increment = Increment(*backend_);
    Reopen();
    value = backend_->GetState(ValueStateDescriptor<int64_t>("value", ttl));
    list = backend_->GetListState(ListStateDescriptor<int64_t>("list", ttl));
    ASSERT_EQ(backend_->RestoreIncrements({&increment, 1}), absl::OkStatus());
    Pass(ttl.duration.count() == 0 ? absl::Seconds(100) : absl::Seconds(9));
  }
  SetKey(1);
  EXPECT_EQ(value.Value(), 1);
  EXPECT_THAT(list.Get(), ElementsAre(1));
}

}  // namespace
}  // namespace weir
