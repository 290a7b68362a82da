// A worker through its generations: deploy, run, tear down, fail.
#include "common/base/failure_policy.h"
#include "tests/unit/taskmanager/worker/testing_worker_endpoint.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Call = TestingFileSystem::Call;

// Deployment

TEST_F(WorkerEndpointTest, AWorkerWithoutAGenerationIsIdle) {
  Send(DirectiveOf(0));
  Beat();
  EXPECT_EQ(State(), "IDLE");
}

TEST_F(WorkerEndpointTest, AGenerationIsNotStartedWithoutItsDeployment) {
  Send(DirectiveOf(1));
  EXPECT_TRUE(endpoint_->generation().is_none());
}

TEST_F(WorkerEndpointTest, ADeploymentIsInitializedFirst) {
  pool_.Hold();
  Deploy();
  EXPECT_EQ(State(), "INITIALIZING");
}

TEST_F(WorkerEndpointTest, ADeployedWorkerIsReady) {
  Deploy();
  EXPECT_EQ(State(), "READY");
  EXPECT_EQ(ReportHeader().generation(), 1u);
}

TEST_F(WorkerEndpointTest, TheCoordinatorsWorkerTellsTheSplits) {
  Deploy();
  ASSERT_THAT(Report().coordinators(), SizeIs(1));
  EXPECT_EQ(Report().coordinators(0).splits(0).id(), "numbers-0");
  EXPECT_EQ(Report().new_assignments(0).splits(0).id(), "numbers-0");
}

TEST_F(WorkerEndpointTest, AnotherWorkerTellsNone) {
  proto::Envelope envelope = DeployOf(1);
  envelope.mutable_worker_directive()->mutable_deployment()->set_coordinator(false);
  Send(envelope);
  EXPECT_EQ(State(), "READY");
  EXPECT_THAT(Report().coordinators(), IsEmpty());
}

TEST_F(WorkerEndpointTest, NothingOutsideIsTouchedBeforeRun) {
  Deploy();
  Beat();
  EXPECT_EQ(job_.reader->polls, 0u);
  EXPECT_FALSE(job_.writer->opened);
}

TEST_F(WorkerEndpointTest, ARunningWorkerReadsItsSplits) {
  job_.reader->Add({1, 2});
  Run();
  EXPECT_THAT(job_.writer->written, ElementsAre(1, 2));
}

TEST_F(WorkerEndpointTest, ReportsNameTasksAndSplits) {
  Run();
  Beat();
  ASSERT_THAT(Report().tasks(), SizeIs(1));
  EXPECT_EQ(Report().tasks(0).state(), proto::TaskReport::RUNNING);
  EXPECT_THAT(Report().tasks(0).splits(), ElementsAre("numbers-0"));
  EXPECT_EQ(Report().resident_bytes(), 4096u);
}

TEST_F(WorkerEndpointTest, ReportsTellWhatSinksCount) {
  job_.writer->metrics = {{"committedTransactions", 4}};
  Run();
  Beat();
  ASSERT_THAT(Report().tasks(0).sinks(), SizeIs(1));
  EXPECT_EQ(Report().tasks(0).sinks(0).sink_uid(), "sink");
  EXPECT_EQ(Report().tasks(0).sinks(0).values().at("committedTransactions"), 4);
  ASSERT_THAT(Report().sink_metrics(), SizeIs(1));
  EXPECT_EQ(Report().sink_metrics(0).values().at("replays"), 3);
}

TEST_F(WorkerEndpointTest, ARepeatedRunChangesNothing) {
  Run();
  Send(RunOf(1));
  EXPECT_THAT(job_.reader->splits, SizeIs(1));
}

TEST_F(WorkerEndpointTest, ASplitIsReadFromItsRestoredPosition) {
  proto::Envelope envelope = DeployOf(1);
  proto::Deployment* deployment = envelope.mutable_worker_directive()->mutable_deployment();
  proto::SourceCoordinatorState* source = deployment->add_coordinators();
  source->set_source_uid("source");
  source->add_splits()->set_id("numbers-0");
  source->mutable_splits(0)->set_position("42");
  Send(envelope);
  Send(RunOf(1));
  EXPECT_THAT(job_.reader->positions, ElementsAre(42));
}

TEST_F(WorkerEndpointTest, NewSplitsAreReportedAfterTheDiscoveryInterval) {
  job_.enumerator->interval = absl::Seconds(5);
  Run();
  job_.enumerator->splits.push_back("numbers-1");
  executor_.Advance(absl::Seconds(5));
  EXPECT_THAT(Report().new_assignments(0).splits(), SizeIs(2));
}

TEST_F(WorkerEndpointTest, AFailedDiscoveryIsRepeatedAndFailsNothing) {
  job_.enumerator->interval = absl::Seconds(5);
  Run();
  job_.enumerator->error = absl::UnavailableError("broker is away");
  executor_.Advance(absl::Seconds(5));
  job_.enumerator->error = absl::OkStatus();
  job_.enumerator->splits.push_back("numbers-1");
  executor_.Advance(absl::Seconds(5));
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_THAT(Report().new_assignments(0).splits(), SizeIs(2));
}

TEST_F(WorkerEndpointTest, TheEndOfTheInputFinishesTheTasks) {
  job_.reader->end_when_empty = true;
  Deploy();
  Send(RunOf(1));
  EXPECT_EQ(Report().tasks(0).state(), proto::TaskReport::FINISHED);
}

TEST_F(WorkerEndpointTest, StoppedSourcesFinishTheTasks) {
  Run();
  proto::Envelope stop = RunOf(1);
  stop.mutable_worker_directive()->set_stop_sources(true);
  Send(stop);
  EXPECT_EQ(Report().tasks(0).state(), proto::TaskReport::FINISHED);
}

TEST_F(WorkerEndpointTest, HeldSourcesReadNothingUntilTheyAreReleased) {
  Run();
  proto::Envelope held = RunOf(1);
  held.mutable_worker_directive()->set_hold_sources(true);
  Send(held);
  const uint64_t before = Report().tasks(0).records_in();
  job_.reader->Add({1, 2, 3});
  Send(held);
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(Report().tasks(0).records_in(), before);
  Send(RunOf(1));
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(Report().tasks(0).records_in(), before + 3);
}

// Tear-down

TEST_F(WorkerEndpointTest, GenerationZeroTearsTheTasksDown) {
  Run();
  Send(DirectiveOf(0));
  EXPECT_EQ(State(), "IDLE");
  EXPECT_TRUE(job_.reader->destroyed);
  EXPECT_TRUE(job_.writer->destroyed);
}

TEST_F(WorkerEndpointTest, AnIdleWorkerReportsNoTasks) {
  Run();
  Send(DirectiveOf(0));
  EXPECT_THAT(Report().tasks(), IsEmpty());
  EXPECT_THAT(Report().coordinators(), IsEmpty());
}

TEST_F(WorkerEndpointTest, AnswersOfATornDownGenerationAreForgotten) {
  Run();
  Send(TriggerOf(1, 4));
  Send(DirectiveOf(0));
  EXPECT_THAT(Report().answers(), IsEmpty());
}

TEST_F(WorkerEndpointTest, ANewGenerationReplacesTheRunningOne) {
  Run(1);
  Deploy(2);
  EXPECT_EQ(endpoint_->generation(), Generation(2));
  EXPECT_EQ(State(), "READY");
}

TEST_F(WorkerEndpointTest, ATornDownGenerationIsReportedIdleBeforeTheNext) {
  Run(1);
  const size_t before = sent_.size();
  Deploy(2);
  EXPECT_EQ(sent_[before].worker_report().state(), proto::WorkerReport::IDLE);
}

TEST_F(WorkerEndpointTest, TheNewestDirectiveOfATearDownCounts) {
  Run(1);
  endpoint_->OnEnvelope(DeployOf(2));
  endpoint_->OnEnvelope(DeployOf(3));
  executor_.RunReady();
  EXPECT_EQ(endpoint_->generation(), Generation(3));
}

TEST_F(WorkerEndpointTest, APreparationThatOutlivesItsGenerationIsForgotten) {
  pool_.Hold();
  Deploy(1);
  Send(DirectiveOf(0));
  pool_.Release();
  executor_.RunReady();
  EXPECT_EQ(State(), "IDLE");
}

// Failures

TEST_F(WorkerEndpointTest, AMissingProbeMeansThatStorageIsNotShared) {
  ASSERT_TRUE(files_.memory.Remove("/jobs/j/probe").ok());
  Deploy();
  EXPECT_EQ(Report().failure().message(),
            "the checkpoint directory is not shared: host node-1 does not see '/jobs/j/probe', "
            "which the JobManager wrote");
}

TEST_F(WorkerEndpointTest, AMissingProbeCannotHeal) {
  ASSERT_TRUE(files_.memory.Remove("/jobs/j/probe").ok());
  Deploy();
  EXPECT_EQ(State(), "FAILED");
  EXPECT_FALSE(Report().failure().retriable());
}

TEST_F(WorkerEndpointTest, AProbeOfAnotherJobIsTold) {
  ASSERT_TRUE(files_.memory.Replace("/jobs/j/probe", "k").ok());
  Deploy();
  EXPECT_THAT(Report().failure().message(), HasSubstr("(it sees another file there)"));
}

TEST_F(WorkerEndpointTest, StorageThatDoesNotAnswerMayHeal) {
  files_.Inject({Call::kRead, absl::UnavailableError("gone"), "/probe", false, 1});
  Deploy();
  EXPECT_EQ(State(), "FAILED");
  EXPECT_TRUE(Report().failure().retriable());
}

TEST_F(WorkerEndpointTest, APlanThatDiffersFromTheBinarysCannotHeal) {
  proto::Envelope envelope = DeployOf(1);
  envelope.mutable_worker_directive()->mutable_deployment()->mutable_graph()->set_fingerprint("x");
  Send(envelope);
  EXPECT_THAT(Report().failure().message(), HasSubstr("differs from the one this binary makes"));
  EXPECT_FALSE(Report().failure().retriable());
}

TEST_F(WorkerEndpointTest, AnUnknownTopicCannotHealAtTheFirstStart) {
  job_.enumerator->error = absl::NotFoundError("there is no topic");
  Deploy();
  EXPECT_FALSE(Report().failure().retriable());
}

TEST_F(WorkerEndpointTest, AnUnknownTopicMayHealOnceTheJobRan) {
  job_.enumerator->error = absl::NotFoundError("there is no topic");
  proto::Envelope envelope = DeployOf(1);
  envelope.mutable_worker_directive()->mutable_deployment()->set_restored(true);
  Send(envelope);
  EXPECT_TRUE(Report().failure().retriable());
}

TEST_F(WorkerEndpointTest, WhatPassesByItselfMayHealAtTheFirstStartToo) {
  job_.committer->error =
      WithFailurePolicy(absl::UnavailableError("a coordinator loads"), FailurePolicy::kRestartJob);
  Deploy();
  EXPECT_EQ(Report().failure().message(), "sink 'sink': a coordinator loads");
  EXPECT_TRUE(Report().failure().retriable());
  EXPECT_FALSE(Report().failure().suspends());
  EXPECT_EQ(Report().failure().domain(), proto::Failure::EXTERNAL);
}

// The JobManager goes on waiting for a worker that gets on.
TEST_F(WorkerEndpointTest, StepsOfThePreparationAreReportedWhileItLasts) {
  pool_.Hold();
  Deploy();
  EXPECT_EQ(Report().initialization_steps(), 0u);
  proto::WorkerReport meanwhile;
  job_.enumerator->on_call = [&] {  // the committer's recovery was a step
    Beat();
    meanwhile = Report();
  };
  pool_.Release();
  EXPECT_EQ(meanwhile.state(), proto::WorkerReport::INITIALIZING);
  EXPECT_EQ(meanwhile.initialization_steps(), 1u);
}

// Its wait for brokers would hold a thread of the pool.
TEST_F(WorkerEndpointTest, APreparationThatIsNotWantedAnyMoreDoesNotGoOn) {
  pool_.Hold();
  Deploy();
  Send(DirectiveOf(0));
  pool_.Release();
  EXPECT_EQ(job_.enumerator->calls, 0);
  Deploy(2);
  EXPECT_EQ(job_.enumerator->calls, 1);
}

TEST_F(WorkerEndpointTest, ThatOfAnEndpointThatIsGoneNeither) {
  pool_.Hold();
  Deploy();
  endpoint_.reset();
  pool_.Release();
  EXPECT_EQ(job_.enumerator->calls, 0);
}

// Of a checkpoint whose state lies in blobs/1.
proto::Envelope WithRestoredBlob(proto::Envelope envelope) {
  proto::OperatorSnapshot* sum = envelope.mutable_worker_directive()
                                     ->mutable_deployment()
                                     ->mutable_tasks(0)
                                     ->mutable_restored()
                                     ->add_operators();
  sum->set_uid("sum");
  sum->mutable_state()->set_blob("blobs/1");
  return envelope;
}

TEST_F(WorkerEndpointTest, ACorruptBlobFailsTheGenerationAndIsNamed) {
  const proto::Envelope envelope = WithRestoredBlob(DeployOf(1));
  ASSERT_TRUE(files_.MakeDirectory("/jobs/j/blobs").ok());
  ASSERT_TRUE(files_.memory.Replace("/jobs/j/blobs/1", "garbage").ok());
  Send(envelope);
  EXPECT_THAT(Report().failure().message(),
              HasSubstr("state object /jobs/j/blobs/1 is corrupt: its checksum differs"));
  EXPECT_TRUE(Report().failure().suspends());
}

TEST_F(WorkerEndpointTest, AMissingBlobSuspendsTheJob) {
  const proto::Envelope envelope = WithRestoredBlob(DeployOf(1));
  Send(envelope);
  EXPECT_THAT(Report().failure().message(),
              AllOf(HasSubstr("a file of the checkpoint is missing"), HasSubstr("blobs/1")));
  EXPECT_TRUE(Report().failure().suspends());
}

// Its tasks cannot be built where it is not seen, but somewhere else, or later.
TEST_F(WorkerEndpointTest, StorageThatAHostHasLostMayHealOnceTheJobRan) {
  ASSERT_TRUE(files_.memory.Remove("/jobs/j/probe").ok());
  proto::Envelope envelope = DeployOf(1);
  envelope.mutable_worker_directive()->mutable_deployment()->set_restored(true);
  Send(envelope);
  EXPECT_THAT(Report().failure().message(), HasSubstr("is not shared: host node-1"));
  EXPECT_TRUE(Report().failure().retriable());
  EXPECT_FALSE(Report().failure().suspends());
}

TEST_F(WorkerEndpointTest, AFailingTaskFailsTheGeneration) {
  Run();
  job_.writer->write_error = absl::PermissionDeniedError("topic is read-only");
  job_.reader->Add({1});
  job_.reader->wakeup();
  executor_.RunReady();
  EXPECT_EQ(State(), "FAILED");
  EXPECT_THAT(Report().failure().message(), HasSubstr("topic is read-only"));
  EXPECT_EQ(Report().failure().operator_uid(), "sink");
}

TEST_F(WorkerEndpointTest, AFailedWorkerTakesTheNextGeneration) {
  ASSERT_TRUE(files_.memory.Remove("/jobs/j/probe").ok());
  Deploy(1);
  ASSERT_TRUE(files_.memory.Replace("/jobs/j/probe", "j").ok());
  Deploy(2);
  EXPECT_EQ(State(), "READY");
}

TEST_F(WorkerEndpointTest, TheFirstFailureIsTheOneThatIsTold) {
  Run();
  job_.writer->write_error = absl::PermissionDeniedError("first");
  job_.reader->Add({1});
  job_.reader->wakeup();
  executor_.RunReady();
  job_.writer->write_error = absl::PermissionDeniedError("second");
  Beat();
  EXPECT_THAT(Report().failure().message(), HasSubstr("first"));
}

}  // namespace
}  // namespace weir::taskmanager
