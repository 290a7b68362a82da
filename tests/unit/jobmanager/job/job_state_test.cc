#include "jobmanager/job/job_state.h"

#include <gtest/gtest.h>

namespace weir::jobmanager {
namespace {

constexpr JobState kAll[] = {JobState::kCreated,   JobState::kScheduling, JobState::kDeploying,
                             JobState::kRunning,   JobState::kRecovering, JobState::kStopping,
                             JobState::kSuspended, JobState::kCancelling, JobState::kFailing,
                             JobState::kFinished,  JobState::kCanceled,   JobState::kFailed};

TEST(JobState, NothingFollowsATerminalState) {
  for (const JobState from : kAll) {
    if (!IsTerminal(from)) continue;
    for (const JobState to : kAll) EXPECT_FALSE(IsLegalTransition(from, to)) << JobStateName(from);
  }
}

TEST(JobState, NoStateFollowsItself) {
  for (const JobState state : kAll) {
    EXPECT_FALSE(IsLegalTransition(state, state)) << JobStateName(state);
  }
}

TEST(JobState, NothingLeadsBackToCreated) {
  for (const JobState from : kAll) {
    EXPECT_FALSE(IsLegalTransition(from, JobState::kCreated)) << JobStateName(from);
  }
}

TEST(JobState, EveryLivingStateCanBeCanceled) {
  for (const JobState from : kAll) {
    // One that is FAILING ends anyway.
    if (IsTerminal(from) || from == JobState::kCancelling || from == JobState::kFailing) continue;
    EXPECT_TRUE(IsLegalTransition(from, JobState::kCancelling)) << JobStateName(from);
  }
}

TEST(JobState, ACanceledJobDoesNotFinish) {
  EXPECT_FALSE(IsLegalTransition(JobState::kCancelling, JobState::kFinished));
}

TEST(JobState, AJobRunsOnlyOnceItIsDeployed) {
  for (const JobState from : kAll) {
    EXPECT_EQ(IsLegalTransition(from, JobState::kRunning), from == JobState::kDeploying)
        << JobStateName(from);
  }
}

TEST(JobState, ARecoveringJobIsScheduledBeforeItIsDeployed) {
  EXPECT_FALSE(IsLegalTransition(JobState::kRecovering, JobState::kDeploying));
}

TEST(JobState, AStoppingJobDoesNotRunOn) {
  EXPECT_FALSE(IsLegalTransition(JobState::kStopping, JobState::kRunning));
}

TEST(JobState, AJobIsSuspendedFromEveryStateThatIsNotItsEnd) {
  for (const JobState from : kAll) {
    const bool ends = IsTerminal(from) || from == JobState::kCancelling ||
                      from == JobState::kFailing || from == JobState::kStopping;
    EXPECT_EQ(IsLegalTransition(from, JobState::kSuspended), !ends && from != JobState::kSuspended)
        << JobStateName(from);
  }
}

TEST(JobState, TerminalStatesAreThree) {
  EXPECT_TRUE(IsTerminal(JobState::kFinished));
  EXPECT_TRUE(IsTerminal(JobState::kCanceled));
  EXPECT_TRUE(IsTerminal(JobState::kFailed));
  EXPECT_FALSE(IsTerminal(JobState::kSuspended));
}

TEST(JobState, NamesAreThoseOfTheProtocol) {
  EXPECT_EQ(JobStateName(JobState::kRecovering), "RECOVERING");
  EXPECT_EQ(JobStateName(JobState::kCanceled), "CANCELED");
}

}  // namespace
}  // namespace weir::jobmanager
