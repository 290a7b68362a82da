#include "taskmanager/task/watched_call.h"

#include <gtest/gtest.h>

#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

TEST(WatchedCallTest, TellsTheBatchAndThenTheRow) {
  const BatchPtr batch = MakeBatch({1, 2, 3}, {}, 17);
  WatchedCall watched;
  const std::string name = "Parse";
  const CallScope scope(watched, name, batch.get());
  EXPECT_EQ(watched.Position(), "topic numbers, partition 0, offset 17 to offset 19");
  ThisThreadsCall().SetRow(1);
  EXPECT_EQ(watched.Position(), "topic numbers, partition 0, offset 18");
}

TEST(WatchedCallTest, TheCallersCallIsThereAgainWhenACallReturns) {
  const BatchPtr outer_batch = MakeBatch({1, 2}, {}, 10);
  const BatchPtr inner_batch = MakeBatch({1, 2}, {}, 20);
  WatchedCall watched;
  const std::string outer = "outer";
  const std::string inner = "inner";
  {
    const CallScope outer_scope(watched, outer, outer_batch.get());
    ThisThreadsCall().SetRow(1);
    {
      const CallScope inner_scope(watched, inner, inner_batch.get());
      EXPECT_EQ(ThisThreadsCall().operator_name.load(), &inner);
      EXPECT_EQ(ThisThreadsCall().row.load(), CurrentCall::kNoRow);
      EXPECT_EQ(watched.Position(), "topic numbers, partition 0, offset 20 to offset 21");
    }
    EXPECT_EQ(ThisThreadsCall().operator_name.load(), &outer);
    EXPECT_EQ(ThisThreadsCall().batch.load(), outer_batch.get());
    EXPECT_EQ(watched.Position(), "topic numbers, partition 0, offset 11");
  }
  EXPECT_EQ(ThisThreadsCall().operator_name.load(), nullptr);
  EXPECT_EQ(ThisThreadsCall().batch.load(), nullptr);
  EXPECT_EQ(watched.Position(), "");
}

TEST(WatchedCallTest, WithoutABatchOrItsOriginThereIsNoPosition) {
  WatchedCall watched;
  const std::string name = "Parse";
  const CallScope scope(watched, name, nullptr);
  EXPECT_EQ(watched.Position(), "");
  EXPECT_EQ(PositionOf(MakeBatch({1}).get()), "");
}

}  // namespace
}  // namespace weir::taskmanager
