// What handles do when a backend has lost a cell between two calls: nothing is there.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/types/key_codec.h"
#include "state/api/keyed_state_store.h"

namespace weir {
namespace {

constexpr StateTtl kRead{std::chrono::seconds(10), StateTtl::Update::kOnReadAndWrite};
constexpr int64_t kNow = 100;

StateDefinition Definition() {
  StateDefinition definition;
  definition.name = "state";
  definition.ttl = kRead;
  return definition;
}

/// Finds a cell, and then cannot read it again to be changed.
template <class Cell>
class TestingCellTable final : public CellTable {
 public:
  TestingCellTable() : CellTable(Definition(), kNow) {}
  void Clear() override { ++cleared; }
  const void* Find() override { return &cell; }
  void* FindToChange() override { return nullptr; }
  void* FindOrCreate() override { return &cell; }

  Cell cell;
  int cleared = 0;
};

class TestingMapTable final : public MapTable {
 public:
  TestingMapTable() : MapTable(Definition(), kNow) {}
  void Clear() override {}
  const void* Find(absl::string_view) override { return &cell; }
  void* FindToChange(absl::string_view) override { return nullptr; }
  void* FindOrCreate(absl::string_view) override { return &cell; }
  void Remove(absl::string_view) override {}
  void ForEach(Visitor visit) override { (void)visit(EncodeKey(int64_t{1}), &cell); }
  void Prefetch(absl::Span<const MapEntryRef>) override {}

  ValueCell<int64_t> cell{7, kNow};
};

TEST(StateHandleTest, AValueThatIsGoneWhenItIsReadAgain) {
  TestingCellTable<ValueCell<int64_t>> table;
  table.cell = {7, kNow};
  EXPECT_EQ(ValueState<int64_t>(&table).Value(), std::nullopt);
  EXPECT_EQ(table.cleared, 0);
}

TEST(StateHandleTest, AListThatIsGoneWhenItIsReadAgain) {
  TestingCellTable<ListCell<int64_t>> table;
  table.cell = {{7}, {kNow}};
  EXPECT_EQ(ListState<int64_t>(&table).Get(), std::vector<int64_t>());
  EXPECT_EQ(table.cleared, 0);
}

TEST(StateHandleTest, AnEntryThatIsGoneWhenItIsReadAgain) {
  TestingMapTable table;
  const MapState<int64_t, int64_t> map(&table);
  EXPECT_EQ(map.Get(1), std::nullopt);
  // What was gone through was there.
  EXPECT_EQ(map.Keys(), std::vector<int64_t>{1});
}

}  // namespace
}  // namespace weir
