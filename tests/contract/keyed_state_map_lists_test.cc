// Vectors in maps that are added to without a look at what is there, on every backend.
#include <gmock/gmock.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/contract/keyed_state_test.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::Pair;

using Texts = std::vector<std::string>;

const MapStateDescriptor<int32_t, Texts> kMap("map");
const MapStateDescriptor<int32_t, Texts> kExpiring("expiring", {std::chrono::seconds(10)});

Texts TextsOf(int64_t first, int64_t end) {
  Texts texts;
  for (int64_t i = first; i < end; ++i) texts.push_back(absl::StrCat("element ", i));
  return texts;
}

class KeyedStateMapListsTest : public KeyedStateTest {
 protected:
  static constexpr int64_t kLong = 300;

  void SetUp() override { GetMaps(); }
  void GetMaps() {
    map_ = backend_->GetMapState(kMap);
    expiring_ = backend_->GetMapState(kExpiring);
  }
  void ReincarnateMaps() {
    ASSERT_EQ(ReincarnateInTurn(), absl::OkStatus());
    GetMaps();
  }
  void AppendAll(int32_t map_key, int64_t first, int64_t end) {
    for (const std::string& text : TextsOf(first, end)) map_.Append(map_key, text);
  }

  MapState<int32_t, Texts> map_;
  MapState<int32_t, Texts> expiring_;
};
WEIR_FOR_ALL_BACKENDS(KeyedStateMapListsTest);

// The ones that were put as a whole, as programs before this one have, and the others.
TEST_P(KeyedStateMapListsTest, AppendedBehindWhatWasRestored) {
  SetKey(1);
  map_.Put(7, TextsOf(0, kLong));
  map_.Put(8, {});
  AppendAll(9, 0, kLong);
  for (int64_t more = 0; more < 4; ++more) {
    ReincarnateMaps();
    SetKey(1);
    AppendAll(7, kLong + more, kLong + more + 1);
    AppendAll(8, more, more + 1);
    AppendAll(9, kLong + more, kLong + more + 1);
  }
  ReincarnateMaps();
  SetKey(1);
  EXPECT_THAT(map_.Entries(), ElementsAre(Pair(7, TextsOf(0, kLong + 4)), Pair(8, TextsOf(0, 4)),
                                          Pair(9, TextsOf(0, kLong + 4))));
  EXPECT_EQ(map_.Get(9), TextsOf(0, kLong + 4));
  EXPECT_EQ(backend_->num_entries(), 3u);
  EXPECT_EQ(backend_->status(), absl::OkStatus());
}

TEST_P(KeyedStateMapListsTest, AppendedBetweenBarriers) {
  SetKey(1);
  AppendAll(7, 0, kLong);
  const auto first = Freeze(*backend_);
  AppendAll(7, kLong, kLong + 2);
  const auto second = Freeze(*backend_);
  AppendAll(7, kLong + 2, kLong + 3);
  EXPECT_EQ(map_.Get(7), TextsOf(0, kLong + 3));
  int64_t expected = kLong;
  for (const auto& frozen : {first.get(), second.get()}) {
    const absl::StatusOr<KeyedStateIncrement> increment = frozen->WriteIncrement();
    ASSERT_TRUE(increment.ok()) << increment.status();
    Reopen();
    ASSERT_EQ(backend_->RestoreIncrements({&*increment, 1}), absl::OkStatus());
    GetMaps();
    SetKey(1);
    EXPECT_EQ(map_.Get(7), TextsOf(0, expected));
    expected += 2;
  }
}

// Whoever is the first to add something must hear of it, also where nobody can know.
TEST_P(KeyedStateMapListsTest, SaysWhereThereMayHaveBeenNone) {
  SetKey(1);
  EXPECT_TRUE(map_.Append(7, std::string("a")));
  EXPECT_FALSE(map_.Append(7, std::string("b")));
  EXPECT_TRUE(map_.Append(8, std::string("a")));
  EXPECT_TRUE(expiring_.Append(7, std::string("a")));
  ReincarnateMaps();
  SetKey(1);
  EXPECT_TRUE(map_.Append(9, std::string("a")));
  map_.Remove(8);
  EXPECT_TRUE(map_.Append(8, std::string("b")));
  EXPECT_FALSE(map_.Append(8, std::string("c")));
  (void)map_.Append(7, std::string("c"));
  EXPECT_FALSE(map_.Append(7, std::string("d")));
  EXPECT_FALSE(expiring_.Append(7, std::string("b")));
  bool fresh = true;
  EXPECT_THAT(map_.GetOrCreate(7, &fresh), ElementsAre("a", "b", "c", "d"));
  EXPECT_FALSE(fresh);
  SetKey(2);
  EXPECT_TRUE(map_.Append(7, std::string("a")));
}

TEST_P(KeyedStateMapListsTest, ChangedAsAWholeAndRemoved) {
  SetKey(1);
  for (int32_t map_key = 0; map_key < 5; ++map_key) AppendAll(map_key, 0, kLong);
  SetKey(2);
  AppendAll(0, 0, kLong);
  ReincarnateMaps();
  SetKey(1);
  for (int32_t map_key = 0; map_key < 5; ++map_key) AppendAll(map_key, kLong, kLong + 1);
  map_.Put(0, {"new"});
  AppendAll(0, 1, 2);
  map_.Remove(1);
  AppendAll(1, 3, 4);
  map_.Remove(2);
  bool fresh = true;
  map_.GetOrCreate(3, &fresh).front() = "changed";
  EXPECT_FALSE(fresh);
  SetKey(2);
  AppendAll(0, kLong, kLong + 1);
  map_.Clear();
  ReincarnateMaps();
  SetKey(1);
  EXPECT_THAT(map_.Keys(), ElementsAre(0, 1, 3, 4));
  EXPECT_EQ(map_.Get(0), (Texts{"new", "element 1"}));
  EXPECT_EQ(map_.Get(1), (Texts{"element 3"}));
  Texts changed = TextsOf(0, kLong + 1);
  changed.front() = "changed";
  EXPECT_EQ(map_.Get(3), changed);
  EXPECT_EQ(map_.Get(4), TextsOf(0, kLong + 1));
  SetKey(2);
  EXPECT_TRUE(map_.IsEmpty());
  EXPECT_EQ(backend_->num_entries(), 4u);
}

// With a TTL the time of a vector is that of its last change.
TEST_P(KeyedStateMapListsTest, AVectorExpiresAsAWhole) {
  SetKey(1);
  expiring_.Append(7, std::string("a"));
  expiring_.Append(8, std::string("a"));
  Pass(absl::Seconds(6));
  ReincarnateMaps();
  SetKey(1);
  expiring_.Append(7, std::string("b"));
  Pass(absl::Seconds(6));
  EXPECT_THAT(expiring_.Entries(), ElementsAre(Pair(7, ElementsAre("a", "b"))));
  EXPECT_TRUE(expiring_.Append(8, std::string("c")));
  EXPECT_THAT(expiring_.Get(8).value(), ElementsAre("c"));
}

// What was appended has no time then.
TEST_P(KeyedStateMapListsTest, AppendedBeforeThereWasATtl) {
  SetKey(1);
  AppendAll(7, 0, kLong);
  ReincarnateMaps();
  SetKey(1);
  AppendAll(7, kLong, kLong + 1);
  const KeyedStateIncrement increment = Increment(*backend_);
  Reopen();
  ASSERT_EQ(backend_->RestoreIncrements({&increment, 1}), absl::OkStatus());
  auto map =
      backend_->GetMapState(MapStateDescriptor<int32_t, Texts>("map", {std::chrono::seconds(10)}));
  Pass(absl::Seconds(6));
  SetKey(1);
  EXPECT_EQ(map.Get(7), TextsOf(0, kLong + 1));
  Pass(absl::Seconds(6));
  for (int i = 0; i < 100; ++i) backend_->CleanUpExpired(1);
  EXPECT_EQ(backend_->num_entries(), 0u);
  EXPECT_EQ(map.Get(7), std::nullopt);
}

TEST_P(KeyedStateMapListsTest, AppendedAfterTheSchemaChanged) {
  using Narrow = MapStateDescriptor<int32_t, std::vector<int32_t>>;
  using Wide = MapStateDescriptor<int32_t, std::vector<int64_t>>;
  auto narrow = backend_->GetMapState(Narrow("numbers"));
  SetKey(1);
  for (int32_t i = 0; i < kLong; ++i) narrow.Append(7, i);
  ReincarnateMaps();
  narrow = backend_->GetMapState(Narrow("numbers"));
  SetKey(1);
  narrow.Append(7, static_cast<int32_t>(kLong));
  for (int64_t round = 1; round < 4; ++round) {
    ReincarnateMaps();
    auto wide = backend_->GetMapState(Wide("numbers"));
    ASSERT_EQ(backend_->status(), absl::OkStatus());
    SetKey(1);
    wide.Append(7, kLong + round);
    // Nobody asks for it.
    ReincarnateMaps();
  }
  auto wide = backend_->GetMapState(Wide("numbers"));
  SetKey(1);
  const std::vector<int64_t> numbers = wide.Get(7).value();
  ASSERT_EQ(numbers.size(), static_cast<size_t>(kLong) + 4);
  for (size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], static_cast<int64_t>(i));
}

}  // namespace
}  // namespace weir
