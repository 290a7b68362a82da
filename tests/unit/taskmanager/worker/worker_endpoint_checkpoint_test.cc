// The checkpoints and commits of a worker's generation.
#include "tests/unit/taskmanager/worker/testing_worker_endpoint.h"

namespace weir::taskmanager {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Call = TestingFileSystem::Call;

TEST_F(WorkerEndpointTest, ATriggerIsAnsweredWithTheTasksSnapshots) {
  job_.reader->Add({1, 2});
  Run();
  Send(TriggerOf(1, 4));
  ASSERT_THAT(Report().answers(), SizeIs(1));
  EXPECT_EQ(Report().answers(0).epoch(), 4u);
  EXPECT_EQ(Report().answers(0).attempt_term(), 1u);
  const proto::TaskSnapshot& snapshot = Report().answers(0).snapshots(0);
  EXPECT_EQ(snapshot.operators(0).splits(0).position(), "2");
}

TEST_F(WorkerEndpointTest, AnAnswerTellsWhatEachTaskDid) {
  Run();
  Send(TriggerOf(1, 4));
  ASSERT_THAT(Report().answers(), SizeIs(1));
  ASSERT_THAT(Report().answers(0).statistics(), SizeIs(1));
  const proto::SubtaskCheckpoint& one = Report().answers(0).statistics(0);
  EXPECT_EQ(one.vertex(), 1u);
  EXPECT_EQ(one.written_bytes(), Report().answers(0).snapshots(0).ByteSizeLong());
  EXPECT_EQ(one.state_bytes(), one.written_bytes());
}

TEST_F(WorkerEndpointTest, AnAnswerIsRepeatedUntilTheTriggerIsGone) {
  Run();
  Send(TriggerOf(1, 4));
  Beat();
  EXPECT_THAT(Report().answers(), SizeIs(1));
  Send(RunOf(1));
  Beat();
  EXPECT_THAT(Report().answers(), IsEmpty());
}

TEST_F(WorkerEndpointTest, AnAnswerToABarrierThatOvertookItsTriggerWaitsForThat) {
  Run();
  endpoint_->OnTaskSnapshot({VertexId(1), 0}, Barrier{Epoch(4), LeaderTerm(1)}, TaskSnapshotData());
  Send(RunOf(1));  // sent before the trigger
  Beat();
  ASSERT_THAT(Report().answers(), SizeIs(1));
  EXPECT_EQ(Report().answers(0).epoch(), 4u);
  Send(TriggerOf(1, 5));
  Beat();
  ASSERT_THAT(Report().answers(), SizeIs(1));
  EXPECT_EQ(Report().answers(0).epoch(), 5u);
}

TEST_F(WorkerEndpointTest, ARepeatedTriggerIsAnsweredOnce) {
  Run();
  Send(TriggerOf(1, 4));
  Send(TriggerOf(1, 4));
  EXPECT_THAT(Report().answers(0).snapshots(), SizeIs(1));
  EXPECT_THAT(job_.writer->prepared, SizeIs(1));
}

TEST_F(WorkerEndpointTest, NothingIsAnsweredBeforeTheSinksArePrepared) {
  job_.writer->prepare_at_once = false;
  Run();
  Send(TriggerOf(1, 4));
  Beat();
  EXPECT_THAT(Report().answers(), IsEmpty());
}

TEST_F(WorkerEndpointTest, ASmallStateIsInlined) {
  job_.reader->Add({1, 2});
  Run();
  Send(TriggerOf(1, 4));
  EXPECT_EQ(Report().answers(0).snapshots(0).operators(1).state().inlined(), "3");
}

TEST_F(WorkerEndpointTest, AStateAboveTheInlineLimitIsABlob) {
  job_.reader->Add({12345});
  Run();
  Send(TriggerOf(1, 4));
  const std::string blob = Report().answers(0).snapshots(0).operators(1).state().blob();
  EXPECT_THAT(blob, HasSubstr("blobs/w-1/4-"));
  EXPECT_EQ(files_.memory.Read("/jobs/j/" + blob).value(), "12345");
}

TEST_F(WorkerEndpointTest, NothingIsAnsweredBeforeTheBlobIsWritten) {
  job_.reader->Add({12345});
  Run();
  pool_.Hold();
  Send(TriggerOf(1, 4));
  Beat();
  EXPECT_THAT(Report().answers(), IsEmpty());
}

TEST_F(WorkerEndpointTest, ABlobThatCannotBeWrittenDeclinesTheCheckpoint) {
  job_.reader->Add({12345});
  Run();
  files_.Inject({Call::kCreate, absl::ResourceExhaustedError("disk is full"), "", false, 1});
  Send(TriggerOf(1, 4));
  EXPECT_EQ(Report().answers(0).declined(), "declined by worker w-1: disk is full");
  EXPECT_EQ(State(), "RUNNING");
}

// Storage hangs, and each attempt would hold on to one more copy of the state.
TEST_F(WorkerEndpointTest, ACheckpointIsDeclinedWhileTwoEarlierOnesAreBeingWritten) {
  job_.reader->Add({12345});
  Run();
  pool_.Hold();
  for (const uint64_t epoch : {4, 5, 6}) Send(TriggerOf(1, epoch));
  ASSERT_THAT(Report().answers(), SizeIs(1));
  EXPECT_EQ(Report().answers(0).epoch(), 6u);
  EXPECT_EQ(Report().answers(0).declined(),
            "declined by worker w-1: the state of 2 earlier checkpoints is still being written to "
            "storage");
}

TEST_F(WorkerEndpointTest, AnUploadWhoseCheckpointWasGivenUpEnds) {
  job_.reader->Add({12345});
  Run();
  pool_.Hold();
  Send(TriggerOf(1, 4));
  proto::Envelope failed = RunOf(1);
  failed.mutable_worker_directive()->add_failed_epochs(4);
  Send(failed);
  pool_.Release();
  executor_.RunReady();
  EXPECT_THAT(files_.memory.Paths(), Not(Contains(HasSubstr("/blobs/"))));
}

TEST_F(WorkerEndpointTest, BlobNamesAreNotUsedAgainInTheNextGeneration) {
  job_.reader->Add({12345});
  Run();
  Send(TriggerOf(1, 4));
  const std::string first = Report().answers(0).snapshots(0).operators(1).state().blob();
  job_.reader->Add({54321});
  job_.reader->splits.clear();
  job_.reader->positions.clear();
  Run(2);
  Send(TriggerOf(2, 4));
  EXPECT_NE(Report().answers(0).snapshots(0).operators(1).state().blob(), first);
}

// Commits

TEST_F(WorkerEndpointTest, APermitCommits) {
  Run();
  Send(TriggerOf(1, 4));
  proto::Envelope permit = RunOf(1);
  permit.mutable_worker_directive()->set_permitted_epoch(4);
  Send(permit);
  EXPECT_THAT(job_.writer->commits, ElementsAre(4u));
  EXPECT_EQ(Report().committed_epoch(), 4u);
}

TEST_F(WorkerEndpointTest, NothingIsCommittedWithoutAPermit) {
  Run();
  Send(TriggerOf(1, 4));
  Beat();
  EXPECT_THAT(job_.writer->commits, IsEmpty());
  EXPECT_FALSE(Report().has_committed_epoch());
}

TEST_F(WorkerEndpointTest, ARepeatedPermitCommitsOnce) {
  Run();
  for (int i = 0; i < 2; ++i) {
    proto::Envelope permit = RunOf(1);
    permit.mutable_worker_directive()->set_permitted_epoch(4);
    Send(permit);
  }
  EXPECT_THAT(job_.writer->commits, ElementsAre(4u));
}

TEST_F(WorkerEndpointTest, ACommitThatIsNotDoneIsNotReported) {
  job_.writer->commit_at_once = false;
  Run();
  proto::Envelope permit = RunOf(1);
  permit.mutable_worker_directive()->set_permitted_epoch(4);
  Send(permit);
  Beat();
  EXPECT_FALSE(Report().has_committed_epoch());
}

TEST_F(WorkerEndpointTest, TheRestoredEpochIsNotCommittedAgain) {
  proto::Envelope deploy = DeployOf(2);
  deploy.mutable_worker_directive()->mutable_deployment()->set_restored(true);
  deploy.mutable_worker_directive()->mutable_deployment()->set_restored_epoch(4);
  Send(deploy);
  proto::Envelope permit = RunOf(2);
  permit.mutable_worker_directive()->set_permitted_epoch(4);
  Send(permit);
  EXPECT_THAT(job_.writer->commits, IsEmpty());
}

TEST_F(WorkerEndpointTest, WhatWasPreparedBeforeIsCommittedBeforeTheWorkerIsReady) {
  proto::Envelope deploy = DeployOf(2);
  proto::CheckpointManifest* manifest =
      deploy.mutable_worker_directive()->mutable_deployment()->add_uncommitted();
  manifest->set_epoch(4);
  pool_.Hold();
  Send(deploy);
  EXPECT_THAT(job_.committer->committed, IsEmpty());
  pool_.Release();
  executor_.RunReady();
  EXPECT_EQ(State(), "READY");
  EXPECT_THAT(job_.committer->committed, SizeIs(1));
}

}  // namespace
}  // namespace weir::taskmanager
