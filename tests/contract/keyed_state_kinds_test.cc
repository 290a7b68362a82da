// What the handles of every kind of state do, on every backend.
#include <gmock/gmock.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/contract/keyed_state_test.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

struct Bid {
  int64_t price = 0;
  std::string bidder;
  std::optional<double> share;
  WEIR_RECORD(Bid, price, bidder, share)
};

struct Mean final : AggregateFunction<int64_t, std::pair<int64_t, int64_t>, double> {
  void Add(const int64_t& value, std::pair<int64_t, int64_t>& sum) const override {
    sum.first += value;
    ++sum.second;
  }
  double GetResult(const std::pair<int64_t, int64_t>& sum) const override {
    return static_cast<double>(sum.first) / static_cast<double>(sum.second);
  }
};

class KeyedStateKindsTest : public KeyedStateTest {};
WEIR_FOR_ALL_BACKENDS(KeyedStateKindsTest);

TEST_P(KeyedStateKindsTest, ValueIsPerKey) {
  auto count = backend_->GetState(ValueStateDescriptor<int64_t>("count"));
  SetKey(1);
  EXPECT_EQ(count.Value(), std::nullopt);
  EXPECT_EQ(count.Peek(), nullptr);
  count.Update(10);
  SetKey(2);
  EXPECT_EQ(count.Value(), std::nullopt);
  count.Update(20);
  SetKey(1);
  EXPECT_EQ(count.Value(), 10);
  count.Clear();
  EXPECT_EQ(count.Value(), std::nullopt);
  count.Clear();
  SetKey(2);
  EXPECT_EQ(count.Value(), 20);
  EXPECT_TRUE(backend_->status().ok());
}

TEST_P(KeyedStateKindsTest, ValueHoldsRecords) {
  auto last = backend_->GetState(ValueStateDescriptor<Bid>("last"));
  SetKey(7);
  last.Update({5, "a bidder whose name is longer than a short string", 0.5});
  ASSERT_NE(last.Peek(), nullptr);
  EXPECT_EQ(last.Peek()->bidder, "a bidder whose name is longer than a short string");
  last.Update({6, "b", std::nullopt});
  EXPECT_EQ(last.Value()->price, 6);
  EXPECT_EQ(last.Value()->share, std::nullopt);
}

TEST_P(KeyedStateKindsTest, StatesOfOneKeyAreApart) {
  auto a = backend_->GetState(ValueStateDescriptor<int64_t>("a"));
  auto b = backend_->GetState(ValueStateDescriptor<int64_t>("b"));
  SetKey(1);
  a.Update(1);
  EXPECT_EQ(b.Value(), std::nullopt);
}

TEST_P(KeyedStateKindsTest, HandlesOfOneNameAreOneState) {
  auto a = backend_->GetState(ValueStateDescriptor<int64_t>("a"));
  auto again = backend_->GetState(ValueStateDescriptor<int64_t>("a"));
  SetKey(1);
  a.Update(1);
  EXPECT_EQ(again.Value(), 1);
}

TEST_P(KeyedStateKindsTest, List) {
  auto list = backend_->GetListState(ListStateDescriptor<std::string>("list"));
  SetKey(1);
  EXPECT_THAT(list.Get(), IsEmpty());
  list.Add("a");
  list.AddAll({"b", "c"});
  SetKey(2);
  EXPECT_EQ(list.Peek(), nullptr);
  SetKey(1);
  EXPECT_THAT(list.Get(), ElementsAre("a", "b", "c"));
  list.Update({"x"});
  EXPECT_THAT(list.Get(), ElementsAre("x"));
  list.Update({});
  EXPECT_EQ(list.Peek(), nullptr);
  list.Add("y");
  list.Clear();
  EXPECT_THAT(list.Get(), IsEmpty());
}

TEST_P(KeyedStateKindsTest, Map) {
  auto map = backend_->GetMapState(MapStateDescriptor<int32_t, std::string>("map"));
  SetKey(1);
  EXPECT_TRUE(map.IsEmpty());
  map.Put(5, "five");
  map.Put(-7, "minus seven");
  map.Put(300, "three hundred");
  map.Put(5, "cinq");
  EXPECT_EQ(map.Get(5), "cinq");
  EXPECT_EQ(map.Get(6), std::nullopt);
  EXPECT_TRUE(map.Contains(-7));
  EXPECT_FALSE(map.Contains(7));
  EXPECT_FALSE(map.IsEmpty());
  EXPECT_THAT(map.Keys(), ElementsAre(-7, 5, 300));
  EXPECT_THAT(map.Values(), ElementsAre("minus seven", "cinq", "three hundred"));
  map.Remove(5);
  map.Remove(6);
  EXPECT_THAT(map.Entries(), ElementsAre(Pair(-7, "minus seven"), Pair(300, "three hundred")));
  SetKey(2);
  EXPECT_THAT(map.Entries(), IsEmpty());
  map.Remove(5);
  SetKey(1);
  map.Remove(-7);
  map.Remove(300);
  EXPECT_TRUE(map.IsEmpty());
  EXPECT_EQ(backend_->num_entries(), 0u);
  map.Put(1, "one");
  map.Clear();
  EXPECT_TRUE(map.IsEmpty());
}

TEST_P(KeyedStateKindsTest, PartOfAMap) {
  auto map = backend_->GetMapState(MapStateDescriptor<int64_t, std::string>("map"));
  const auto from = [&map](int64_t first, size_t most) {
    std::vector<int64_t> keys;
    map.ForEachFrom(first, [&](int64_t key, const std::string&) {
      keys.push_back(key);
      return keys.size() < most;
    });
    return keys;
  };
  SetKey(1);
  EXPECT_THAT(from(0, 10), IsEmpty());
  for (const int64_t key : {-7, 5, 300}) map.Put(key, "value");
  SetKey(2);
  map.Put(6, "of another key");
  SetKey(1);
  EXPECT_THAT(from(-8, 10), ElementsAre(-7, 5, 300));
  EXPECT_THAT(from(-7, 10), ElementsAre(-7, 5, 300));
  EXPECT_THAT(from(-6, 10), ElementsAre(5, 300));
  EXPECT_THAT(from(-6, 1), ElementsAre(5));
  EXPECT_THAT(from(301, 10), IsEmpty());
  map.Remove(300);
  EXPECT_THAT(from(5, 10), ElementsAre(5));
}

TEST_P(KeyedStateKindsTest, AChangeIsSeenByTheNextLookOfTheSameKey) {
  auto value = backend_->GetState(ValueStateDescriptor<std::string>("value"));
  SetKey(1);
  EXPECT_EQ(value.Value(), std::nullopt);
  value.Update("a");
  EXPECT_EQ(value.Value(), "a");
  value.Update("b");
  EXPECT_EQ(value.Value(), "b");
  value.Clear();
  EXPECT_EQ(value.Value(), std::nullopt);
  value.Update("c");
  // A snapshot keeps what was there; changes behind it are the backend's alone.
  const auto frozen = backend_->Freeze();
  ASSERT_TRUE(frozen.ok());
  EXPECT_EQ(value.Value(), "c");
  value.Update("d");
  EXPECT_EQ(value.Value(), "d");
  value.Clear();
  EXPECT_EQ(value.Value(), std::nullopt);
}

TEST_P(KeyedStateKindsTest, MapKeysMayBeComposite) {
  using Key = std::pair<std::string, Timestamp>;
  auto map = backend_->GetMapState(MapStateDescriptor<Key, int64_t>("map"));
  const auto at = [](int64_t micros) { return Timestamp(std::chrono::microseconds(micros)); };
  SetKey(1);
  map.Put({"b", at(1)}, 3);
  map.Put({"a", at(2)}, 2);
  map.Put({"a", at(-1)}, 1);
  map.Put({std::string("a\0", 2), at(0)}, 4);
  EXPECT_THAT(map.Values(), ElementsAre(1, 2, 4, 3));
  EXPECT_EQ(map.Get({"a", at(2)}), 2);
}

TEST_P(KeyedStateKindsTest, Reducing) {
  auto sum = backend_->GetReducingState(ReducingStateDescriptor<int64_t>(
      "sum", [](const int64_t& a, const int64_t& b) { return a * 10 + b; }));
  SetKey(1);
  EXPECT_EQ(sum.Get(), std::nullopt);
  sum.Add(1);
  sum.Add(2);
  sum.Add(3);
  EXPECT_EQ(sum.Get(), 123);
  sum.Clear();
  sum.Add(4);
  EXPECT_EQ(sum.Get(), 4);
}

TEST_P(KeyedStateKindsTest, Aggregating) {
  using Descriptor = AggregatingStateDescriptor<int64_t, std::pair<int64_t, int64_t>, double>;
  auto mean = backend_->GetAggregatingState(Descriptor("mean", Mean{}));
  SetKey(1);
  EXPECT_EQ(mean.Get(), std::nullopt);
  mean.Add(1);
  mean.Add(2);
  EXPECT_EQ(mean.Get(), 1.5);
  SetKey(2);
  mean.Add(8);
  EXPECT_EQ(mean.Get(), 8);
}

TEST_P(KeyedStateKindsTest, KeysOfAState) {
  auto count = backend_->GetState(ValueStateDescriptor<int64_t>("count"));
  for (const int64_t key : {3, -1, 12}) {
    SetKey(key);
    count.Update(1);
  }
  SetKey(-1);
  count.Clear();
  std::vector<int64_t> keys;
  backend_->ForEachKey("count", [&](uint32_t group, absl::string_view key) {
    keys.push_back(*DecodeKey<int64_t>(key));
    EXPECT_EQ(group, GroupOf(keys.back()));
  });
  EXPECT_THAT(keys, UnorderedElementsAre(3, 12));
  backend_->ForEachKey("no such state", [&](uint32_t, absl::string_view) { FAIL(); });
}

TEST_P(KeyedStateKindsTest, OneNameWithTwoTypesIsRefused) {
  (void)backend_->GetState(ValueStateDescriptor<int64_t>("count"));
  (void)backend_->GetState(ValueStateDescriptor<std::string>("count"));
  EXPECT_EQ(backend_->status(),
            absl::InvalidArgumentError("operator 'count': state 'count' is asked for twice, with "
                                       "different types or TTLs"));
}

using KeyedStateDeathTest = KeyedStateKindsTest;
WEIR_FOR_ALL_BACKENDS(KeyedStateDeathTest);

TEST_P(KeyedStateDeathTest, NoCurrentKey) {
  auto count = backend_->GetState(ValueStateDescriptor<int64_t>("visits"));
  EXPECT_DEATH((void)count.Value(), "state 'visits' was used while there is no current key");
  EXPECT_DEATH(backend_->timers().Register(TimeDomain::kEventTime, 1), "no current key");
  SetKey(1);
  backend_->ClearCurrentKey();
  EXPECT_DEATH(count.Update(1), "state 'visits' was used while there is no current key");
}

TEST_P(KeyedStateDeathTest, HandleWithoutAStore) {
  ValueState<int64_t> count;
  EXPECT_DEATH((void)count.Value(), "not got from the operator's context");
}

TEST_P(KeyedStateDeathTest, KeyOfAnotherSubtask) {
  const uint32_t group = GroupOf(1);
  auto other = Make(group == 0 ? KeyGroupRange{1, 2} : KeyGroupRange{0, group});
  EXPECT_DEATH(SetKey(*other, 1), "came to the subtask of groups");
}

}  // namespace
}  // namespace weir
