// Barriers, snapshots, permits: what is in a snapshot, when it is reported, and in which order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

CommitPermit PermitOf(uint64_t epoch) {
  return PermitAuthority::Grant(Epoch(epoch), LeaderTerm(1));
}

std::vector<uint64_t> EpochsOf(const RecordingObserver& observer) {
  std::vector<uint64_t> epochs;
  for (const auto& snapshot : observer.snapshots) epochs.push_back(snapshot.epoch);
  return epochs;
}

TEST(TaskCheckpoint, CutsBetweenBatches) {
  TestingPipeline pipeline;
  pipeline.Summing();
  pipeline.reader->Add({1, 2, 3});
  pipeline.reader->Add({4});
  const auto task = pipeline.Build();
  task->RunOnce();
  task->TriggerCheckpoint(BarrierOf(7, 3));
  RunUntilBlocked(*task);

  ASSERT_THAT(pipeline.observer.snapshots, SizeIs(1));
  const auto& snapshot = pipeline.observer.snapshots[0];
  EXPECT_EQ(snapshot.epoch, 7u);
  EXPECT_EQ(snapshot.attempt, 3u);
  EXPECT_EQ(snapshot.data->Find("source")->splits[0].position, "3");
  EXPECT_EQ(snapshot.data->Find("sum")->state, "6");
  EXPECT_THAT(snapshot.data->Find("sink")->committables, ElementsAre("transaction-7"));
  EXPECT_THAT(pipeline.writer->prepared, ElementsAre(Pair(7u, 3u)));
  EXPECT_THAT(pipeline.writer->written, ElementsAre(1, 2, 3, 4));
}

TEST(TaskCheckpoint, RestoredStateGoesOn) {
  TestingPipeline pipeline;
  pipeline.Summing();
  TaskSnapshotData restored;
  restored.operators.push_back({"sum", {}, "40", {}});
  const auto task = pipeline.BuildUnstarted(&restored);
  task->Start();
  task->AddSplits({{"numbers-0", "10", {}, false}});
  pipeline.reader->Add({2});
  task->RunOnce();
  task->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*task);
  RunUntilBlocked(*task);

  ASSERT_THAT(pipeline.observer.snapshots, SizeIs(1));
  EXPECT_EQ(pipeline.observer.snapshots[0].data->Find("sum")->state, "42");
  EXPECT_EQ(pipeline.observer.snapshots[0].data->Find("source")->splits[0].position, "11");
}

TEST(TaskCheckpoint, RecordsFlowWhileASinkPrepares) {
  TestingPipeline pipeline;
  pipeline.writer->prepare_at_once = false;
  pipeline.reader->Add({1});
  const auto task = pipeline.Build();
  task->RunOnce();
  task->TriggerCheckpoint(BarrierOf(1));
  pipeline.reader->Add({2});
  RunUntilBlocked(*task);

  EXPECT_THAT(pipeline.writer->written, ElementsAre(1, 2));
  EXPECT_THAT(pipeline.observer.snapshots, IsEmpty());
  pipeline.writer->FinishPrepare(1);
  RunUntilBlocked(*task);
  EXPECT_THAT(EpochsOf(pipeline.observer), ElementsAre(1u));
  EXPECT_EQ(pipeline.observer.snapshots[0].data->Find("source")->splits[0].position, "1");
}

TEST(TaskCheckpoint, TellsHowLongTheSinksTookToPrepare) {
  TestingPipeline pipeline;
  pipeline.writer->prepare_at_once = false;
  const auto task = pipeline.Build();
  task->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*task);
  pipeline.clock.Advance(absl::Milliseconds(5));
  pipeline.writer->FinishPrepare(1);
  RunUntilBlocked(*task);

  ASSERT_THAT(pipeline.observer.snapshots, SizeIs(1));
  EXPECT_EQ(pipeline.observer.snapshots[0].data->times.prepare, absl::Milliseconds(5));
  EXPECT_EQ(pipeline.observer.snapshots[0].data->times.alignment, absl::ZeroDuration());
}

TEST(TaskCheckpoint, SnapshotsAreReportedInBarrierOrder) {
  TestingPipeline pipeline;
  pipeline.writer->prepare_at_once = false;
  const auto task = pipeline.Build();
  task->TriggerCheckpoint(BarrierOf(1));
  task->TriggerCheckpoint(BarrierOf(2));
  RunUntilBlocked(*task);

  pipeline.writer->FinishPrepare(2);
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline.observer.snapshots, IsEmpty());
  pipeline.writer->FinishPrepare(1);
  RunUntilBlocked(*task);
  EXPECT_THAT(EpochsOf(pipeline.observer), ElementsAre(1u, 2u));
}

TEST(TaskCheckpoint, OldAndRepeatedBarriersAreIgnored) {
  TestingPipeline pipeline;
  const auto task = pipeline.Build();
  task->TriggerCheckpoint(BarrierOf(5));
  task->TriggerCheckpoint(BarrierOf(5));
  task->TriggerCheckpoint(BarrierOf(4));
  RunUntilBlocked(*task);
  RunUntilBlocked(*task);

  EXPECT_THAT(EpochsOf(pipeline.observer), ElementsAre(5u));
}

TEST(TaskCheckpoint, EpochZeroIsAnEpoch) {
  TestingPipeline pipeline;
  const auto task = pipeline.Build();
  task->TriggerCheckpoint(BarrierOf(0));
  RunUntilBlocked(*task);
  RunUntilBlocked(*task);

  EXPECT_THAT(EpochsOf(pipeline.observer), ElementsAre(0u));
}

TEST(TaskCheckpoint, DeclinesBeforeItRuns) {
  TestingPipeline pipeline;
  const auto task = pipeline.BuildUnstarted();
  task->TriggerCheckpoint(BarrierOf(1));
  task->RunOnce();

  ASSERT_THAT(pipeline.observer.snapshots, SizeIs(1));
  EXPECT_EQ(pipeline.observer.snapshots[0].data.status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(TaskCheckpoint, DeclinesBeforeItHasItsSplits) {
  TestingPipeline pipeline;
  const auto task = pipeline.BuildUnstarted();
  task->Start();
  task->TriggerCheckpoint(BarrierOf(1));
  task->RunOnce();

  ASSERT_THAT(pipeline.observer.snapshots, SizeIs(1));
  EXPECT_FALSE(pipeline.observer.snapshots[0].data.ok());
}

TEST(TaskCheckpoint, ASourceWithoutSplitsAnswers) {
  TestingPipeline pipeline;
  const auto task = pipeline.Build(0);
  task->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*task);
  RunUntilBlocked(*task);

  ASSERT_THAT(pipeline.observer.snapshots, SizeIs(1));
  EXPECT_TRUE(pipeline.observer.snapshots[0].data.ok());
}

TEST(TaskCheckpoint, DeclinesByNameWhenTooManyAreInPreparation) {
  TestingPipeline pipeline;
  pipeline.writer->prepare_at_once = false;
  const auto task = pipeline.Build();
  for (uint64_t epoch = 1; epoch <= Task::kMaxPendingSnapshots + 1; ++epoch) {
    task->TriggerCheckpoint(BarrierOf(epoch));
  }
  RunUntilBlocked(*task);

  ASSERT_THAT(pipeline.observer.snapshots, SizeIs(1));
  EXPECT_EQ(pipeline.observer.snapshots[0].data.status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(pipeline.writer->prepared, SizeIs(Task::kMaxPendingSnapshots));
}

TEST(TaskCheckpoint, FailedPreparationFailsTheTask) {
  TestingPipeline pipeline;
  pipeline.writer->prepare_at_once = false;
  const auto task = pipeline.Build();
  task->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*task);
  pipeline.writer->waiting_prepares.at(1)(absl::UnavailableError("3 records not delivered"));

  EXPECT_EQ(task->RunOnce().kind, StepResult::Kind::kDone);
  ASSERT_THAT(pipeline.observer.failures, SizeIs(1));
  EXPECT_EQ(pipeline.observer.failures[0].operator_name, "sink");
  EXPECT_THAT(pipeline.observer.snapshots, IsEmpty());
}

TEST(TaskCheckpoint, FinishedTaskAnswersCheckpointsAndCommits) {
  TestingPipeline pipeline;
  pipeline.Summing();
  pipeline.reader->Add({1, 2});
  pipeline.reader->end_when_empty = true;
  const auto task = pipeline.Build();
  RunUntilBlocked(*task);
  task->TriggerCheckpoint(Barrier{Epoch(9), LeaderTerm(1), true});
  RunUntilBlocked(*task);
  task->RunOnce();

  ASSERT_THAT(pipeline.observer.snapshots, SizeIs(1));
  EXPECT_EQ(pipeline.observer.snapshots[0].data->Find("source")->splits[0].position, "2");
  task->CommitEpoch(PermitOf(9));
  RunUntilBlocked(*task);
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline.observer.committed, ElementsAre(9u));
}

TEST(TaskCheckpoint, FinishedSourceTaskLetsSinksTakeAcknowledgements) {
  TestingPipeline pipeline;
  pipeline.writer->prepare_at_once = false;
  pipeline.writer->prepare_when_asked_for_room = true;
  pipeline.reader->end_when_empty = true;
  const auto task = pipeline.Build();
  RunUntilBlocked(*task);
  task->TriggerCheckpoint(BarrierOf(1));
  task->RunOnce();
  task->RunOnce();
  EXPECT_THAT(EpochsOf(pipeline.observer), ElementsAre(1u));
}

TEST(TaskCheckpoint, RepeatedPermitIsAnsweredWithoutAnotherCommit) {
  TestingPipeline pipeline;
  const auto task = pipeline.Build();
  task->CommitEpoch(PermitOf(3));
  RunUntilBlocked(*task);
  RunUntilBlocked(*task);
  task->CommitEpoch(PermitOf(3));
  task->CommitEpoch(PermitOf(2));
  RunUntilBlocked(*task);

  EXPECT_THAT(pipeline.writer->commits, ElementsAre(3u));
  EXPECT_THAT(pipeline.observer.committed, ElementsAre(3u, 3u, 2u));
}

TEST(TaskCheckpoint, PermitRepeatedWhileCommittingIsSentOnce) {
  TestingPipeline pipeline;
  pipeline.writer->commit_at_once = false;
  const auto task = pipeline.Build();
  task->CommitEpoch(PermitOf(3));
  task->CommitEpoch(PermitOf(3));
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline.observer.committed, IsEmpty());
  pipeline.writer->waiting_commits.at(3)(absl::OkStatus());
  RunUntilBlocked(*task);

  EXPECT_THAT(pipeline.writer->commits, ElementsAre(3u));
  EXPECT_THAT(pipeline.observer.committed, ElementsAre(3u));
}

TEST(TaskCheckpoint, FailedCommitFailsTheTask) {
  TestingPipeline pipeline;
  pipeline.writer->commit_at_once = false;
  const auto task = pipeline.Build();
  task->CommitEpoch(PermitOf(3));
  RunUntilBlocked(*task);
  pipeline.writer->waiting_commits.at(3)(absl::AbortedError("fenced"));

  EXPECT_EQ(task->RunOnce().kind, StepResult::Kind::kDone);
  EXPECT_THAT(pipeline.observer.failures, SizeIs(1));
}

TEST(TaskCheckpoint, AnswersAfterCancelAreDropped) {
  TestingPipeline pipeline;
  pipeline.writer->prepare_at_once = false;
  auto task = pipeline.Build();
  task->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*task);
  task->Cancel();
  task->RunOnce();
  task.reset();

  pipeline.writer->FinishPrepare(1);

  EXPECT_THAT(pipeline.observer.snapshots, IsEmpty());
}

TEST(TaskCheckpoint, ReaderHearsOfTheCompletedEpochsPositions) {
  TestingPipeline pipeline;
  pipeline.reader->Add({1, 2});
  const auto task = pipeline.Build();
  task->RunOnce();
  task->TriggerCheckpoint(BarrierOf(1));
  pipeline.reader->Add({3});
  RunUntilBlocked(*task);
  task->NotifyCheckpointComplete(Epoch(1));
  task->NotifyCheckpointComplete(Epoch(1));
  RunUntilBlocked(*task);

  ASSERT_THAT(pipeline.reader->notified, SizeIs(1));
  EXPECT_EQ(pipeline.reader->notified[0][0].position, "2");
}

TEST(TaskCheckpoint, SplitWatermarksAreInTheSnapshot) {
  TestingPipeline pipeline;
  pipeline.WithWatermarks(HighestTimeStrategy());
  pipeline.reader->Add({1}, 0, {70});
  pipeline.reader->Add({1}, 1, {50});
  const auto task = pipeline.Build(2);
  RunUntilBlocked(*task);
  task->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*task);
  RunUntilBlocked(*task);

  ASSERT_THAT(pipeline.observer.snapshots, SizeIs(1));
  const auto& splits = pipeline.observer.snapshots[0].data->Find("source")->splits;
  EXPECT_EQ(splits[0].watermark_us, 70);
  EXPECT_EQ(splits[1].watermark_us, 50);
}

// A step that makes more than the sink has room for: the rest waits, the barrier behind it.
TEST(TaskCheckpoint, WhatASinkHasNoRoomForComesBeforeTheBarrier) {
  TestingPipeline pipeline;
  pipeline.Then("twice", []() -> std::unique_ptr<Operator> {
    return std::make_unique<RepeatingOperator>(3);
  });
  pipeline.writer->room_until = 2;
  pipeline.reader->Add({1, 2});
  const auto task = pipeline.Build();
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline.writer->written, ElementsAre(1, 2));
  task->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline.writer->prepared, IsEmpty());
  pipeline.writer->room_until = 4;
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline.writer->written, ElementsAre(1, 2, 1, 2));
  pipeline.writer->room_until = 100;
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline.writer->written, ElementsAre(1, 2, 1, 2, 1, 2));
  EXPECT_THAT(pipeline.writer->prepared, ElementsAre(Pair(1u, 6u)));
}

TEST(TaskCheckpoint, SinksLearnWhatWasRecoveredAndOfReceipts) {
  TestingPipeline pipeline;
  const auto task = pipeline.BuildUnstarted();
  task->Start({{"sink", "fence 7"}, {"another", "fence 8"}});
  task->AddSplits({});
  RunUntilBlocked(*task);
  EXPECT_EQ(pipeline.writer->recovered, "fence 7");
  task->NotifyReceipt(Epoch(4));
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline.writer->receipts, ElementsAre(4u));
}

}  // namespace
}  // namespace weir::taskmanager
