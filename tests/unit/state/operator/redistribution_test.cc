#include "state/operator/redistribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(RedistributionTest, PiecesFollowEachOtherAndDifferByOneAtMost) {
  for (uint64_t elements = 0; elements < 40; ++elements) {
    for (uint32_t subtasks = 1; subtasks < 8; ++subtasks) {
      for (uint32_t first_longer = 0; first_longer < subtasks; ++first_longer) {
        uint64_t next = 0;
        for (uint32_t turn = 0; turn < subtasks; ++turn) {
          const ElementRange share =
              ShareOf(elements, {(first_longer + turn) % subtasks, subtasks}, first_longer);
          ASSERT_EQ(share.first, next);
          next = share.end;
          ASSERT_EQ(share.end - share.first,
                    elements / subtasks + (turn < elements % subtasks ? 1 : 0));
        }
        ASSERT_EQ(next, elements);
      }
    }
  }
}

TEST(RedistributionTest, AtTheSameParallelismEveryoneKeepsItsOwn) {
  const std::vector<ListSizes> then = {{{"a", 5}}, {}, {{"a", 1}, {"b", 2}}};
  EXPECT_THAT(DealOutLists(then, {0, 3}),
              ElementsAre(ElementsAre(Pair("a", ElementRange{0, 5})), IsEmpty(), IsEmpty()));
  EXPECT_THAT(DealOutLists(then, {1, 3}), ElementsAre(IsEmpty(), IsEmpty(), IsEmpty()));
  EXPECT_THAT(DealOutLists(then, {2, 3}), ElementsAre(IsEmpty(), IsEmpty(),
                                                      ElementsAre(Pair("a", ElementRange{0, 1}),
                                                                  Pair("b", ElementRange{0, 2}))));
}

TEST(RedistributionTest, AShareIsOfTheSubtasksThatItLiesIn) {
  const std::vector<ListSizes> then = {{{"a", 4}}, {{"a", 1}}, {{"a", 3}}};
  EXPECT_THAT(DealOutLists(then, {0, 2}),
              ElementsAre(ElementsAre(Pair("a", ElementRange{0, 4})), IsEmpty(), IsEmpty()));
  EXPECT_THAT(DealOutLists(then, {1, 2}),
              ElementsAre(IsEmpty(), ElementsAre(Pair("a", ElementRange{0, 1})),
                          ElementsAre(Pair("a", ElementRange{0, 3}))));
}

// Many lists of one element would all go to subtask 0.
TEST(RedistributionTest, WhatDoesNotDivideGoesRound) {
  ListSizes one_each;
  for (const std::string name : {"a", "b", "c", "d", "e", "f"}) one_each[name] = 1;
  std::vector<size_t> lists;
  for (uint32_t index = 0; index < 3; ++index) {
    lists.push_back(DealOutLists({one_each}, {index, 3})[0].size());
  }
  EXPECT_THAT(lists, ElementsAre(2u, 2u, 2u));
}

TEST(RedistributionTest, EveryElementIsInOneShare) {
  const std::vector<ListSizes> then = {
      {{"a", 7}, {"b", 1}}, {{"b", 13}}, {}, {{"a", 2}, {"c", 1}}, {{"a", 0}, {"c", 5}}};
  for (uint32_t subtasks = 1; subtasks < 12; ++subtasks) {
    std::vector<std::map<std::string, std::vector<int>>> seen(then.size());
    for (size_t part = 0; part < then.size(); ++part) {
      for (const auto& [name, elements] : then[part]) seen[part][name].resize(elements);
    }
    for (uint32_t index = 0; index < subtasks; ++index) {
      const std::vector<ListShares> shares = DealOutLists(then, {index, subtasks});
      for (size_t part = 0; part < then.size(); ++part) {
        for (const auto& [name, share] : shares[part]) {
          for (uint64_t i = share.first; i < share.end; ++i) ++seen[part][name].at(i);
        }
      }
    }
    for (const auto& part : seen) {
      for (const auto& [name, times] : part) {
        EXPECT_THAT(times, testing::Each(1)) << name << " over " << subtasks;
      }
    }
  }
}

TEST(RedistributionTest, NewSubtasksTakeBroadcastStateInTurn) {
  EXPECT_EQ(BroadcastFrom(2, 1), 1u);
  EXPECT_EQ(BroadcastFrom(2, 2), 0u);
  EXPECT_EQ(BroadcastFrom(2, 3), 1u);
}

}  // namespace
}  // namespace weir
