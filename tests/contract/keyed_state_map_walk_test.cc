// A map that is changed by who walks over it, on every backend.
#include <gmock/gmock.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/contract/keyed_state_test.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Small maps lie packed on the heap, and large ones do not.
constexpr int64_t kFew = 6;
constexpr int64_t kMany = 400;

class KeyedStateMapWalkTest : public KeyedStateTest {
 protected:
  void SetUp() override {
    map_ = backend_->GetMapState(MapStateDescriptor<int64_t, std::string>("map"));
    expiring_ = backend_->GetMapState(
        MapStateDescriptor<int64_t, std::string>("expiring", {std::chrono::seconds(10)}));
    SetKey(1);
  }
  static std::string TextOf(int64_t entry) { return absl::StrCat("the text of entry ", entry); }
  void Fill(int64_t entries) {
    for (int64_t i = 0; i < entries; ++i) map_.Put(i, TextOf(i));
  }

  MapState<int64_t, std::string> map_;
  MapState<int64_t, std::string> expiring_;
};
WEIR_FOR_ALL_BACKENDS(KeyedStateMapWalkTest);

// Flink's iterator.remove().
TEST_P(KeyedStateMapWalkTest, EntriesAreRemovedOneByOne) {
  for (const int64_t entries : {int64_t{1}, kFew, kMany}) {
    Fill(entries);
    std::vector<int64_t> seen;
    map_.ForEach([&](int64_t entry, const std::string& text) {
      EXPECT_EQ(text, TextOf(entry));
      seen.push_back(entry);
      if (entry % 3 != 1) map_.Remove(entry);
    });
    ASSERT_EQ(seen.size(), static_cast<size_t>(entries));
    for (int64_t i = 0; i < entries; ++i) {
      EXPECT_EQ(seen[static_cast<size_t>(i)], i);
      EXPECT_EQ(map_.Contains(i), i % 3 == 1) << i;
    }
    map_.ForEach([&](int64_t entry, const std::string&) { map_.Remove(entry); });
    EXPECT_TRUE(map_.IsEmpty());
  }
}

TEST_P(KeyedStateMapWalkTest, WhatIsRemovedAheadIsNotVisited) {
  Fill(kFew);
  std::vector<int64_t> seen;
  map_.ForEach([&](int64_t entry, const std::string&) {
    seen.push_back(entry);
    if (entry == 1) map_.Remove(2);
    if (entry == 3) map_.Remove(0);
  });
  EXPECT_THAT(seen, ElementsAre(0, 1, 3, 4, 5));
}

TEST_P(KeyedStateMapWalkTest, ItMayBeClearedAndFilledAnew) {
  for (const int64_t entries : {kFew, kMany}) {
    Fill(entries);
    int64_t visits = 0;
    map_.ForEach([&](int64_t, const std::string&) {
      if (++visits == 3) map_.Clear();
    });
    EXPECT_EQ(visits, 3);
    EXPECT_TRUE(map_.IsEmpty());
  }
}

TEST_P(KeyedStateMapWalkTest, EntriesThatAreAddedBehindLeaveTheOthersVisitedOnce) {
  Fill(kFew);
  std::vector<int64_t> seen;
  map_.ForEach([&](int64_t entry, const std::string&) {
    if (entry < 0) return;
    seen.push_back(entry);
    for (int64_t i = 0; i < 100; ++i) map_.Put(-100 * (entry + 1) + i, "new");
    map_.Put(entry, "newer");
  });
  EXPECT_THAT(seen, ElementsAre(0, 1, 2, 3, 4, 5));
  for (int64_t i = 0; i < kFew; ++i) EXPECT_EQ(map_.Get(i), "newer");
}

// A visitor that only reads: what has expired goes when it is met.
TEST_P(KeyedStateMapWalkTest, ExpiredEntriesAreReadMeanwhile) {
  for (int64_t i = 0; i < kFew; ++i) expiring_.Put(2 * i, TextOf(i));
  Pass(absl::Seconds(6));
  for (int64_t i = 0; i < kFew; ++i) expiring_.Put(2 * i + 1, TextOf(i));
  Pass(absl::Seconds(6));
  std::vector<int64_t> seen;
  expiring_.ForEach([&](int64_t entry, const std::string&) {
    seen.push_back(entry);
    for (int64_t i = 0; i < kFew; ++i) EXPECT_EQ(expiring_.Get(2 * i), std::nullopt);
  });
  EXPECT_THAT(seen, ElementsAre(1, 3, 5, 7, 9, 11));
  Pass(absl::Seconds(6));
  EXPECT_THAT(expiring_.Keys(), IsEmpty());
}

// The map that is walked over may be the snapshot's by then, which lets go of it.
TEST_P(KeyedStateMapWalkTest, ASnapshotIsWrittenMeanwhile) {
  for (const int64_t entries : {kFew, kMany}) {
    Fill(entries);
    std::unique_ptr<FrozenState> frozen = Freeze(*backend_);
    std::vector<int64_t> seen;
    map_.ForEach([&](int64_t entry, const std::string& text) {
      EXPECT_EQ(text, TextOf(entry));
      seen.push_back(entry);
      map_.Put(entry, "newer");
      frozen.reset();
    });
    EXPECT_EQ(seen.size(), static_cast<size_t>(entries));
    for (int64_t i = 0; i < entries; ++i) EXPECT_EQ(map_.Get(i), "newer");
  }
}

}  // namespace
}  // namespace weir
