#include "taskmanager/worker/coordinator_tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/taskmanager/worker/testing_worker_parts.h"

namespace weir::taskmanager {
namespace {

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

}  // namespace
}  // namespace weir::taskmanager
