// A task that runs records: start, steps, backpressure, idleness of the reader, end of input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(TaskRun, TouchesNothingBeforeStart) {
  TestingPipeline pipeline;
  pipeline.reader->Add({1});
  const auto task = pipeline.BuildUnstarted();
  task->AddSplits({{"numbers-0", "0", {}, false}});

  const StepResult result = task->RunOnce();

  EXPECT_EQ(result.blocked_on, StepResult::BlockedOn::kStart);
  EXPECT_THAT(pipeline.reader->splits, IsEmpty());
  EXPECT_FALSE(pipeline.writer->opened);
}

TEST(TaskRun, SplitsGivenBeforeStartAreReadAfterIt) {
  TestingPipeline pipeline;
  pipeline.reader->Add({1, 2});
  const auto task = pipeline.BuildUnstarted();
  task->AddSplits({{"numbers-0", "0", {}, false}});
  task->Start();

  RunUntilBlocked(*task);

  EXPECT_THAT(pipeline.writer->written, ElementsAre(1, 2));
  EXPECT_EQ(pipeline.observer.running, 1);
}

TEST(TaskRun, WaitsForItsSplits) {
  TestingPipeline pipeline;
  const auto task = pipeline.BuildUnstarted();
  task->Start();

  EXPECT_EQ(task->RunOnce().blocked_on, StepResult::BlockedOn::kSplits);
  EXPECT_EQ(pipeline.reader->polls, 0u);
}

TEST(TaskRun, TakesOneBatchAStep) {
  TestingPipeline pipeline;
  pipeline.reader->Add({1, 2});
  pipeline.reader->Add({3});
  const auto task = pipeline.Build();

  EXPECT_EQ(task->RunOnce().kind, StepResult::Kind::kProgress);
  EXPECT_THAT(pipeline.writer->written, ElementsAre(1, 2));
  EXPECT_EQ(task->RunOnce().kind, StepResult::Kind::kProgress);
  EXPECT_THAT(pipeline.writer->written, ElementsAre(1, 2, 3));
  EXPECT_EQ(task->RunOnce().blocked_on, StepResult::BlockedOn::kInput);
}

TEST(TaskRun, AHeldSourceReadsNothingAndTakesBarriers) {
  TestingPipeline pipeline;
  pipeline.reader->Add({1});
  const auto task = pipeline.Build();
  RunUntilBlocked(*task);
  pipeline.reader->Add({2});
  task->Hold(true);
  task->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*task);
  task->RunOnce();  // the sink's answer was in the mailbox
  EXPECT_THAT(pipeline.writer->written, ElementsAre(1));
  EXPECT_THAT(pipeline.observer.snapshots, SizeIs(1));

  task->Hold(false);
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline.writer->written, ElementsAre(1, 2));
}

TEST(TaskRun, CountsRecordsAndSplits) {
  TestingPipeline pipeline;
  pipeline.reader->Add({1, 2}, 0);
  pipeline.reader->Add({3}, 1);
  const auto task = pipeline.Build(2);

  RunUntilBlocked(*task);

  EXPECT_EQ(task->records_in(), 3u);
  EXPECT_EQ(task->records_out(), 3u);
  EXPECT_EQ(task->splits_owned(), 2u);
}

TEST(TaskRun, PollsOnlyWhenTheSinkHasRoom) {
  TestingPipeline pipeline;
  pipeline.reader->Add({1});
  pipeline.writer->has_room = false;
  const auto task = pipeline.Build();

  EXPECT_EQ(task->RunOnce().blocked_on, StepResult::BlockedOn::kOutput);
  EXPECT_EQ(pipeline.reader->polls, 0u);
}

TEST(TaskRun, SinkWithRoomAgainWakesTheTask) {
  TestingPipeline pipeline;
  const auto task = pipeline.Build();
  int wakeups = 0;
  task->SetWakeup([&wakeups] { ++wakeups; });

  pipeline.writer->wakeup();
  pipeline.reader->wakeup();

  EXPECT_EQ(wakeups, 2);
}

TEST(TaskRun, TakesBarriersWithoutRoom) {
  TestingPipeline pipeline;
  pipeline.writer->has_room = false;
  const auto task = pipeline.Build();
  task->TriggerCheckpoint(BarrierOf(1));

  RunUntilBlocked(*task);

  EXPECT_THAT(pipeline.observer.snapshots, SizeIs(0));  // the sink's answer is in the mailbox
  task->RunOnce();
  EXPECT_THAT(pipeline.observer.snapshots, SizeIs(1));
}

TEST(TaskRun, EndOfInputFlushesOperatorsAndFinishes) {
  TestingPipeline pipeline;
  pipeline.Summing();
  pipeline.reader->Add({1, 2});
  pipeline.reader->end_when_empty = true;
  const auto task = pipeline.Build();

  const StepResult result = RunUntilBlocked(*task);

  EXPECT_EQ(result.blocked_on, StepResult::BlockedOn::kFinished);
  EXPECT_THAT(pipeline.writer->written, ElementsAre(1, 2, 3));
  EXPECT_THAT(pipeline.observer.finished, SizeIs(1));
}

TEST(TaskRun, EndOfInputSendsTheLastWatermarkOnce) {
  TestingPipeline pipeline;
  pipeline.WithWatermarks(HighestTimeStrategy()).Probe();
  pipeline.reader->Add({1}, 0, {70});
  pipeline.reader->end_when_empty = true;
  const auto task = pipeline.Build();

  RunUntilBlocked(*task);

  EXPECT_THAT(*pipeline.watermarks, ElementsAre(70, EventTime::Max().micros()));
}

TEST(TaskRun, StopEndsTheInputWithoutTheLastWatermark) {
  TestingPipeline pipeline;
  pipeline.WithWatermarks(HighestTimeStrategy()).Probe();
  pipeline.reader->Add({1}, 0, {70});
  pipeline.reader->Add({2}, 0, {80});
  const auto task = pipeline.Build();
  task->RunOnce();
  task->StopSource();

  EXPECT_EQ(RunUntilBlocked(*task).blocked_on, StepResult::BlockedOn::kFinished);

  EXPECT_THAT(pipeline.writer->written, ElementsAre(1));
  EXPECT_THAT(*pipeline.watermarks, ElementsAre(70));
}

TEST(TaskRun, StopBeforeStartFinishesAtStart) {
  TestingPipeline pipeline;
  const auto task = pipeline.BuildUnstarted();
  task->StopSource();
  task->Start();

  EXPECT_EQ(RunUntilBlocked(*task).blocked_on, StepResult::BlockedOn::kFinished);
}

TEST(TaskRun, CancelClosesReaderAndWriter) {
  TestingPipeline pipeline;
  pipeline.reader->Add({1});
  const auto task = pipeline.Build();
  task->RunOnce();
  task->Cancel();

  EXPECT_EQ(task->RunOnce().kind, StepResult::Kind::kDone);
  EXPECT_TRUE(pipeline.reader->destroyed);
  EXPECT_TRUE(pipeline.writer->destroyed);
  EXPECT_THAT(pipeline.observer.finished, IsEmpty());
  EXPECT_THAT(pipeline.observer.failures, IsEmpty());
}

TEST(TaskRun, CommandsAfterCancelDoNothing) {
  TestingPipeline pipeline;
  const auto task = pipeline.Build();
  task->Cancel();
  task->Start();
  task->AddSplits({{"numbers-1", "0", {}, false}});
  task->TriggerCheckpoint(BarrierOf(1));
  task->CommitEpoch(PermitAuthority::Grant(Epoch(1), LeaderTerm(1)));

  EXPECT_EQ(task->RunOnce().kind, StepResult::Kind::kDone);
  EXPECT_THAT(pipeline.observer.snapshots, IsEmpty());
  EXPECT_THAT(pipeline.observer.committed, IsEmpty());
}

TEST(TaskRun, SplitTurnsIdleAfterUnblockedTimeOnly) {
  TestingPipeline pipeline;
  const auto strategy = HighestTimeStrategy();
  strategy->idle_after = absl::Seconds(10);
  pipeline.WithWatermarks(strategy).Probe();
  pipeline.reader->Add({1}, 0, {70});
  const auto task = pipeline.Build(2);
  RunUntilBlocked(*task);
  ASSERT_THAT(*pipeline.watermarks, IsEmpty());  // the other split holds it back

  pipeline.writer->has_room = false;
  task->RunOnce();
  pipeline.clock.Advance(absl::Seconds(60));
  pipeline.writer->has_room = true;
  const StepResult waiting = RunUntilBlocked(*task);
  EXPECT_THAT(*pipeline.watermarks, IsEmpty());
  EXPECT_EQ(waiting.wake_after, absl::Seconds(10));

  pipeline.clock.Advance(absl::Seconds(6));
  pipeline.reader->Add({2}, 0, {90});
  RunUntilBlocked(*task);
  pipeline.clock.Advance(absl::Seconds(4));
  RunUntilBlocked(*task);
  EXPECT_THAT(*pipeline.watermarks, ElementsAre(90));
}

/// Two splits whose watermarks are 10 and 20, and a task that waits for more.
std::shared_ptr<Task> TwoSplitsThatTurnIdle(TestingPipeline& pipeline) {
  const auto strategy = HighestTimeStrategy();
  strategy->idle_after = absl::Seconds(10);
  pipeline.WithWatermarks(strategy).Probe();
  pipeline.reader->Add({1}, 0, {10});
  pipeline.reader->Add({2}, 1, {20});
  std::shared_ptr<Task> task = pipeline.Build(2);
  EXPECT_EQ(RunUntilBlocked(*task).wake_after, absl::Seconds(10));
  EXPECT_THAT(*pipeline.watermarks, ElementsAre(10));
  return task;
}

// Else the first poll after it would make the records late that wait behind.
TEST(TaskRun, PauseOfTheTaskMakesNoSplitIdleThatHasRecordsWaiting) {
  TestingPipeline pipeline;
  const auto task = TwoSplitsThatTurnIdle(pipeline);
  pipeline.clock.Advance(absl::Seconds(60));
  pipeline.reader->Add({3}, 0, {200});
  pipeline.reader->Add({4}, 1, {80});
  task->RunOnce();
  EXPECT_THAT(*pipeline.watermarks, ElementsAre(10, 20)) << "the second one's may wait";
  RunUntilBlocked(*task);
  EXPECT_THAT(*pipeline.watermarks, ElementsAre(10, 20, 80));
}

TEST(TaskRun, SilentSplitTurnsIdleAfterAPauseAsWell) {
  TestingPipeline pipeline;
  const auto task = TwoSplitsThatTurnIdle(pipeline);
  pipeline.clock.Advance(absl::Seconds(60));
  pipeline.reader->Add({3}, 0, {200});
  EXPECT_EQ(RunUntilBlocked(*task).wake_after, absl::Milliseconds(1250));
  EXPECT_THAT(*pipeline.watermarks, ElementsAre(10, 20));
  pipeline.clock.Advance(absl::Milliseconds(1250));
  RunUntilBlocked(*task);
  EXPECT_THAT(*pipeline.watermarks, ElementsAre(10, 20, 200));
}

TEST(TaskRun, SilentSplitHoldsACatchUpBackForItsIdleTimeOnly) {
  TestingPipeline pipeline;
  const auto task = TwoSplitsThatTurnIdle(pipeline);
  for (int64_t step = 1; step <= 20; ++step) {
    for (int64_t more = 0; more < 2; ++more) pipeline.reader->Add({step}, 0, {100 * step});
  }
  for (int step = 1; step < 20; ++step) {
    pipeline.clock.Advance(absl::Milliseconds(500));
    task->RunOnce();
  }
  EXPECT_THAT(*pipeline.watermarks, ElementsAre(10, 20)) << "where the silent one is";
  pipeline.clock.Advance(absl::Milliseconds(500));
  task->RunOnce();
  EXPECT_THAT(*pipeline.watermarks, ElementsAre(10, 20, 1000));
}

TEST(TaskRun, IdleSplitIsInTheSnapshotOnlyWhenItIsKnownToBeSilent) {
  TestingPipeline pipeline;
  const auto task = TwoSplitsThatTurnIdle(pipeline);
  const auto idle_at = [&](uint64_t epoch) {
    task->TriggerCheckpoint(BarrierOf(epoch));
    task->RunOnce();
    task->RunOnce();  // the sink's answer was in the mailbox
    EXPECT_EQ(pipeline.observer.snapshots.back().epoch, epoch);
    return pipeline.observer.snapshots.back().data->Find("source")->splits[1].idle;
  };
  pipeline.clock.Advance(absl::Seconds(10));
  for (int i = 0; i < 5; ++i) pipeline.reader->Add({3}, 0, {200});
  task->RunOnce();
  EXPECT_FALSE(idle_at(1)) << "suspected";
  RunUntilBlocked(*task);
  EXPECT_TRUE(idle_at(2));
}

/// Emits ten more each time that it is asked.
class Counting final : public BatchWatermarkGenerator {
 public:
  std::optional<EventTime> OnBatch(const Batch&) override { return std::nullopt; }
  std::optional<EventTime> OnPeriodicEmit() override { return EventTime::FromMicros(next_ += 10); }

 private:
  int64_t next_ = 0;
};

std::shared_ptr<WatermarkStrategySpec> CountingStrategy() {
  auto spec = std::make_shared<WatermarkStrategySpec>();
  spec->make_generator = [] { return std::make_unique<Counting>(); };
  spec->periodic = true;
  return spec;
}

TEST(TaskRun, PeriodicWatermarksNeedNoRecords) {
  TestingPipeline pipeline;
  pipeline.graph.auto_watermark_interval = absl::Milliseconds(300);
  pipeline.WithWatermarks(CountingStrategy()).Probe();
  const auto task = pipeline.Build();
  EXPECT_EQ(RunUntilBlocked(*task).wake_after, absl::Milliseconds(300));
  EXPECT_THAT(*pipeline.watermarks, IsEmpty());
  pipeline.clock.Advance(absl::Milliseconds(300));
  EXPECT_EQ(RunUntilBlocked(*task).wake_after, absl::Milliseconds(300));
  EXPECT_THAT(*pipeline.watermarks, ElementsAre(10));
  pipeline.clock.Advance(absl::Milliseconds(299));
  EXPECT_EQ(RunUntilBlocked(*task).wake_after, absl::Milliseconds(1));
  EXPECT_THAT(*pipeline.watermarks, ElementsAre(10));
}

TEST(TaskRun, PeriodicWatermarksWaitForRoom) {
  TestingPipeline pipeline;
  pipeline.WithWatermarks(CountingStrategy()).Probe();
  const auto task = pipeline.Build();
  RunUntilBlocked(*task);
  pipeline.writer->has_room = false;
  task->RunOnce();
  pipeline.clock.Advance(absl::Seconds(60));
  RunUntilBlocked(*task);
  EXPECT_THAT(*pipeline.watermarks, IsEmpty());
  pipeline.writer->has_room = true;
  RunUntilBlocked(*task);
  pipeline.clock.Advance(absl::Milliseconds(200));
  RunUntilBlocked(*task);
  EXPECT_THAT(*pipeline.watermarks, ElementsAre(10)) << "not one for each interval gone by";
}

TEST(TaskRun, TimestampAssignerReplacesEventTimes) {
  TestingPipeline pipeline;
  const auto strategy = HighestTimeStrategy();
  strategy->assign_timestamps = [](const Batch& batch) {
    std::vector<int64_t> times = ValuesOf(batch);
    for (int64_t& time : times) time *= 1000;
    return times;
  };
  pipeline.WithWatermarks(strategy).Probe();
  pipeline.reader->Add({5, 7}, 0, {1, 1});
  const auto task = pipeline.Build();

  RunUntilBlocked(*task);

  EXPECT_THAT(*pipeline.watermarks, ElementsAre(7000));
}

}  // namespace
}  // namespace weir::taskmanager
