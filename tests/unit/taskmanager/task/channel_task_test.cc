// Two tasks of one slot with a queue between them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "taskmanager/task/local_channel.h"
#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// "source" in one task, "sum -> sink" in the other.
struct TwoTasks {
  void Build(const LocalChannelOptions& options = {}) {
    channel_ = std::make_shared<LocalChannel>(options);
    pipeline_.Summing().Probe();
    pipeline_.AddNode("sink", StreamNode::Kind::kSink).sink =
        std::make_shared<TestingSink>(pipeline_.writer);
    TaskDescription first;
    first.subtask = SubtaskId{VertexId(1), 0};
    first.name = "source";
    first.operator_uids = {"source"};
    first.outputs = {{"source", "sum", {channel_}}};
    TaskDescription second;
    second.subtask = SubtaskId{VertexId(2), 0};
    second.name = "sum -> sink";
    second.operator_uids = {"sum", "probe", "sink"};
    second.inputs = {channel_};
    if (other_ != nullptr) second.inputs.push_back(other_);
    source_ = BuildTask(pipeline_.graph, first, pipeline_.Environment()).value();
    sink_ = BuildTask(pipeline_.graph, second, pipeline_.Environment()).value();
    source_->Start();
    source_->AddSplits(splits_);
    sink_->Start();
  }

  TestingPipeline pipeline_;
  std::vector<SourceSplit> splits_ = {{"numbers-0", "0", {}, false}};
  std::shared_ptr<LocalChannel> channel_;
  std::shared_ptr<LocalChannel> other_;  // into the second task, from nowhere; or none
  std::shared_ptr<Task> source_;
  std::shared_ptr<Task> sink_;
};

class ChannelTask : public ::testing::Test, protected TwoTasks {};
/// Tells its readers nothing of its input's status.
class KeepingStatus final : public Operator {
 public:
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override { return out.Emit(batch); }
  absl::Status ProcessStatus(bool, Output&) override { return absl::OkStatus(); }
};

/// What comes out of a chain of this operator when its head turns idle, and active again.
std::vector<bool> StatusesBehind(std::unique_ptr<Operator> op) {
  TestingClock clock;
  OperatorChain chain;
  OperatorStage::Options options;
  options.op = std::move(op);
  options.clock = &clock;
  OperatorStage& stage = chain.AddOperator(chain.head(), std::move(options));
  const auto channel = std::make_shared<LocalChannel>();
  OutputEdge edge;
  edge.channels = {channel};
  chain.AddChannels(stage.output(), {"op", "op"}, std::move(edge));
  std::vector<bool> statuses;
  for (const bool idle : {true, false}) {
    EXPECT_TRUE(chain.head().EmitStatus(idle).ok());
    while (const std::optional<ChannelElement> element = channel->Pop()) {
      statuses.push_back(std::get<StreamStatus>(*element).idle);
    }
  }
  return statuses;
}

TEST(ChainStatus, PassesThroughOperators) {
  EXPECT_THAT(StatusesBehind(std::make_unique<SummingOperator>()), ElementsAre(true, false));
}

TEST(ChainStatus, EndsAtOneThatKeepsIt) {
  EXPECT_THAT(StatusesBehind(std::make_unique<KeepingStatus>()), IsEmpty());
}

TEST_F(ChannelTask, RecordsAndWatermarksPass) {
  pipeline_.WithWatermarks(HighestTimeStrategy());
  pipeline_.reader->Add({1, 2}, 0, {10, 20});
  Build();
  RunUntilBlocked(*source_);
  RunUntilBlocked(*sink_);

  EXPECT_THAT(pipeline_.writer->written, ElementsAre(1, 2));
  EXPECT_THAT(*pipeline_.watermarks, ElementsAre(20));
  EXPECT_EQ(source_->records_out(), 2u);
  EXPECT_EQ(sink_->records_in(), 2u);
}

TEST_F(ChannelTask, BarrierStaysBetweenItsRecords) {
  pipeline_.reader->Add({1, 2});
  Build();
  source_->RunOnce();
  source_->TriggerCheckpoint(BarrierOf(1));
  pipeline_.reader->Add({4});
  RunUntilBlocked(*source_);
  RunUntilBlocked(*sink_);

  ASSERT_THAT(pipeline_.observer.snapshots, SizeIs(2));
  EXPECT_EQ(pipeline_.observer.snapshots[0].subtask.vertex, VertexId(1));
  EXPECT_EQ(pipeline_.observer.snapshots[0].data->Find("source")->splits[0].position, "2");
  EXPECT_EQ(pipeline_.observer.snapshots[1].data->Find("sum")->state, "3");
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(1, 2, 4));
}

TEST_F(ChannelTask, FullQueueStopsTheSource) {
  pipeline_.reader->Add({1});
  pipeline_.reader->Add({2});
  Build({.capacity_bytes = 1, .overdraft_bytes = 1u << 20});

  EXPECT_EQ(RunUntilBlocked(*source_).blocked_on, StepResult::BlockedOn::kOutput);
  EXPECT_EQ(pipeline_.reader->items.size(), 1u);
  RunUntilBlocked(*sink_);
  RunUntilBlocked(*source_);
  EXPECT_THAT(pipeline_.reader->items, IsEmpty());
}

TEST_F(ChannelTask, SourceInjectsBarriersIntoAFullQueue) {
  pipeline_.reader->Add({1});
  Build({.capacity_bytes = 1, .overdraft_bytes = 1u << 20});
  RunUntilBlocked(*source_);
  source_->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*source_);

  EXPECT_THAT(pipeline_.observer.snapshots, SizeIs(1));
}

// The second task stands still for three checkpoints: the first two were given up meanwhile.
TEST_F(ChannelTask, ATaskThatStoodStillAnswersTheLastCheckpointAlone) {
  pipeline_.reader->Add({1});
  Build();
  RunUntilBlocked(*source_);
  for (uint64_t epoch = 1; epoch <= 3; ++epoch) {
    source_->TriggerCheckpoint(BarrierOf(epoch));
    RunUntilBlocked(*source_);
  }
  RunUntilBlocked(*sink_);
  RunUntilBlocked(*sink_);

  ASSERT_THAT(pipeline_.observer.snapshots, SizeIs(4)) << "three of the source";
  EXPECT_EQ(pipeline_.observer.snapshots[3].subtask.vertex, VertexId(2));
  EXPECT_EQ(pipeline_.observer.snapshots[3].epoch, 3u);
  EXPECT_EQ(pipeline_.observer.snapshots[3].data->Find("sum")->state, "1");
}

TEST_F(ChannelTask, SinkWithoutRoomTakesTheBarrierAtTheFront) {
  Build();
  pipeline_.writer->has_room = false;
  source_->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*source_);
  RunUntilBlocked(*sink_);
  RunUntilBlocked(*sink_);

  EXPECT_THAT(pipeline_.observer.snapshots, SizeIs(2));
}

TEST_F(ChannelTask, EndOfInputAndLaterBarriersReachTheSecondTask) {
  pipeline_.reader->Add({1, 2});
  pipeline_.reader->end_when_empty = true;
  Build();
  RunUntilBlocked(*source_);
  RunUntilBlocked(*sink_);
  EXPECT_THAT(pipeline_.observer.finished, SizeIs(2));
  EXPECT_THAT(pipeline_.writer->written, ElementsAre(1, 2, 3));

  source_->TriggerCheckpoint(BarrierOf(8));
  RunUntilBlocked(*source_);
  EXPECT_EQ(RunUntilBlocked(*sink_).blocked_on, StepResult::BlockedOn::kFinished);
  EXPECT_THAT(pipeline_.observer.snapshots, SizeIs(2));
}

// The alignment of an epoch that was given up is not that of the next one.
TEST_F(ChannelTask, TellsHowLongItsBarriersWereAligned) {
  other_ = std::make_shared<LocalChannel>();
  Build();
  ASSERT_TRUE(channel_->Push(BarrierOf(1)).ok());
  RunUntilBlocked(*sink_);
  pipeline_.clock.Advance(absl::Milliseconds(40));
  ASSERT_TRUE(channel_->Push(BarrierOf(2)).ok());
  ASSERT_TRUE(other_->Push(BarrierOf(2)).ok());
  sink_->NotifyCheckpointAborted(Epoch(1));
  RunUntilBlocked(*sink_);
  ASSERT_TRUE(channel_->Push(BarrierOf(3)).ok());
  RunUntilBlocked(*sink_);
  pipeline_.clock.Advance(absl::Milliseconds(7));
  ASSERT_TRUE(other_->Push(BarrierOf(3)).ok());
  RunUntilBlocked(*sink_);
  RunUntilBlocked(*sink_);

  ASSERT_THAT(pipeline_.observer.snapshots, SizeIs(2));
  EXPECT_EQ(pipeline_.observer.snapshots[0].epoch, 2u);
  EXPECT_EQ(pipeline_.observer.snapshots[0].data->times.alignment, absl::ZeroDuration());
  EXPECT_EQ(pipeline_.observer.snapshots[1].epoch, 3u);
  EXPECT_EQ(pipeline_.observer.snapshots[1].data->times.alignment, absl::Milliseconds(7));
}

TEST_F(ChannelTask, TriggersAtTheSecondTaskAreIgnored) {
  Build();
  sink_->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*sink_);

  EXPECT_THAT(pipeline_.observer.snapshots, IsEmpty());
}

/// Elements as words: "row", "wm 5", "barrier 1", "idle", "active", "end".
std::vector<std::string> Drain(LocalChannel& channel) {
  std::vector<std::string> words;
  while (std::optional<ChannelElement> element = channel.Pop()) {
    if (const EventTime* watermark = std::get_if<EventTime>(&*element)) {
      words.push_back("wm " + std::to_string(watermark->micros()));
    } else if (const Barrier* barrier = std::get_if<Barrier>(&*element)) {
      words.push_back("barrier " + std::to_string(barrier->epoch.value()));
    } else if (const StreamStatus* status = std::get_if<StreamStatus>(&*element)) {
      words.push_back(status->idle ? "idle" : "active");
    } else {
      words.push_back(std::holds_alternative<BatchPtr>(*element) ? "row" : "end");
    }
  }
  return words;
}

WatermarkStrategyPtr IdleAfterTenSeconds() {
  const auto strategy = HighestTimeStrategy();
  strategy->idle_after = absl::Seconds(10);
  return strategy;
}

// A channel is restored as idle by the source in front of it, which says so before anything else.
TEST_F(ChannelTask, ASourceThatWasIdleIsIdleAfterARestoreAndSaysWhatItHadReached) {
  pipeline_.WithWatermarks(IdleAfterTenSeconds());
  pipeline_.reader->Add({1}, 0, {70});
  Build();
  RunUntilBlocked(*source_);
  pipeline_.clock.Advance(absl::Seconds(10));
  RunUntilBlocked(*source_);
  source_->TriggerCheckpoint(BarrierOf(1));
  RunUntilBlocked(*source_);
  EXPECT_THAT(Drain(*channel_), ElementsAre("row", "wm 70", "idle", "barrier 1"));
  ASSERT_THAT(pipeline_.observer.snapshots, SizeIs(1));
  const std::vector<SourceSplit> splits =
      pipeline_.observer.snapshots[0].data->Find("source")->splits;
  ASSERT_THAT(splits, SizeIs(1));
  EXPECT_TRUE(splits[0].idle);

  TwoTasks after;
  after.pipeline_.WithWatermarks(IdleAfterTenSeconds());
  after.splits_ = splits;
  after.Build();
  EXPECT_EQ(RunUntilBlocked(*after.source_).wake_after, std::nullopt) << "no clock runs for it";
  EXPECT_THAT(Drain(*after.channel_), ElementsAre("wm 70", "idle"));
  after.pipeline_.reader->Add({1}, 0, {80});
  RunUntilBlocked(*after.source_);
  EXPECT_THAT(Drain(*after.channel_), ElementsAre("row", "wm 80"));
}

// Else a task behind, whose other channels are idle, would keep what its neighbours have sent.
TEST_F(ChannelTask, ASourceThatHadFinishedSaysWhatItHadReachedAfterARestoreAndIsNotIdle) {
  pipeline_.WithWatermarks(IdleAfterTenSeconds());
  splits_ = {{"numbers-0", "5", 70, true}};
  pipeline_.reader->end_when_empty = true;
  other_ = std::make_shared<LocalChannel>();
  Build();
  pipeline_.clock.Advance(absl::Seconds(60));
  RunUntilBlocked(*source_);
  ASSERT_TRUE(other_->Push(StreamStatus{true}).ok());
  RunUntilBlocked(*sink_);
  EXPECT_THAT(*pipeline_.watermarks, ElementsAre(70));
}

TEST_F(ChannelTask, ASourceThatHadFinishedEndsAgainAfterARestore) {
  pipeline_.WithWatermarks(IdleAfterTenSeconds());
  splits_ = {{"numbers-0", "5", 70, true}};
  pipeline_.reader->end_when_empty = true;
  Build();
  RunUntilBlocked(*source_);
  EXPECT_THAT(Drain(*channel_),
              ElementsAre("wm 70", "wm " + std::to_string(EventTime::Max().micros()), "end"));
}

}  // namespace
}  // namespace weir::taskmanager
