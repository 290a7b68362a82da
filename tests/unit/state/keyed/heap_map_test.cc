#include "state/keyed/heap_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/seeded_random.h"
#include "common/types/key_codec.h"

namespace weir {
namespace {

/// What the cells of these tests hold.
struct TestCell {
  int64_t value = 0;
  int64_t stamp_micros = 0;
};

/// Cells of this size, of which a TestCell is used. Those that are not plain are kept count of, by
/// where they are: one that was moved as bytes, made twice or never destroyed is found.
class TestCellType final : public CellType {
 public:
  TestCellType(size_t size, bool plain) : size_(size), plain_(plain) {}

  size_t size() const override { return size_; }
  size_t alignment() const override { return alignof(int64_t); }
  void Construct(void* at) const override {
    std::fill_n(static_cast<char*>(at), size_, '\0');
    Made(at);
  }
  void Copy(const void* cell, void* at) const override {
    Construct(at);
    *static_cast<TestCell*>(at) = *static_cast<const TestCell*>(cell);
  }
  void Destroy(void* cell) const override {
    if (plain_) return;
    EXPECT_EQ(live_.erase(cell), 1U);
  }
  void Encode(const void*, bool, std::string*) const override {}
  bool Decode(absl::string_view, const WrittenCell&, int64_t, void*) const override {
    return false;
  }
  bool Expire(int64_t oldest_micros, void* cell) const override {
    return Expired(oldest_micros, cell);
  }
  bool Expired(int64_t oldest_micros, const void* cell) const override {
    return static_cast<const TestCell*>(cell)->stamp_micros <= oldest_micros;
  }
  size_t OutsideBytes(const void*) const override { return 0; }
  bool plain() const override { return plain_; }

  /// Of cells that are not plain.
  size_t live() const { return live_.size(); }

 private:
  void Made(void* at) const {
    if (plain_) return;
    EXPECT_TRUE(live_.insert(at).second);
  }

  const size_t size_;
  const bool plain_;
  mutable std::set<void*> live_;
};

using Expected = std::map<std::string, TestCell>;

std::vector<std::pair<std::string, int64_t>> EntriesFrom(const HeapMap& map,
                                                         absl::string_view from) {
  std::vector<std::pair<std::string, int64_t>> entries;
  map.ForEachFrom(from, [&](absl::string_view key, const void* cell) {
    entries.emplace_back(std::string(key), static_cast<const TestCell*>(cell)->value);
    return true;
  });
  return entries;
}

void ExpectEqual(const HeapMap& map, const Expected& expected, const std::string& from) {
  std::vector<std::pair<std::string, int64_t>> entries;
  for (auto at = expected.lower_bound(from); at != expected.end(); ++at) {
    entries.emplace_back(at->first, at->second.value);
  }
  ASSERT_EQ(EntriesFrom(map, from), entries);
  ASSERT_EQ(map.size(), expected.size());
}

int64_t Below(SeededRandom& random, uint64_t end) {
  return static_cast<int64_t>(random.Below(end));
}

/// A way in which keys come: of step i.
struct Keys {
  std::string name;
  std::function<std::string(SeededRandom&, int64_t step)> next;
  bool stay_packed = false;
};

std::vector<Keys> AllKeys() {
  return {
      {"few", [](SeededRandom& random, int64_t) { return EncodeKey(Below(random, 100) - 50); },
       true},
      {"forward",
       [](SeededRandom& random, int64_t step) { return EncodeKey(step + Below(random, 30)); }},
      {"backward",
       [](SeededRandom& random, int64_t step) { return EncodeKey(-step - Below(random, 30)); }},
      {"both ways", [](SeededRandom& random,
                       int64_t step) { return EncodeKey(random.Below(2) == 0 ? step : -step); }},
      {"many", [](SeededRandom& random, int64_t) { return EncodeKey(Below(random, 100'000)); }},
      {"of any size",
       [](SeededRandom& random, int64_t step) {
         // From the middle on, when there are packed ones.
         if (step < 300) return EncodeKey(Below(random, 300));
         return EncodeKey(Below(random, 300)).substr(random.Below(9));
       }},
  };
}

class HeapMapTest : public testing::TestWithParam<std::pair<size_t, bool>> {
 protected:
  TestCellType type_{GetParam().first, GetParam().second};

  void Run(const Keys& keys, uint64_t seed) {
    SeededRandom random(seed);
    HeapMap map(type_);
    Expected expected;
    const uint64_t erased_of_ten = random.Below(6);
    for (int64_t step = 0; step < 2000; ++step) {
      const std::string key = keys.next(random, step);
      if (random.Below(10) < erased_of_ten) {
        map.Erase(key);
        expected.erase(key);
      } else if (random.Below(400) == 0) {
        const int64_t oldest = step - Below(random, 500);
        map.Expire(oldest);
        std::erase_if(expected, [&](const auto& e) { return e.second.stamp_micros <= oldest; });
      } else {
        ASSERT_EQ(map.Find(key) == nullptr, !expected.contains(key));
        auto* cell = static_cast<TestCell*>(map.FindOrCreate(key));
        ASSERT_EQ(cell->value, expected[key].value);
        ASSERT_EQ(map.Find(key), cell);
        *cell = expected[key] = {step + 1, step};
      }
      if (step % 50 != 0) continue;
      ASSERT_NO_FATAL_FAILURE(ExpectEqual(map, expected, key));
    }
    ASSERT_NO_FATAL_FAILURE(ExpectEqual(map, expected, ""));
    EXPECT_TRUE(map.is_packed() || !keys.stay_packed);
    for (const auto& [key, cell] : expected) {
      ASSERT_NE(map.Find(key), nullptr);
      EXPECT_EQ(static_cast<const TestCell*>(map.Find(key))->value, cell.value);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Cells, HeapMapTest,
                         testing::Values(std::pair(16, true), std::pair(64, true),
                                         std::pair(72, true), std::pair(16, false)),
                         [](const auto& test) {
                           return absl::StrCat(test.param.second ? "Plain" : "NotPlain",
                                               test.param.first);
                         });

TEST_P(HeapMapTest, AsASortedMapHoweverKeysCome) {
  for (const Keys& keys : AllKeys()) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      SCOPED_TRACE(absl::StrCat("keys: ", keys.name, ", seed ", seed));
      Run(keys, seed);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_EQ(type_.live(), 0U);
}

TEST_P(HeapMapTest, ACopyIsApart) {
  for (const bool packed : {true, false}) {
    HeapMap map(type_);
    Expected expected;
    for (int64_t i = 0; i < 50; ++i) {
      const std::string key = EncodeKey(i);
      *static_cast<TestCell*>(map.FindOrCreate(key)) = expected[key] = {i + 1, i};
    }
    if (!packed) {
      (void)map.FindOrCreate("x");
      map.Erase("x");
    }
    ASSERT_EQ(map.is_packed(), packed);
    const HeapMap copy(map);
    for (int64_t i = 0; i < 50; ++i) static_cast<TestCell*>(map.Find(EncodeKey(i)))->value = -1;
    map.Erase(EncodeKey(int64_t{7}));
    (void)map.FindOrCreate(EncodeKey(int64_t{-8}));
    ExpectEqual(copy, expected, "");
    HeapMap source(copy);
    HeapMap moved(std::move(source));
    ExpectEqual(moved, expected, "");
    (void)moved.FindOrCreate(EncodeKey(int64_t{60}));
    EXPECT_EQ(moved.size(), 51U);
  }
  EXPECT_EQ(type_.live(), 0U);
}

TEST_P(HeapMapTest, FromKeysOfAnySize) {
  HeapMap map(type_);
  Expected expected;
  for (const char c : {'\0', 'a', 'b', '\xff'}) {
    for (const char last : {'\0', 'a', '\xff'}) {
      const std::string key = std::string(7, c) + last;
      *static_cast<TestCell*>(map.FindOrCreate(key)) = expected[key] = {1, 1};
    }
  }
  ASSERT_TRUE(map.is_packed());
  for (const char c : {'\0', 'a', 'b', 'c', '\xff'}) {
    for (size_t size = 0; size <= 10; ++size) {
      for (const std::string& last :
           {std::string(1, '\0'), std::string("a"), std::string("\xff")}) {
        ExpectEqual(map, expected, std::string(size, c) + last);
      }
    }
  }
}

TEST_P(HeapMapTest, MemoryIsGivenBack) {
  HeapMap map(type_);
  for (int64_t i = 0; i < 700; ++i) (void)map.FindOrCreate(EncodeKey(i));
  ASSERT_TRUE(map.is_packed());
  const size_t full = map.bytes();
  for (int64_t i = 0; i < 690; ++i) map.Erase(EncodeKey(i));
  EXPECT_LT(map.bytes(), full / 10);
  map.Expire(0);
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(type_.live(), 0U);
}

TEST(HeapMapLimitsTest, ManyInOrderStayPackedUpToTheLimit) {
  const TestCellType type(16, true);
  HeapMap map(type);
  const auto fits = static_cast<int64_t>(PackedEntries::kMostBytes / 24);
  for (int64_t i = 0; i < fits; ++i) (void)map.FindOrCreate(EncodeKey(i));
  EXPECT_TRUE(map.is_packed());
  (void)map.FindOrCreate(EncodeKey(fits));
  EXPECT_FALSE(map.is_packed());
  EXPECT_EQ(map.size(), static_cast<size_t>(fits) + 1);
}

TEST(HeapMapLimitsTest, OneInTheMiddleOfManyMakesATree) {
  const TestCellType type(16, true);
  const auto moved = static_cast<int64_t>(PackedEntries::kMostMovedBytes / 24);
  HeapMap map(type);
  for (int64_t i = 0; i < 3 * moved; ++i) (void)map.FindOrCreate(EncodeKey(2 * i));
  (void)map.FindOrCreate(EncodeKey(2 * moved - 1));
  EXPECT_TRUE(map.is_packed());
  (void)map.FindOrCreate(EncodeKey(2 * moved + 5));
  EXPECT_FALSE(map.is_packed());
}

// A window's slices: as many of them as before, one of which goes for each that comes.
TEST(HeapMapLimitsTest, WhatGoesAndComesInOrderTakesNoMoreMemory) {
  const TestCellType type(16, true);
  HeapMap map(type);
  int64_t next = 0;
  for (; next < 60; ++next) (void)map.FindOrCreate(EncodeKey(next));
  for (; next < 10'000; ++next) {
    map.Erase(EncodeKey(next - 60));
    (void)map.FindOrCreate(EncodeKey(next));
    ASSERT_LE(map.bytes(), 60U * 24 * 2);
  }
  EXPECT_EQ(map.size(), 60U);
}

}  // namespace
}  // namespace weir
