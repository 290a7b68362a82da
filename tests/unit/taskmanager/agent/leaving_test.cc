// What a TaskManager does that is told to stop (docs/protocols/recovery.md).
#include "tests/unit/taskmanager/agent/testing_agent.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LeavingTest : public TaskManagerTest {
 protected:
  void Leave() {
    task_manager_->Leave([this] { ++left_; });
  }
  bool Told() { return sent_.back().has_task_manager_report() && LastReport().leaving(); }
  int left_ = 0;
};

TEST_F(LeavingTest, ItsWorkersAreToldToEnd) {
  Register();
  Hear(DirectiveOf({"w-1", "w-2"}));
  Leave();
  EXPECT_THAT(launcher_.ended, ElementsAre("w-1", "w-2"));
  EXPECT_THAT(launcher_.killed, IsEmpty());
  EXPECT_EQ(left_, 0);
}

TEST_F(LeavingTest, TheLeaderIsToldOnceAllHaveEnded) {
  Register();
  Hear(DirectiveOf({"w-1", "w-2"}));
  Leave();
  launcher_.exits["w-1"]("exited with code 0");
  EXPECT_FALSE(Told());
  launcher_.exits["w-2"]("exited with code 0");
  ASSERT_TRUE(Told());
  ASSERT_THAT(LastReport().workers(), SizeIs(2));
  EXPECT_EQ(LastStatus().state(), proto::WorkerStatus::EXITED);
  EXPECT_EQ(LastStatus().exit_reason(), "ended with its TaskManager, which was told to stop");
  EXPECT_EQ(left_, 0);
  task_manager_->OnLeaderStreamDown();  // how the leader takes note of it
  EXPECT_EQ(left_, 1);
}

// Told alone, the end of one worker would be a failure of its job.
TEST_F(LeavingTest, NoEndOfAWorkerIsToldBeforeTheReason) {
  Register();
  Hear(DirectiveOf({"w-1", "w-2"}));
  Leave();
  launcher_.exits["w-1"]("exited with code 0");
  const size_t before = sent_.size();
  executor_.Advance(TaskManager::kLeaveReportAfter - absl::Milliseconds(1));
  EXPECT_THAT(sent_, SizeIs(before));
  executor_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(Told());
}

TEST_F(LeavingTest, AWorkerThatDoesNotEndHoldsUpNobodyForLong) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  Leave();
  executor_.Advance(TaskManager::kLeaveReportAfter);
  ASSERT_TRUE(Told());
  EXPECT_EQ(LastStatus().state(), proto::WorkerStatus::STARTING);
  task_manager_->OnLeaderStreamDown();
  EXPECT_EQ(left_, 0);
  launcher_.exits["w-1"]("killed by signal 9 (SIGKILL)");
  EXPECT_EQ(left_, 1);
}

TEST_F(LeavingTest, ItDoesNotWaitForEver) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  Leave();
  executor_.Advance(TaskManager::kLeavePatience);
  EXPECT_EQ(left_, 1);
  launcher_.exits["w-1"]("exited");
  task_manager_->OnLeaderStreamDown();
  EXPECT_EQ(left_, 1);
}

TEST_F(LeavingTest, WithoutWorkersTheLeaderIsToldAtOnce) {
  Register();
  Leave();
  EXPECT_TRUE(Told());
  task_manager_->OnLeaderStreamDown();
  EXPECT_EQ(left_, 1);
}

TEST_F(LeavingTest, WithoutALeaderOnlyTheWorkersAreWaitedFor) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  task_manager_->OnLeaderStreamDown();
  Leave();
  EXPECT_EQ(left_, 0);
  launcher_.exits["w-1"]("exited with code 0");
  EXPECT_EQ(left_, 1);
}

TEST_F(LeavingTest, NothingIsStartedAnyMore) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  Leave();
  Hear(DirectiveOf({"w-1", "w-2"}));
  EXPECT_THAT(launcher_.launched, ElementsAre("w-1"));
}

TEST_F(LeavingTest, ItDoesNotRegisterAnew) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  Leave();
  task_manager_->OnLeaderStreamDown();
  const size_t before = sent_.size();
  Connect();
  executor_.Advance(absl::Seconds(2));
  EXPECT_THAT(sent_, SizeIs(before));
}

}  // namespace
}  // namespace weir::taskmanager
