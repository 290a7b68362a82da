#include "taskmanager/task/task_times.h"

#include <gtest/gtest.h>

namespace weir::taskmanager {
namespace {

using Kind = TaskTimes::Kind;

TEST(TaskTimesTest, NothingCountsBeforeTheFirstWord) {
  EXPECT_EQ(TaskTimes().At(absl::Seconds(9)).idle, absl::ZeroDuration());
}

TEST(TaskTimesTest, AllTimeIsOneOfThree) {
  TaskTimes times;
  times.Switch(Kind::kBusy, absl::Seconds(10));
  times.Switch(Kind::kIdle, absl::Seconds(11));
  times.Switch(Kind::kBusy, absl::Seconds(14));
  times.Switch(Kind::kBackpressured, absl::Seconds(15));
  const TaskTimes::Totals totals = times.At(absl::Seconds(20));
  EXPECT_EQ(totals.busy, absl::Seconds(2));
  EXPECT_EQ(totals.idle, absl::Seconds(3));
  EXPECT_EQ(totals.backpressured, absl::Seconds(5));
}

TEST(TaskTimesTest, AReaderThatIsLateSeesNoTotalGoBack) {
  TaskTimes times;
  times.Switch(Kind::kIdle, absl::Seconds(10));
  times.Switch(Kind::kBusy, absl::Seconds(12));
  EXPECT_EQ(times.At(absl::Seconds(11)).idle, absl::Seconds(2));
  EXPECT_EQ(times.At(absl::Seconds(11)).busy, absl::ZeroDuration());
}

}  // namespace
}  // namespace weir::taskmanager
