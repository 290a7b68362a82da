#include "state/keyed/heap_group.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

#include "common/base/seeded_random.h"
#include "state/api/cell_type.h"
#include "state/keyed/copy_on_freeze.h"

namespace weir {
namespace {

using Cell = ValueCell<std::string>;

HeapGroup NewGroup() {
  return HeapGroup(std::shared_ptr<const CellType>(std::shared_ptr<void>(), &CellTypeOf<Cell>()));
}

/// Few places, so that many keys collide; the last one is at the end of any table.
uint64_t HashOf(const std::string& key) { return key.size() % 3 == 0 ? UINT64_MAX : key.size(); }

TEST(HeapGroupTest, AsAMapWhateverCollides) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SeededRandom random(seed);
    HeapGroup group = NewGroup();
    std::map<std::string, std::string> expected;
    for (int step = 0; step < 1000; ++step) {
      const std::string key(random.Below(12), static_cast<char>('a' + random.Below(4)));
      if (random.Below(3) == 0) {
        group.Erase(HashOf(key), key);
        expected.erase(key);
      } else {
        const std::string value = absl::StrCat("a value that is not short ", step);
        static_cast<Cell*>(group.FindOrCreate(HashOf(key), key))->value = value;
        expected[key] = value;
      }
      ASSERT_EQ(group.size(), expected.size());
    }
    const HeapGroup copy(group);
    for (const auto& [key, value] : expected) {
      ASSERT_NE(copy.Find(HashOf(key), key), nullptr) << key;
      EXPECT_EQ(static_cast<const Cell*>(copy.Find(HashOf(key), key))->value, value);
    }
    std::map<std::string, std::string> found;
    group.ForEach([&](absl::string_view key, const void* cell) {
      found[std::string(key)] = static_cast<const Cell*>(cell)->value;
    });
    EXPECT_EQ(found, expected);
    EXPECT_EQ(group.Find(1, "no such key"), nullptr);
  }
}

TEST(HeapGroupTest, CellsStayWhereTheyAre) {
  HeapGroup group = NewGroup();
  const void* first = group.FindOrCreate(1, "first");
  for (uint64_t i = 0; i < 1000; ++i) group.FindOrCreate(i * 7, absl::StrCat(i));
  EXPECT_EQ(group.Find(1, "first"), first);
}

TEST(CopyOnFreezeTest, IsCopiedOnlyWhileSomebodyReads) {
  CopyOnFreeze<std::string> text;
  EXPECT_EQ(text.Freeze().get(), nullptr);
  text.Set("a");
  const std::string* before = text.get();
  text.Change() = "b";
  EXPECT_EQ(text.get(), before);
  {
    const auto reader = text.Freeze();
    EXPECT_TRUE(text.frozen());
    text.Change() = "c";
    EXPECT_FALSE(text.frozen());
    EXPECT_EQ(*reader.get(), "b");
    EXPECT_EQ(*text.get(), "c");
  }
  { const auto reader = text.Freeze(); }
  EXPECT_FALSE(text.frozen());
}

}  // namespace
}  // namespace weir
