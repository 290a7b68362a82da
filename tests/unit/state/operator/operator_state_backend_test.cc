#include "state/operator/operator_state_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/failure_policy.h"
#include "common/types/record.h"
#include "tests/unit/state/operator/operator_state_fleet.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAreArray;

struct Item {
  int32_t id = 0;
  std::string text;
  WEIR_RECORD(Item, id, text)
};
struct LaterItem {
  int64_t id = 0;
  std::string text;
  std::string note = "none";
  WEIR_RECORD(LaterItem, id, text, note)
};

const ListStateDescriptor<int64_t> kBuffer("buffer");
const ListStateDescriptor<Item> kItems("items");
const ListStateDescriptor<int64_t> kOffsets("offsets");
const MapStateDescriptor<std::string, int64_t> kRules("rules");

std::vector<int64_t> AllOf(OperatorStateFleet& fleet, const ListStateDescriptor<int64_t>& list) {
  std::vector<int64_t> all;
  for (size_t i = 0; i < fleet.size(); ++i) {
    const std::vector<int64_t> own = fleet[i].GetListState(list).Get();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

TEST(OperatorStateBackendTest, AListIsWhatWasAdded) {
  OperatorStateBackend backend;
  ListState<int64_t> list = backend.GetListState(kBuffer);
  EXPECT_THAT(list.Get(), IsEmpty());
  list.AddAll({1, 2});
  list.Add(3);
  EXPECT_THAT(list.Get(), ElementsAre(1, 2, 3));
  list.Update({7});
  EXPECT_THAT(list.Get(), ElementsAre(7));
  list.Clear();
  EXPECT_EQ(list.Peek(), nullptr);
  EXPECT_FALSE(backend.restored());
}

TEST(OperatorStateBackendTest, BroadcastStateIsAMap) {
  OperatorStateBackend backend;
  BroadcastState<std::string, int64_t> rules = backend.GetBroadcastState(kRules);
  EXPECT_TRUE(rules.IsEmpty());
  rules.Put("b", 2);
  rules.Put("a", 1);
  rules.Put("b", 3);
  EXPECT_THAT(rules.Entries(), ElementsAre(Pair("a", 1), Pair("b", 3)));
  rules.Remove("a");
  EXPECT_FALSE(rules.Contains("a"));
  EXPECT_EQ(rules.Get("b"), 3);
  rules.Clear();
  EXPECT_TRUE(rules.IsEmpty());
}

TEST(OperatorStateBackendTest, AskedForAgainItIsTheSame) {
  OperatorStateBackend backend;
  backend.GetListState(kBuffer).Add(1);
  EXPECT_THAT(backend.GetListState(kBuffer).Get(), ElementsAre(1));
  EXPECT_EQ(backend.status(), absl::OkStatus());
}

TEST(OperatorStateBackendTest, NothingIsFrozenWhereNothingWasAskedFor) {
  EXPECT_EQ(OperatorStateBackend().Freeze(), nullptr);
}

TEST(OperatorStateBackendTest, WhatIsFrozenStaysAsItWas) {
  OperatorStateBackend backend;
  ListState<int64_t> list = backend.GetListState(kBuffer);
  BroadcastState<std::string, int64_t> rules = backend.GetBroadcastState(kRules);
  list.AddAll({1, 2});
  rules.Put("a", 1);
  const auto frozen = backend.Freeze();
  const OperatorStateObjects before = frozen->Write();
  list.Add(3);
  rules.Put("a", 2);
  rules.Put("b", 2);
  EXPECT_EQ(frozen->Write().lists, before.lists);
  EXPECT_EQ(frozen->Write().broadcast, before.broadcast);
  EXPECT_NE(backend.Freeze()->Write().lists, before.lists);
  EXPECT_NE(backend.Freeze()->Write().broadcast, before.broadcast);
  list.Clear();
  rules.Clear();
  EXPECT_EQ(frozen->Write().lists, before.lists);
  EXPECT_EQ(frozen->Write().broadcast, before.broadcast);
}

TEST(OperatorStateBackendTest, WhatIsEmptyIsNotWritten) {
  OperatorStateBackend backend;
  backend.GetListState(kBuffer).Add(1);
  backend.GetListState(kBuffer).Clear();
  backend.GetBroadcastState(kRules).Put("a", 1);
  backend.GetBroadcastState(kRules).Remove("a");
  const OperatorStateObjects written = backend.Freeze()->Write();
  EXPECT_EQ(written.lists, "");
  EXPECT_EQ(written.broadcast, "");
  EXPECT_THAT(written.list_sizes, IsEmpty());
}

TEST(OperatorStateBackendTest, ListsAreDealtOutOverParallelisms) {
  OperatorStateFleet fleet(1);
  std::vector<int64_t> expected;
  for (int64_t i = 0; i < 100; ++i) {
    fleet[0].GetListState(kBuffer).Add(i);
    expected.push_back(i);
  }
  for (const uint32_t parallelism : {3u, 2u, 7u, 7u, 1u, 128u, 2u}) {
    ASSERT_EQ(fleet.Rescale(parallelism), absl::OkStatus());
    EXPECT_TRUE(fleet[0].restored());
    EXPECT_THAT(AllOf(fleet, kBuffer), UnorderedElementsAreArray(expected)) << parallelism;
    const size_t even = expected.size() / parallelism;
    for (size_t i = 0; i < fleet.size(); ++i) {
      EXPECT_LE(fleet[i].GetListState(kBuffer).Get().size(), even + 1);
      // Not only what was restored.
      fleet[i].GetListState(kBuffer).Add(1000 + static_cast<int64_t>(i));
      expected.push_back(1000 + static_cast<int64_t>(i));
    }
  }
}

TEST(OperatorStateBackendTest, EverySubtaskGetsAllOfAUnionList) {
  OperatorStateFleet fleet(3);
  for (int64_t i = 0; i < 3; ++i) {
    fleet[static_cast<size_t>(i)].GetUnionListState(kOffsets).AddAll({10 * i, 10 * i + 1});
  }
  for (const uint32_t parallelism : {3u, 2u}) {
    ASSERT_EQ(fleet.Rescale(parallelism), absl::OkStatus());
    for (size_t i = 0; i < fleet.size(); ++i) {
      ListState<int64_t> offsets = fleet[i].GetUnionListState(kOffsets);
      EXPECT_THAT(offsets.Get(), ElementsAre(0, 1, 10, 11, 20, 21));
      // What it shall keep.
      std::vector<int64_t> own;
      for (const int64_t offset : offsets.Get()) {
        if (offset % static_cast<int64_t>(parallelism) == static_cast<int64_t>(i)) {
          own.push_back(offset);
        }
      }
      offsets.Update(own);
    }
    // In the order of the subtasks that wrote them.
    if (parallelism == 3) {
      ASSERT_EQ(fleet.Rescale(3), absl::OkStatus());
      EXPECT_THAT(fleet[2].GetUnionListState(kOffsets).Get(), ElementsAre(0, 21, 1, 10, 11, 20));
      for (size_t i = 0; i < 3; ++i) fleet[i].GetUnionListState(kOffsets).Clear();
      fleet[0].GetUnionListState(kOffsets).AddAll({0, 1, 10, 11, 20, 21});
    }
  }
}

TEST(OperatorStateBackendTest, BroadcastStateIsEachSubtasksOwnAndNewOnesTakeOneInTurn) {
  OperatorStateFleet fleet(2);
  for (int64_t i = 0; i < 2; ++i) {
    fleet[static_cast<size_t>(i)].GetBroadcastState(kRules).Put("of", i);
  }
  ASSERT_EQ(fleet.Rescale(5), absl::OkStatus());
  std::vector<int64_t> of;
  for (size_t i = 0; i < 5; ++i) of.push_back(*fleet[i].GetBroadcastState(kRules).Get("of"));
  EXPECT_THAT(of, ElementsAre(0, 1, 0, 1, 0));
  ASSERT_EQ(fleet.Rescale(1), absl::OkStatus());
  EXPECT_THAT(fleet[0].GetBroadcastState(kRules).Entries(), ElementsAre(Pair("of", 0)));
}

TEST(OperatorStateBackendTest, WhatNobodyAsksForIsKeptOverParallelisms) {
  OperatorStateFleet fleet(2);
  std::vector<int64_t> expected;
  for (int64_t i = 0; i < 11; ++i) {
    fleet[static_cast<size_t>(i % 2)].GetListState(kBuffer).Add(i);
    fleet[static_cast<size_t>(i % 2)].GetUnionListState(kOffsets).Add(i);
    fleet[static_cast<size_t>(i % 2)].GetBroadcastState(kRules).Put("rule", 5);
    expected.push_back(i);
  }
  for (const uint32_t parallelism : {3u, 1u, 1u, 4u, 2u}) {
    ASSERT_EQ(fleet.Rescale(parallelism), absl::OkStatus());
  }
  EXPECT_THAT(AllOf(fleet, kBuffer), UnorderedElementsAreArray(expected));
  EXPECT_THAT(fleet[0].GetUnionListState(kOffsets).Get(), UnorderedElementsAreArray(expected))
      << "it must not be multiplied";
  EXPECT_THAT(fleet[1].GetUnionListState(kOffsets).Get(), UnorderedElementsAreArray(expected));
  EXPECT_EQ(fleet[1].GetBroadcastState(kRules).Get("rule"), 5);
}

TEST(OperatorStateBackendTest, AChangedTypeIsMigrated) {
  OperatorStateFleet fleet(1);
  fleet[0].GetListState(kItems).AddAll({{1, "one"}, {2, "two"}});
  ASSERT_EQ(fleet.Rescale(1), absl::OkStatus());
  const std::vector<LaterItem> items =
      fleet[0].GetListState(ListStateDescriptor<LaterItem>("items")).Get();
  ASSERT_EQ(fleet[0].status(), absl::OkStatus());
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1].id, 2);
  EXPECT_EQ(items[1].text, "two");
  EXPECT_EQ(items[1].note, "none");
}

// One subtask asks for it with the new type, the other does not ask: the checkpoint has both.
TEST(OperatorStateBackendTest, PartsOfSeveralTypesAreReadTogether) {
  OperatorStateFleet fleet(2);
  for (size_t i = 0; i < 2; ++i) fleet[i].GetListState(kItems).Add({static_cast<int>(i), "old"});
  ASSERT_EQ(fleet.Rescale(2), absl::OkStatus());
  (void)fleet[0].GetListState(ListStateDescriptor<LaterItem>("items"));
  ASSERT_EQ(fleet.Rescale(1), absl::OkStatus());
  ASSERT_EQ(fleet.Rescale(1), absl::OkStatus());
  EXPECT_EQ(fleet[0].GetListState(ListStateDescriptor<LaterItem>("items")).Get().size(), 2u);
  EXPECT_EQ(fleet[0].status(), absl::OkStatus());
}

class OperatorStateRefusalTest : public testing::Test {
 protected:
  /// The sentence with which the next asking ends, for good.
  std::string Refusal() {
    EXPECT_EQ(FailurePolicyOf(fleet_[0].status()), FailurePolicy::kFailJob);
    return std::string(fleet_[0].status().message());
  }
  OperatorStateFleet fleet_{1};
};

TEST_F(OperatorStateRefusalTest, TwoTypes) {
  fleet_[0].GetListState(kBuffer).Add(1);
  ListState<std::string> other = fleet_[0].GetListState(ListStateDescriptor<std::string>("buffer"));
  EXPECT_EQ(Refusal(), "operator state 'buffer' is asked for twice, with different types");
  other.Add("goes nowhere");
  EXPECT_THAT(other.Get(), ElementsAre("goes nowhere"));
  EXPECT_THAT(fleet_[0].GetListState(kBuffer).Get(), ElementsAre(1));
}

TEST_F(OperatorStateRefusalTest, TwoKinds) {
  (void)fleet_[0].GetListState(kBuffer);
  (void)fleet_[0].GetUnionListState(kBuffer);
  EXPECT_EQ(Refusal(), "operator state 'buffer' is asked for as a list and as a union list");
}

TEST_F(OperatorStateRefusalTest, AListAndBroadcastState) {
  (void)fleet_[0].GetListState(ListStateDescriptor<int64_t>("rules"));
  BroadcastState<std::string, int64_t> rules = fleet_[0].GetBroadcastState(kRules);
  EXPECT_EQ(Refusal(), "operator state 'rules' is asked for as a list and as broadcast state");
  rules.Put("a", 1);
  EXPECT_EQ(rules.Get("a"), 1);
}

TEST_F(OperatorStateRefusalTest, ATimeToLive) {
  (void)fleet_[0].GetListState(ListStateDescriptor<int64_t>("buffer", {std::chrono::hours(1)}));
  EXPECT_EQ(Refusal(),
            "operator state 'buffer' has a time to live, which only keyed state can have");
}

TEST_F(OperatorStateRefusalTest, AnotherTypeThanInTheCheckpoint) {
  fleet_[0].GetListState(kBuffer).Add(1);
  ASSERT_EQ(fleet_.Rescale(1), absl::OkStatus());
  (void)fleet_[0].GetListState(ListStateDescriptor<std::string>("buffer"));
  EXPECT_EQ(Refusal(), "state 'buffer' cannot be restored: it was int64 and is string");
}

TEST_F(OperatorStateRefusalTest, AnotherKindThanInTheCheckpoint) {
  fleet_[0].GetListState(kBuffer).Add(1);
  ASSERT_EQ(fleet_.Rescale(1), absl::OkStatus());
  (void)fleet_[0].GetUnionListState(kBuffer);
  EXPECT_EQ(Refusal(),
            "operator state 'buffer' cannot be restored: it was a list and is a union list");
}

TEST_F(OperatorStateRefusalTest, AnotherMapThanInTheCheckpoint) {
  fleet_[0].GetBroadcastState(kRules).Put("a", 1);
  ASSERT_EQ(fleet_.Rescale(1), absl::OkStatus());
  (void)fleet_[0].GetBroadcastState(MapStateDescriptor<int64_t, int64_t>("rules"));
  EXPECT_EQ(Refusal(),
            "state 'rules' cannot be restored: the key of its map was string and is int64");
}

class OperatorStateDamageTest : public testing::Test {
 protected:
  OperatorStateDamageTest() {
    for (size_t i = 0; i < 2; ++i) {
      fleet_[i].GetListState(kBuffer).AddAll({1, 2, 3});
      fleet_[i].GetUnionListState(kOffsets).Add(4);
      fleet_[i].GetBroadcastState(kRules).Put("a", 5);
    }
    written_ = fleet_.Write();
  }
  absl::Status Restore(uint32_t parallelism) {
    return OperatorStateFleet(1).Start(parallelism, PartsOf(written_));
  }

  OperatorStateFleet fleet_{2};
  std::vector<OperatorStateObjects> written_;
};

TEST_F(OperatorStateDamageTest, AnObjectThatIsMissing) {
  written_[1].lists.clear();
  EXPECT_EQ(Restore(1).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Restore(1).message(), "the lists of subtask 1 are missing in the checkpoint");
}

TEST_F(OperatorStateDamageTest, OtherSizesThanTheManifestSays) {
  written_[1].list_sizes["buffer"] = 4;
  EXPECT_EQ(Restore(1).code(), absl::StatusCode::kDataLoss);
  written_[1].list_sizes = {{"buffer", 2}};
  EXPECT_EQ(Restore(1).message(),
            "the lists of subtask 1 have other sizes than the checkpoint's manifest says");
}

TEST_F(OperatorStateDamageTest, AnyByteThatIsAnother) {
  for (std::string OperatorStateObjects::*object :
       {&OperatorStateObjects::lists, &OperatorStateObjects::union_lists,
        &OperatorStateObjects::broadcast}) {
    std::string& bytes = written_[0].*object;
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] ^= 0x10;
      EXPECT_FALSE(Restore(2).ok()) << i;
      bytes[i] ^= 0x10;
    }
    const std::string whole = bytes;
    for (size_t size = 1; size < whole.size(); ++size) {
      bytes = whole.substr(0, size);
      EXPECT_EQ(Restore(2).code(), absl::StatusCode::kDataLoss) << size;
    }
    bytes = whole;
  }
  EXPECT_EQ(Restore(2), absl::OkStatus());
}

TEST_F(OperatorStateDamageTest, AnObjectInAnothersPlace) {
  std::swap(written_[0].union_lists, written_[0].broadcast);
  EXPECT_EQ(Restore(2).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace weir
