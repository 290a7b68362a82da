#include "taskmanager/worker/coordinator_tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/failure_policy.h"
#include "taskmanager/worker/generation_preparation.h"
#include "tests/support/manual_executor.h"
#include "tests/support/testing_retry_wait.h"
#include "tests/unit/taskmanager/worker/testing_worker_parts.h"

namespace weir::taskmanager {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class CoordinatorTasksTest : public ::testing::Test {
 protected:
  absl::Status Initialize() {
    *deployment_.mutable_graph() = job_.plan;
    return tasks_.Initialize(deployment_, {"east", JobId("j"), "flights", OperatorUid()},
                             Generation(4), LeaderTerm(3));
  }
  void RestoreSplit(const std::string& id, const std::string& position) {
    if (deployment_.coordinators().empty()) {
      deployment_.add_coordinators()->set_source_uid("source");
    }
    proto::SplitState* split = deployment_.mutable_coordinators(0)->add_splits();
    split->set_id(id);
    split->set_position(position);
  }
  void AddUncommitted(uint64_t epoch, const std::string& committable) {
    proto::CheckpointManifest* manifest = deployment_.add_uncommitted();
    manifest->set_epoch(epoch);
    proto::OperatorSnapshot* sink = manifest->add_tasks()->add_operators();
    sink->set_uid("sink");
    sink->add_committables(committable);
  }
  std::vector<std::pair<std::string, std::string>> Splits() {
    std::vector<std::pair<std::string, std::string>> splits;
    for (const proto::SplitState& split : tasks_.states()[0].splits()) {
      splits.emplace_back(split.id(), split.position());
    }
    return splits;
  }

  TestingJob job_;
  proto::Deployment deployment_;
  CoordinatorTasks tasks_{job_.graph};
};

TEST_F(CoordinatorTasksTest, AFirstStartResolvesTheSplits) {
  job_.enumerator->splits = {"numbers-0", "numbers-1"};
  ASSERT_EQ(Initialize(), absl::OkStatus());
  EXPECT_THAT(Splits(), ElementsAre(Pair("numbers-0", "0"), Pair("numbers-1", "0")));
}

TEST_F(CoordinatorTasksTest, ARestoredSplitKeepsItsPosition) {
  RestoreSplit("numbers-0", "42");
  ASSERT_EQ(Initialize(), absl::OkStatus());
  EXPECT_THAT(Splits(), ElementsAre(Pair("numbers-0", "42")));
}

TEST_F(CoordinatorTasksTest, ARestoredSplitKeepsItsWatermarkAndItsStatus) {
  RestoreSplit("numbers-0", "42");
  RestoreSplit("numbers-1", "43");
  deployment_.mutable_coordinators(0)->mutable_splits(0)->set_idle(true);
  deployment_.mutable_coordinators(0)->mutable_splits(0)->set_watermark_us(7);
  deployment_.mutable_coordinators(0)->mutable_splits(1)->set_finished(true);
  ASSERT_EQ(Initialize(), absl::OkStatus());
  int idle = 0;
  int finished = 0;
  for (const proto::SplitAssignment& assignment : tasks_.assignments()) {
    for (const proto::SplitState& split : assignment.splits()) {
      idle += split.idle() && split.watermark_us() == 7 ? 1 : 0;
      finished += split.finished() ? 1 : 0;
    }
  }
  EXPECT_EQ(idle, 1);
  EXPECT_EQ(finished, 1);
}

TEST_F(CoordinatorTasksTest, ASplitThatAppearedMeanwhileIsFoundAtTheRestart) {
  job_.enumerator->splits = {"numbers-0", "numbers-1"};
  RestoreSplit("numbers-0", "42");
  ASSERT_EQ(Initialize(), absl::OkStatus());
  EXPECT_THAT(Splits(), ElementsAre(Pair("numbers-0", "42"), Pair("numbers-1", "0")));
}

TEST_F(CoordinatorTasksTest, TheEnumeratorIsToldWhatIsKnown) {
  RestoreSplit("numbers-0", "42");
  ASSERT_EQ(Initialize(), absl::OkStatus());
  EXPECT_THAT(job_.enumerator->known, ElementsAre("numbers-0"));
}

TEST_F(CoordinatorTasksTest, EverySplitHasOneOwner) {
  job_.plan.mutable_vertices(0)->set_parallelism(2);
  job_.enumerator->splits = {"numbers-0", "numbers-1", "numbers-2"};
  ASSERT_EQ(Initialize(), absl::OkStatus());
  ASSERT_THAT(tasks_.assignments(), SizeIs(2));
  EXPECT_THAT(tasks_.assignments()[0].splits(), SizeIs(2));
  EXPECT_THAT(tasks_.assignments()[1].splits(), SizeIs(1));
}

TEST_F(CoordinatorTasksTest, AReaderWithoutSplitsIsAssignedNone) {
  job_.plan.mutable_vertices(0)->set_parallelism(2);
  ASSERT_EQ(Initialize(), absl::OkStatus());
  ASSERT_THAT(tasks_.assignments(), SizeIs(2));
  EXPECT_THAT(tasks_.assignments()[1].splits(), IsEmpty());
}

TEST_F(CoordinatorTasksTest, AnErrorNamesTheSource) {
  job_.enumerator->error = absl::NotFoundError("there is no topic 'numbers'");
  EXPECT_EQ(Initialize(), absl::NotFoundError("source 'source': there is no topic 'numbers'"));
}

// Else a job that never got to a checkpoint would keep what its sinks took outside.
TEST_F(CoordinatorTasksTest, AFailedFirstStartReleasesTheSinks) {
  job_.enumerator->error = absl::NotFoundError("there is no topic 'numbers'");
  EXPECT_FALSE(Initialize().ok());
  EXPECT_EQ(job_.committer->releases, 1);
}

TEST_F(CoordinatorTasksTest, AFailedRestoreDoesNotReleaseTheSinks) {
  deployment_.set_restored(true);
  job_.enumerator->error = absl::NotFoundError("there is no topic 'numbers'");
  EXPECT_FALSE(Initialize().ok());
  EXPECT_EQ(job_.committer->releases, 0);
}

TEST_F(CoordinatorTasksTest, ACleanupReleasesTheSinksOnce) {
  deployment_.set_cleanup(true);
  ASSERT_EQ(Initialize(), absl::OkStatus());
  EXPECT_EQ(job_.committer->releases, 1);
}

TEST_F(CoordinatorTasksTest, WithoutAnIntervalItNeverLooksAgain) {
  ASSERT_EQ(Initialize(), absl::OkStatus());
  EXPECT_EQ(tasks_.discovery_interval(), absl::ZeroDuration());
  job_.enumerator->splits.push_back("numbers-1");
  EXPECT_FALSE(tasks_.Discover().value());
}

TEST_F(CoordinatorTasksTest, DiscoveryFindsNewSplits) {
  job_.enumerator->interval = absl::Seconds(5);
  ASSERT_EQ(Initialize(), absl::OkStatus());
  job_.enumerator->splits.push_back("numbers-1");
  EXPECT_TRUE(tasks_.Discover().value());
  EXPECT_THAT(Splits(), SizeIs(2));
}

TEST_F(CoordinatorTasksTest, DiscoveryWithoutNewSplitsSaysSo) {
  job_.enumerator->interval = absl::Seconds(5);
  ASSERT_EQ(Initialize(), absl::OkStatus());
  EXPECT_FALSE(tasks_.Discover().value());
}

TEST_F(CoordinatorTasksTest, AFailedDiscoveryKeepsWhatIsKnown) {
  job_.enumerator->interval = absl::Seconds(5);
  ASSERT_EQ(Initialize(), absl::OkStatus());
  job_.enumerator->error = absl::UnavailableError("broker is away");
  EXPECT_TRUE(absl::IsUnavailable(tasks_.Discover().status()));
  EXPECT_THAT(Splits(), SizeIs(1));
}

TEST_F(CoordinatorTasksTest, WhatEarlierGenerationsPreparedIsCommittedOldestFirst) {
  AddUncommitted(4, "transaction-4");
  AddUncommitted(5, "transaction-5");
  ASSERT_EQ(Initialize(), absl::OkStatus());
  EXPECT_THAT(job_.committer->committed, ElementsAre(Pair(4u, ElementsAre("transaction-4")),
                                                     Pair(5u, ElementsAre("transaction-5"))));
}

TEST_F(CoordinatorTasksTest, AFailedRecoveryNamesTheSink) {
  AddUncommitted(4, "transaction-4");
  job_.committer->error = absl::UnavailableError("broker is away");
  EXPECT_EQ(Initialize(), absl::UnavailableError("sink 'sink': broker is away"));
}

TEST_F(CoordinatorTasksTest, ASinkWithoutAPlaceToWriteToIsNamedBeforeAnythingIsCommitted) {
  AddUncommitted(4, "transaction-4");
  job_.committer->target = absl::NotFoundError("there is no topic 'out'");
  EXPECT_EQ(Initialize(), absl::NotFoundError("sink 'sink': there is no topic 'out'"));
  EXPECT_THAT(job_.committer->committed, IsEmpty());
}

TEST_F(CoordinatorTasksTest, NotesOnATargetNameTheSink) {
  job_.committer->notes = {"topic 'out' is compacted"};
  ASSERT_EQ(Initialize(), absl::OkStatus());
  EXPECT_THAT(tasks_.notes(), ElementsAre("sink 'sink': topic 'out' is compacted"));
}

TEST_F(CoordinatorTasksTest, WhatTheCommitterFoundIsForTheWriters) {
  ASSERT_EQ(Initialize(), absl::OkStatus());
  ASSERT_THAT(tasks_.sinks(), SizeIs(1));
  EXPECT_EQ(tasks_.sinks()[0].sink_uid(), "sink");
  EXPECT_EQ(tasks_.sinks()[0].state(), "recovered");
}

TEST_F(CoordinatorTasksTest, TheCommitterIsToldWhoItIsAndWhatItFoundBefore) {
  proto::SinkCoordinatorState* last = deployment_.add_sinks();
  last->set_sink_uid("sink");
  last->set_state("found before");
  ASSERT_EQ(Initialize(), absl::OkStatus());
  ASSERT_TRUE(job_.committer->recovery.has_value());
  EXPECT_EQ(job_.committer->recovery->last, "found before");
  EXPECT_EQ(job_.committer->recovery->generation, Generation(4));
  EXPECT_EQ(job_.committer->recovery->identity.cluster, "east");
  EXPECT_EQ(job_.committer->recovery->identity.uid.value(), "sink");
}

TEST_F(CoordinatorTasksTest, TheCommitterIsToldTheCheckpointInterval) {
  deployment_.set_checkpoint_interval_ms(1500);
  ASSERT_EQ(Initialize(), absl::OkStatus());
  EXPECT_EQ(job_.committer->recovery->checkpoint_interval, absl::Milliseconds(1500));
}

TEST_F(CoordinatorTasksTest, WhatTheCommitterCountedIsTold) {
  ASSERT_EQ(Initialize(), absl::OkStatus());
  ASSERT_THAT(tasks_.sink_metrics(), SizeIs(1));
  EXPECT_EQ(tasks_.sink_metrics()[0].sink_uid(), "sink");
  EXPECT_EQ(tasks_.sink_metrics()[0].values().at("replays"), 3);
}

TEST_F(CoordinatorTasksTest, ARefreshTellsWhatWasRecovered) {
  EXPECT_FALSE(tasks_.has_committers());
  ASSERT_EQ(Initialize(), absl::OkStatus());
  EXPECT_TRUE(tasks_.has_committers());
  EXPECT_EQ(tasks_.Refresh(), absl::OkStatus());
  EXPECT_THAT(job_.committer->refreshed, ElementsAre("sink of job j: recovered"));
  job_.committer->refresh = absl::UnavailableError("broker is away");
  EXPECT_EQ(tasks_.Refresh(), absl::UnavailableError("sink 'sink': broker is away"));
}

TEST_F(CoordinatorTasksTest, NothingIsCommittedWhenNothingIsUncommitted) {
  ASSERT_EQ(Initialize(), absl::OkStatus());
  EXPECT_THAT(job_.committer->committed, IsEmpty());
}

/// With brokers that have no leader for a while, in virtual time.
class PatientCoordinatorTest : public CoordinatorTasksTest {
 protected:
  static absl::Status NoLeader() {
    return WithFailurePolicy(absl::UnavailableError("topic t has no leader"),
                             FailurePolicy::kRestartJob);
  }
  absl::Status InitializePatiently() {
    *deployment_.mutable_graph() = job_.plan;
    return patient_.Initialize(deployment_, {"east", JobId("j"), "flights", OperatorUid()},
                               Generation(4), LeaderTerm(3));
  }
  // Those that are none are looks at whether it is cancelled.
  std::vector<absl::Duration> Pauses() {
    std::vector<absl::Duration> pauses;
    for (const absl::Duration pause : wait_->waited) {
      if (pause > absl::ZeroDuration()) pauses.push_back(pause);
    }
    return pauses;
  }

  ManualExecutor executor_;
  ManualClock clock_{executor_};
  std::shared_ptr<TestingRetryWait> wait_ = std::make_shared<TestingRetryWait>(executor_);
  int steps_ = 0;
  CoordinatorTasks patient_{job_.graph, [this] { ++steps_; }, {&clock_, wait_}};
};

TEST_F(PatientCoordinatorTest, LeadersThatAreNotThereYetAreWaitedFor) {
  job_.enumerator->first_errors.assign(6, NoLeader());
  EXPECT_EQ(InitializePatiently(), absl::OkStatus());
  EXPECT_EQ(job_.enumerator->calls, 7);
  EXPECT_THAT(Pauses(), ElementsAre(absl::Seconds(1), absl::Seconds(2), absl::Seconds(4),
                                    absl::Seconds(8), absl::Seconds(10), absl::Seconds(10)));
}

TEST_F(PatientCoordinatorTest, SoAreThoseOfATopicThatIsWrittenTo) {
  job_.committer->targets.assign(2, NoLeader());
  job_.committer->notes = {"topic 'out' is compacted"};
  EXPECT_EQ(InitializePatiently(), absl::OkStatus());
  EXPECT_THAT(Pauses(), SizeIs(2));
  EXPECT_THAT(patient_.notes(), ElementsAre("sink 'sink': topic 'out' is compacted"));
}

// They may be electing leaders for both.
TEST_F(PatientCoordinatorTest, EachIsWaitedForAsLongAsTheOther) {
  job_.committer->targets.assign(10, NoLeader());
  job_.enumerator->first_errors.assign(10, NoLeader());
  EXPECT_EQ(InitializePatiently(), absl::OkStatus());
  const absl::Duration one = absl::Seconds(1 + 2 + 4 + 8 + 6 * 10);
  EXPECT_EQ(clock_.Monotonic(), absl::Seconds(1) + 2 * one);
}

// It has waited for its coordinators already, in each of its steps.
TEST_F(PatientCoordinatorTest, WhatTheCommitterMeetsIsLeftToTheNextStart) {
  job_.committer->error = NoLeader();
  const absl::Status status = InitializePatiently();
  EXPECT_EQ(status.message(), "sink 'sink': topic t has no leader");
  EXPECT_THAT(Pauses(), IsEmpty());
  EXPECT_TRUE(IsWorthRetrying(status, /*restored=*/false));
}

// The JobManager gives up on workers that do not get on, before the wait is over.
TEST_F(PatientCoordinatorTest, EachPauseIsProgress) {
  ASSERT_EQ(InitializePatiently(), absl::OkStatus());
  const int without = steps_;
  job_.enumerator->first_errors.assign(3, NoLeader());
  ASSERT_EQ(InitializePatiently(), absl::OkStatus());
  EXPECT_EQ(steps_ - without, without + 3);
}

TEST_F(PatientCoordinatorTest, TheWaitIsBoundedAndTheRestartStrategyGoesOnAtTheFirstStartToo) {
  job_.enumerator->error = NoLeader();
  const absl::Status status = InitializePatiently();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(), "source 'source': topic t has no leader; waited for it for 1m55s");
  EXPECT_EQ(clock_.Monotonic(), absl::Seconds(1) + absl::Seconds(115));
  EXPECT_TRUE(IsWorthRetrying(status, /*restored=*/false));
}

TEST_F(PatientCoordinatorTest, WhatDoesNotPassIsFinalAtOnce) {
  for (const absl::Status& error :
       {absl::NotFoundError("there is no topic 'numbers'"),
        absl::PermissionDeniedError("may not read"), absl::UnavailableError("no broker answers")}) {
    job_.enumerator->error = error;
    const absl::Status status = InitializePatiently();
    EXPECT_EQ(status.code(), error.code());
    EXPECT_FALSE(IsWorthRetrying(status, /*restored=*/false)) << status;
  }
  EXPECT_THAT(wait_->waited, Each(absl::ZeroDuration()));
}

TEST_F(PatientCoordinatorTest, WhoeverDoesNotWantItAnyMoreEndsTheWait) {
  job_.enumerator->error = NoLeader();
  executor_.PostAfter(absl::Seconds(3), [this] { wait_->Cancel(); });
  EXPECT_TRUE(absl::IsCancelled(InitializePatiently()));
  EXPECT_EQ(job_.enumerator->calls, 2);
}

// A source whose job runs goes on without the new splits, and looks again later.
TEST_F(PatientCoordinatorTest, DiscoveryDoesNotWait) {
  job_.enumerator->interval = absl::Seconds(5);
  ASSERT_EQ(InitializePatiently(), absl::OkStatus());
  job_.enumerator->error = NoLeader();
  EXPECT_TRUE(absl::IsUnavailable(patient_.Discover().status()));
  EXPECT_THAT(Pauses(), IsEmpty());
}

}  // namespace
}  // namespace weir::taskmanager
