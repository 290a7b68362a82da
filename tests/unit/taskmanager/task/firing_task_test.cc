// A task whose operators fire timers in slices: docs/protocols/windows.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "taskmanager/task/local_channel.h"
#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Needs three slices for each watermark, and emits -3, -2 and -1 in them, times `scale`. Its state
/// is the number of slices that are left.
class FiringOperator final : public Operator {
 public:
  explicit FiringOperator(int64_t scale) : scale_(scale) {}
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override { return out.Emit(batch); }
  absl::Status ProcessWatermark(EventTime watermark, Output& out) override {
    begun_ = watermark;
    left_ = 3;
    return ContinueFiring(out);
  }
  bool firing() const override { return left_ > 0; }
  absl::Status ContinueFiring(Output& out) override {
    absl::Status status = out.Emit(MakeBatch({-left_ * scale_}));
    if (!status.ok() || --left_ > 0 || !begun_.has_value()) return status;
    return out.EmitWatermark(*begun_);
  }
  absl::StatusOr<std::string> SnapshotState() override { return std::to_string(left_); }
  absl::Status RestoreState(const std::string& state) override {
    return absl::SimpleAtoi(state, &left_) ? absl::OkStatus() : absl::DataLossError(state);
  }

 private:
  const int64_t scale_;
  int64_t left_ = 0;
  std::optional<EventTime> begun_;
};

/// Has processing-time timers at the beginning of time, and fires one in each call.
class AncientTimers final : public Operator {
 public:
  explicit AncientTimers(std::shared_ptr<int> left) : left_(std::move(left)) {}
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override { return out.Emit(batch); }
  std::optional<int64_t> NextProcessingTime() const override {
    if (*left_ == 0) return std::nullopt;
    return std::numeric_limits<int64_t>::min() + 1;
  }
  absl::Status OnProcessingTime(int64_t, Output&) override {
    --*left_;
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<int> left_;
};

/// Gives a watermark that is the batch's first time, and says that it is idle then, as an assigner
/// in mid-stream may. Watermarks and status of its input end here.
class AssigningOperator final : public Operator {
 public:
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    absl::Status status = out.EmitStatus(false);
    if (status.ok()) status = out.Emit(batch);
    if (status.ok()) {
      status = out.EmitWatermark(EventTime::FromMicros(batch->event_times()[0]));
    }
    return status.ok() ? out.EmitStatus(true) : status;
  }
  absl::Status ProcessWatermark(EventTime, Output&) override { return absl::OkStatus(); }
  absl::Status ProcessStatus(bool, Output&) override { return absl::OkStatus(); }
};

/// Gives its watermark by the clock, when a batch is waiting already.
class ClockAssigner final : public Operator {
 public:
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    given_ = false;
    return out.Emit(batch);
  }
  absl::Status ProcessWatermark(EventTime, Output&) override { return absl::OkStatus(); }
  std::optional<int64_t> NextProcessingTime() const override {
    if (given_) return std::nullopt;
    return std::numeric_limits<int64_t>::min() + 1;
  }
  absl::Status OnProcessingTime(int64_t, Output& out) override {
    given_ = true;
    return out.EmitWatermark(EventTime::FromMicros(++watermark_));
  }

 private:
  bool given_ = true;
  int64_t watermark_ = 0;
};

/// Watermarks and status as words.
class StatusProbe final : public Operator {
 public:
  explicit StatusProbe(std::shared_ptr<std::vector<std::string>> words)
      : words_(std::move(words)) {}
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override { return out.Emit(batch); }
  absl::Status ProcessWatermark(EventTime watermark, Output& out) override {
    words_->push_back("wm " + std::to_string(watermark.micros()));
    return out.EmitWatermark(watermark);
  }
  absl::Status ProcessStatus(bool idle, Output& out) override {
    words_->push_back(idle ? "idle" : "active");
    return out.EmitStatus(idle);
  }

 private:
  const std::shared_ptr<std::vector<std::string>> words_;
};

class FiringTask : public ::testing::Test {
 protected:
  FiringTask() { pipeline_.WithWatermarks(HighestTimeStrategy()); }

  void AddFiring(const std::string& uid, int64_t scale = 1) {
    pipeline_.Then(uid, [scale]() -> std::unique_ptr<Operator> {
      return std::make_unique<FiringOperator>(scale);
    });
  }

  void ProbeStatus() {
    pipeline_.Then("status", [words = words_]() -> std::unique_ptr<Operator> {
      return std::make_unique<StatusProbe>(words);
    });
  }

  TestingPipeline pipeline_;
  const std::shared_ptr<std::vector<std::string>> words_ =
      std::make_shared<std::vector<std::string>>();
};

// Behind would be a channel that is idle, and then active for good with its watermark.
TEST_F(FiringTask, AnAssignersIdleComesBehindTheWatermarkThatIsBeingWorkedOff) {
  pipeline_.Then("assign", []() -> std::unique_ptr<Operator> {
    return std::make_unique<AssigningOperator>();
  });
  AddFiring("first", 1);
  AddFiring("second", 10);
  ProbeStatus();
  pipeline_.reader->Add({1}, 0, {10});
  pipeline_.reader->Add({2}, 0, {20});
  const std::shared_ptr<Task> task = pipeline_.Build();
  task->RunOnce();
  EXPECT_THAT(*words_, ElementsAre("active"));
  RunUntilBlocked(*task);
  EXPECT_THAT(*words_, ElementsAre("active", "wm 10", "idle", "active", "wm 20", "idle"));
}

TEST_F(FiringTask, ASourcesIdleComesBehindTheWatermarkThatIsBeingWorkedOff) {
  const auto strategy = HighestTimeStrategy();
  strategy->idle_after = absl::Seconds(10);
  pipeline_.WithWatermarks(strategy);
  AddFiring("fire");
  ProbeStatus();
  SourceSplit split{"numbers-0", "0", 70, false};
  split.idle = true;
  const std::shared_ptr<Task> task = pipeline_.BuildUnstarted();
  task->Start();
  task->AddSplits({split});
  task->RunOnce();
  EXPECT_THAT(*words_, IsEmpty());
  RunUntilBlocked(*task);
  EXPECT_THAT(*words_, ElementsAre("wm 70", "idle"));
}

TEST_F(FiringTask, RowsWaitForTheSlicesAndTheWatermarkComesLast) {
  AddFiring("fire");
  pipeline_.Probe();
  pipeline_.reader->Add({1}, 0, {10});
  pipeline_.reader->Add({2}, 0, {20});
  const std::shared_ptr<Task> task = pipeline_.Build();
  task->RunOnce();
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(1, -3));
  EXPECT_THAT(*pipeline_.watermarks, IsEmpty());
  EXPECT_EQ(task->RunOnce().kind, StepResult::Kind::kProgress);
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(1, -3, -2));
  task->RunOnce();
  EXPECT_THAT(*pipeline_.watermarks, ElementsAre(10));
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(1, -3, -2, -1, 2, -3, -2, -1));
}

TEST_F(FiringTask, RowsWaitForTheSlicesOfAWatermarkThatIsGivenByTheClock) {
  pipeline_.Then("assign",
                 []() -> std::unique_ptr<Operator> { return std::make_unique<ClockAssigner>(); });
  AddFiring("fire");
  pipeline_.reader->Add({1}, 0, {10});
  pipeline_.reader->Add({2}, 0, {20});
  const std::shared_ptr<Task> task = pipeline_.Build();
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(1, -3, -2, -1, 2, -3, -2, -1));
}

TEST_F(FiringTask, BarrierCutsBetweenTwoSlices) {
  AddFiring("fire");
  pipeline_.reader->Add({1}, 0, {10});
  const std::shared_ptr<Task> task = pipeline_.Build();
  task->RunOnce();
  task->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*task);
  ASSERT_THAT(pipeline_.observer.snapshots, SizeIs(1));
  const TaskSnapshotData& snapshot = *pipeline_.observer.snapshots[0].data;
  EXPECT_EQ(snapshot.Find("fire")->state, "2");
  EXPECT_EQ(snapshot.Find("source")->splits[0].watermark_us, 10) << "begun";
  EXPECT_THAT(pipeline_.writer->prepared, ElementsAre(std::pair<uint64_t, size_t>(1, 2)));
}

TEST_F(FiringTask, WhatIsLeftAfterARestoreComesBeforeRows) {
  AddFiring("fire");
  pipeline_.Probe();
  TaskSnapshotData snapshot;
  snapshot.operators.resize(1);
  snapshot.operators[0].uid = "fire";
  snapshot.operators[0].state = "2";
  pipeline_.reader->Add({1}, 0, {10});
  const std::shared_ptr<Task> task = pipeline_.BuildUnstarted(&snapshot);
  task->Start();
  task->AddSplits({{"numbers-0", "0", {}, false}});
  task->RunOnce();
  task->RunOnce();
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(-2, -1));
  EXPECT_THAT(*pipeline_.watermarks, IsEmpty());
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(-2, -1, 1, -3, -2, -1));
}

TEST_F(FiringTask, WithoutRoomNothingFiresAndBarriersAreTaken) {
  AddFiring("fire");
  pipeline_.writer->room_until = 2;
  pipeline_.reader->Add({1}, 0, {10});
  const std::shared_ptr<Task> task = pipeline_.Build();
  const StepResult result = RunUntilBlocked(*task);
  EXPECT_EQ(result.blocked_on, StepResult::BlockedOn::kOutput);
  task->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*task);
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(1, -3));
  EXPECT_THAT(pipeline_.observer.snapshots, SizeIs(1));
}

// An at-least-once sink would get what comes behind it once more from the resumed job.
TEST_F(FiringTask, NothingFiresBehindABarrierThatSuspends) {
  AddFiring("fire");
  pipeline_.Probe();
  pipeline_.reader->Add({1}, 0, {10});
  const std::shared_ptr<Task> task = pipeline_.Build();
  task->RunOnce();
  ASSERT_THAT(pipeline_.writer->written, ElementsAre(1, -3));
  task->Hold(true);
  task->TriggerCheckpoint({Epoch(1), LeaderTerm(1), false, true});
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(1, -3, -2, -1));
  ASSERT_THAT(pipeline_.observer.snapshots, SizeIs(1));
  EXPECT_EQ(pipeline_.observer.snapshots[0].data->Find("fire")->state, "0");
  EXPECT_THAT(pipeline_.writer->prepared, ElementsAre(std::pair<uint64_t, size_t>(1, 4)));
}

TEST_F(FiringTask, EndOfInputWaitsForTheLastSlice) {
  AddFiring("fire");
  pipeline_.Summing();
  pipeline_.reader->end_when_empty = true;
  const std::shared_ptr<Task> task = pipeline_.Build();
  task->RunOnce();
  EXPECT_THAT(pipeline_.observer.finished, IsEmpty());
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline_.observer.finished, SizeIs(1));
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(-3, -2, -1, -6));
}

// Stopped between its last slice and the end that has waited for it.
TEST_F(FiringTask, InputEndsOnceAlsoWhenItsSourceIsStopped) {
  AddFiring("fire");
  pipeline_.Summing();
  pipeline_.reader->end_when_empty = true;
  const std::shared_ptr<Task> task = pipeline_.Build();
  task->RunOnce();
  EXPECT_THAT(pipeline_.observer.finished, IsEmpty());
  for (int i = 0; i < 10; ++i) {
    task->StopSource();
    task->RunOnce();
  }
  EXPECT_THAT(pipeline_.observer.finished, SizeIs(1));
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(-3, -2, -1, -6));
}

TEST_F(FiringTask, LastOperatorFiresFirst) {
  AddFiring("first", 1);
  AddFiring("second", 10);
  pipeline_.Probe();
  TaskSnapshotData snapshot;
  snapshot.operators.resize(2);
  snapshot.operators[0] = {.uid = "first", .splits = {}, .state = "1", .committables = {}};
  snapshot.operators[1] = {.uid = "second", .splits = {}, .state = "2", .committables = {}};
  const std::shared_ptr<Task> task = pipeline_.BuildUnstarted(&snapshot);
  task->Start();
  task->AddSplits({{"numbers-0", "0", {}, false}});
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(-20, -10, -1));
  pipeline_.reader->Add({5}, 0, {10});
  RunUntilBlocked(*task);
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(-20, -10, -1, 5, -3, -2, -1, -30, -20, -10));
  EXPECT_THAT(*pipeline_.watermarks, ElementsAre(10));
}

TEST_F(FiringTask, BarrierOfAChannelIsTakenBetweenTwoSlices) {
  AddFiring("fire");
  pipeline_.AddNode("sink", StreamNode::Kind::kSink).sink =
      std::make_shared<TestingSink>(pipeline_.writer);
  const auto channel = std::make_shared<LocalChannel>();
  TaskDescription description;
  description.subtask = SubtaskId{VertexId(2), 0};
  description.name = "fire -> sink";
  description.operator_uids = {"fire", "sink"};
  description.inputs = {channel};
  const auto task = BuildTask(pipeline_.graph, description, pipeline_.Environment()).value();
  task->Start();
  ASSERT_TRUE(channel->Push(EventTime::FromMicros(10)).ok());
  ASSERT_TRUE(channel->Push(BarrierOf(1)).ok());
  ASSERT_TRUE(channel->Push(MakeBatch({7})).ok());
  RunUntilBlocked(*task);
  ASSERT_THAT(pipeline_.observer.snapshots, SizeIs(1));
  EXPECT_EQ(pipeline_.observer.snapshots[0].data->Find("fire")->state, "2");
  EXPECT_THAT(pipeline_.writer->prepared, ElementsAre(std::pair<uint64_t, size_t>(1, 1)));
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(-3, -2, -1, 7));
}

// It comes before the task has heard that its job is to be suspended.
TEST_F(FiringTask, ABarrierOfAChannelThatSuspendsWaitsForTheLastSlice) {
  AddFiring("fire");
  const auto left = std::make_shared<int>(1);
  pipeline_.Then("ancient", [left]() -> std::unique_ptr<Operator> {
    return std::make_unique<AncientTimers>(left);
  });
  pipeline_.AddNode("sink", StreamNode::Kind::kSink).sink =
      std::make_shared<TestingSink>(pipeline_.writer);
  const auto channel = std::make_shared<LocalChannel>();
  TaskDescription description;
  description.subtask = SubtaskId{VertexId(2), 0};
  description.name = "fire -> ancient -> sink";
  description.operator_uids = {"fire", "ancient", "sink"};
  description.inputs = {channel};
  const auto task = BuildTask(pipeline_.graph, description, pipeline_.Environment()).value();
  task->Start();
  ASSERT_TRUE(channel->Push(EventTime::FromMicros(10)).ok());
  ASSERT_TRUE(channel->Push(Barrier{Epoch(1), LeaderTerm(1), false, true}).ok());
  RunUntilBlocked(*task);
  ASSERT_THAT(pipeline_.observer.snapshots, SizeIs(1));
  EXPECT_EQ(pipeline_.observer.snapshots[0].data->Find("fire")->state, "0");
  EXPECT_THAT(pipeline_.writer->prepared, ElementsAre(std::pair<uint64_t, size_t>(1, 3)));
  *left = 1;
  RunUntilBlocked(*task);
  EXPECT_EQ(*left, 1) << "no timer fires behind it";
  task->NotifyCheckpointAborted(Epoch(1));
  RunUntilBlocked(*task);
  EXPECT_EQ(*left, 0) << "the job runs on";
}

// The first checkpoint after a restore does not wait for what is fired behind a slow sink.
TEST_F(FiringTask, BarrierIsTakenWhileWhatARestoreHasLeftIsFired) {
  AddFiring("fire");
  pipeline_.AddNode("sink", StreamNode::Kind::kSink).sink =
      std::make_shared<TestingSink>(pipeline_.writer);
  pipeline_.writer->room_until = 0;
  const auto channel = std::make_shared<LocalChannel>();
  TaskSnapshotData snapshot;
  snapshot.input_watermark = EventTime::FromMicros(10);
  snapshot.operators.resize(1);
  snapshot.operators[0].uid = "fire";
  snapshot.operators[0].state = "2";
  TaskDescription description;
  description.subtask = SubtaskId{VertexId(2), 0};
  description.name = "fire -> sink";
  description.operator_uids = {"fire", "sink"};
  description.inputs = {channel};
  description.restored = &snapshot;
  const auto task = BuildTask(pipeline_.graph, description, pipeline_.Environment()).value();
  task->Start();
  ASSERT_TRUE(channel->Push(BarrierOf(1)).ok());
  RunUntilBlocked(*task);
  ASSERT_THAT(pipeline_.observer.snapshots, SizeIs(1));
  EXPECT_EQ(pipeline_.observer.snapshots[0].data->Find("fire")->state, "2");
  EXPECT_EQ(pipeline_.observer.snapshots[0].data->input_watermark, EventTime::FromMicros(10));
  EXPECT_THAT(pipeline_.writer->written, IsEmpty());
}

TEST_F(FiringTask, ProcessingTimersOfLongAgoFireOneAfterTheOther) {
  const auto left = std::make_shared<int>(100);
  pipeline_.Then("ancient", [left]() -> std::unique_ptr<Operator> {
    return std::make_unique<AncientTimers>(left);
  });
  const std::shared_ptr<Task> task = pipeline_.Build();
  RunUntilBlocked(*task);
  EXPECT_EQ(*left, 0);
}

}  // namespace
}  // namespace weir::taskmanager
