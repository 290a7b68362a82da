// Lists that are added to, read, replaced and cleared across snapshots, on every backend.
#include <gmock/gmock.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/contract/keyed_state_test.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const ListStateDescriptor<std::string> kList("list");
const ListStateDescriptor<std::string> kExpiring("expiring", {std::chrono::seconds(10)});

std::vector<std::string> Texts(int64_t first, int64_t end) {
  std::vector<std::string> texts;
  for (int64_t i = first; i < end; ++i) texts.push_back(absl::StrCat("element ", i));
  return texts;
}

class KeyedStateListsTest : public KeyedStateTest {
 protected:
  static constexpr int64_t kLong = 300;

  void SetUp() override { GetLists(); }
  void GetLists() {
    list_ = backend_->GetListState(kList);
    expiring_ = backend_->GetListState(kExpiring);
  }
  void ReincarnateLists() {
    ASSERT_EQ(ReincarnateInTurn(), absl::OkStatus());
    GetLists();
  }
  void AddAll(int64_t key, int64_t first, int64_t end) {
    SetKey(key);
    list_.AddAll(Texts(first, end));
  }

  ListState<std::string> list_;
  ListState<std::string> expiring_;
};
WEIR_FOR_ALL_BACKENDS(KeyedStateListsTest);

TEST_P(KeyedStateListsTest, AddedBehindWhatWasRestored) {
  AddAll(1, 0, kLong);
  AddAll(2, 0, 3);
  int64_t more = 0;
  for (int round = 0; round < 4; ++round) {
    ReincarnateLists();
    AddAll(1, kLong + more, kLong + more + 1);
    AddAll(2, 3 + more, 3 + more + 1);
    ++more;
  }
  ReincarnateLists();
  SetKey(1);
  EXPECT_EQ(list_.Get(), Texts(0, kLong + more));
  SetKey(2);
  EXPECT_EQ(list_.Get(), Texts(0, 3 + more));
  EXPECT_EQ(backend_->num_entries(), 2u);
  EXPECT_EQ(backend_->status(), absl::OkStatus());
}

TEST_P(KeyedStateListsTest, AddedBetweenBarriers) {
  AddAll(1, 0, kLong);
  const auto first = Freeze(*backend_);
  AddAll(1, kLong, kLong + 2);
  const auto second = Freeze(*backend_);
  AddAll(1, kLong + 2, kLong + 3);
  EXPECT_EQ(list_.Get(), Texts(0, kLong + 3));
  int64_t expected = kLong;
  for (const auto& frozen : {first.get(), second.get()}) {
    const absl::StatusOr<KeyedStateIncrement> increment = frozen->WriteIncrement();
    ASSERT_TRUE(increment.ok()) << increment.status();
    Reopen();
    ASSERT_EQ(backend_->RestoreIncrements({&*increment, 1}), absl::OkStatus());
    GetLists();
    SetKey(1);
    EXPECT_EQ(list_.Get(), Texts(0, expected));
    expected += 2;
  }
}

TEST_P(KeyedStateListsTest, ReplacedAndCleared) {
  for (int64_t key = 0; key < 4; ++key) AddAll(key, 0, kLong);
  ReincarnateLists();
  for (int64_t key = 0; key < 4; ++key) AddAll(key, kLong, kLong + 1);
  SetKey(0);
  list_.Update({"new"});
  list_.Add("newer");
  SetKey(1);
  list_.Clear();
  list_.Add("alone");
  SetKey(2);
  list_.Update({});
  ReincarnateLists();
  SetKey(0);
  EXPECT_THAT(list_.Get(), ElementsAre("new", "newer"));
  SetKey(1);
  EXPECT_THAT(list_.Get(), ElementsAre("alone"));
  SetKey(2);
  EXPECT_THAT(list_.Get(), IsEmpty());
  EXPECT_EQ(list_.Peek(), nullptr);
  SetKey(3);
  EXPECT_EQ(list_.Get(), Texts(0, kLong + 1));
  EXPECT_EQ(backend_->num_entries(), 3u);
}

// What was added is alive, and what was there before is not in memory.
TEST_P(KeyedStateListsTest, ElementsExpireOneByOneAcrossRestores) {
  SetKey(1);
  expiring_.AddAll(Texts(0, kLong));
  Pass(absl::Seconds(6));
  ReincarnateLists();
  SetKey(1);
  expiring_.Add("later");
  for (int i = 0; i < 100; ++i) backend_->CleanUpExpired(1);
  EXPECT_EQ(expiring_.Get().size(), static_cast<size_t>(kLong) + 1);
  ReincarnateLists();
  SetKey(1);
  expiring_.Add("last");
  Pass(absl::Seconds(4));
  for (int i = 0; i < 100; ++i) backend_->CleanUpExpired(1);
  EXPECT_THAT(expiring_.Get(), ElementsAre("later", "last"));
  Pass(absl::Seconds(6));
  for (int i = 0; i < 100; ++i) backend_->CleanUpExpired(1);
  EXPECT_EQ(backend_->num_entries(), 0u);
}

TEST_P(KeyedStateListsTest, AddedAfterTheSchemaChanged) {
  auto narrow = backend_->GetListState(ListStateDescriptor<int32_t>("numbers"));
  SetKey(1);
  for (int32_t i = 0; i < 5; ++i) narrow.Add(i);
  for (int64_t round = 0; round < 3; ++round) {
    ReincarnateLists();
    auto wide = backend_->GetListState(ListStateDescriptor<int64_t>("numbers"));
    ASSERT_EQ(backend_->status(), absl::OkStatus());
    SetKey(1);
    wide.Add(5 + round);
    // Nobody asks for it.
    ReincarnateLists();
  }
  auto wide = backend_->GetListState(ListStateDescriptor<int64_t>("numbers"));
  SetKey(1);
  EXPECT_THAT(wide.Get(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

}  // namespace
}  // namespace weir
