#include "taskmanager/task/input_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/types/record.h"
#include "taskmanager/task/local_channel.h"
#include "tests/unit/taskmanager/task/channel_words.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class InputGateTest : public ::testing::Test {
 protected:
  explicit InputGateTest(size_t count = 2) {
    std::vector<std::shared_ptr<ChannelInput>> inputs;
    for (size_t i = 0; i < count; ++i) {
      channels_.push_back(std::make_shared<LocalChannel>());
      inputs.push_back(channels_.back());
    }
    gate_ = std::make_unique<InputGate>(std::move(inputs));
    gate_->SetWakeup([this] { ++wakeups_; });
  }
  void Row(size_t channel, int64_t value) {
    RecordBuilder<int64_t> builder;
    builder.AppendView(value);
    Push(channel, std::make_shared<const Batch>(builder.Finish()));
  }
  void Watermark(size_t channel, int64_t micros) { Push(channel, EventTime::FromMicros(micros)); }
  void Barrier(size_t channel, uint64_t epoch) {
    taskmanager::Barrier barrier;
    barrier.epoch = Epoch(epoch);
    Push(channel, barrier);
  }
  void Push(size_t channel, ChannelElement element) {
    ASSERT_TRUE(channels_[channel]->Push(std::move(element)).ok());
  }
  std::vector<std::string> Drain() {
    std::vector<std::string> words;
    while (auto element = gate_->Next()) words.push_back(WordOf(*element));
    return words;
  }

  std::vector<std::shared_ptr<LocalChannel>> channels_;
  std::unique_ptr<InputGate> gate_;
  int wakeups_ = 0;
};

TEST_F(InputGateTest, ChannelsTakeTurns) {
  for (int64_t i = 0; i < 3; ++i) Row(0, i);
  for (int64_t i = 10; i < 12; ++i) Row(1, i);
  EXPECT_THAT(Drain(), ElementsAre("row 0", "row 10", "row 1", "row 11", "row 2"));
  EXPECT_GE(wakeups_, 2);
}

TEST_F(InputGateTest, TheWatermarkIsTheLowestOfAllChannels) {
  Watermark(0, 5);
  EXPECT_THAT(Drain(), IsEmpty());
  Watermark(1, 3);
  EXPECT_THAT(Drain(), ElementsAre("wm 3"));
  Watermark(1, 9);
  EXPECT_THAT(Drain(), ElementsAre("wm 5"));
  Watermark(1, 10);
  EXPECT_THAT(Drain(), IsEmpty());
}

TEST_F(InputGateTest, AnIdleChannelHoldsNobodyBack) {
  Watermark(0, 5);
  Push(1, StreamStatus{true});
  EXPECT_THAT(Drain(), ElementsAre("wm 5"));
  Push(0, StreamStatus{true});
  EXPECT_THAT(Drain(), ElementsAre("idle")) << "and gives no watermark";
  Watermark(1, 4);
  EXPECT_THAT(Drain(), ElementsAre("active")) << "a watermark does not go back";
  Watermark(1, 6);
  EXPECT_THAT(Drain(), ElementsAre("wm 6"));
}

TEST_F(InputGateTest, BehindABarrierAChannelIsNotRead) {
  Row(0, 1);
  Barrier(0, 1);
  Row(0, 2);
  Row(1, 10);
  EXPECT_THAT(Drain(), ElementsAre("row 1", "row 10"));
  EXPECT_TRUE(gate_->aligning());
  Row(1, 11);
  Barrier(1, 1);
  Row(1, 12);
  EXPECT_THAT(Drain(), ElementsAre("row 11", "barrier 1", "row 2", "row 12"));
  EXPECT_FALSE(gate_->aligning());
}

TEST_F(InputGateTest, ALaterBarrierEndsTheAlignmentForTheOneBefore) {
  Barrier(0, 1);
  Row(0, 1);
  Barrier(0, 2);
  EXPECT_THAT(Drain(), IsEmpty());
  Barrier(1, 2);
  EXPECT_THAT(Drain(), ElementsAre("row 1", "barrier 2")) << "epoch 1 is nobody's any more";
}

// Epoch 1 was given up while the second channel stood still, and its barrier there never comes.
TEST_F(InputGateTest, ABarrierThatWasReplacedInOneChannelEndsItsAlignmentInAll) {
  Barrier(0, 1);
  Row(0, 1);
  EXPECT_THAT(Drain(), IsEmpty());
  Row(1, 10);
  Barrier(1, 1);
  Watermark(1, 5);
  Barrier(1, 2);
  Row(1, 11);
  EXPECT_THAT(Drain(), ElementsAre("row 10", "row 1"));
  EXPECT_EQ(gate_->aligning(), Epoch(2)) << "by the second channel alone";
  Watermark(0, 6);
  Barrier(0, 2);
  EXPECT_THAT(Drain(), ElementsAre("wm 5", "barrier 2", "row 11"));
  EXPECT_FALSE(gate_->aligning());
  gate_->Abort(Epoch(1));
  for (size_t channel : {0, 1}) Barrier(channel, 3);
  EXPECT_THAT(Drain(), ElementsAre("barrier 3"));
}

TEST_F(InputGateTest, WithoutRoomABarrierThatReplacedAnotherIsAligned) {
  Barrier(0, 1);
  EXPECT_FALSE(gate_->NextBarrier().has_value());
  for (uint64_t epoch : {1, 2, 3}) Barrier(1, epoch);
  EXPECT_FALSE(gate_->NextBarrier().has_value());
  EXPECT_EQ(gate_->aligning(), Epoch(3));
  for (uint64_t epoch : {2, 3}) Barrier(0, epoch);
  const auto barrier = gate_->NextBarrier();
  ASSERT_TRUE(barrier.has_value());
  EXPECT_EQ(barrier->epoch, Epoch(3));
  EXPECT_THAT(Drain(), IsEmpty());
}

TEST_F(InputGateTest, BehindTheEndALaterBarrierIsEnough) {
  for (size_t channel : {0, 1}) {
    Push(channel, EndOfInput());
    for (uint64_t epoch : {1, 2}) Barrier(channel, epoch);
  }
  EXPECT_THAT(Drain(), ElementsAre("end", "barrier 2"));
}

TEST_F(InputGateTest, BarriersOfOldEpochsMeanNothing) {
  for (size_t channel : {0, 1}) Barrier(channel, 2);
  EXPECT_THAT(Drain(), ElementsAre("barrier 2"));
  Barrier(0, 1);
  Barrier(0, 2);
  Row(0, 1);
  EXPECT_THAT(Drain(), ElementsAre("row 1"));
}

TEST_F(InputGateTest, AChannelThatHasFinishedHoldsBackNeitherWatermarkNorBarrier) {
  Watermark(0, 5);
  Watermark(1, 3);
  Barrier(0, 1);
  EXPECT_THAT(Drain(), ElementsAre("wm 3"));
  Push(1, EventTime::Max());
  EXPECT_THAT(Drain(), ElementsAre("wm 5"));
  Push(1, EndOfInput());
  EXPECT_THAT(Drain(), ElementsAre("barrier 1"));
  Barrier(1, 1);
  EXPECT_THAT(Drain(), IsEmpty()) << "it was taken already";
  Push(0, EndOfInput());
  EXPECT_THAT(Drain(), ElementsAre("end"));
  Barrier(0, 2);
  EXPECT_THAT(Drain(), ElementsAre("barrier 2")) << "of tasks that have finished";
}

// A source that had finished was no longer in the minimum; restored, it starts with its own again.
TEST_F(InputGateTest, ARestoredWatermarkComesFirstAndNoneBelowItFollows) {
  gate_->Restore(EventTime::FromMicros(7));
  Row(0, 1);
  EXPECT_THAT(Drain(), ElementsAre("wm 7", "row 1"));
  Watermark(0, 4);
  Watermark(1, 8);
  EXPECT_THAT(Drain(), IsEmpty());
  Push(0, EventTime::Max());
  EXPECT_THAT(Drain(), ElementsAre("wm 8"));
  EXPECT_EQ(gate_->watermark(), EventTime::FromMicros(8));
}

// Its source was stopped, and has rows that were not read.
TEST_F(InputGateTest, AChannelThatEndsBeforeTimeKeepsTheOthersWhereItWas) {
  Watermark(0, 3);
  Watermark(1, 7);
  EXPECT_THAT(Drain(), ElementsAre("wm 3"));
  Push(0, EndOfInput());
  Watermark(1, 9);
  EXPECT_THAT(Drain(), IsEmpty());
  Push(1, EndOfInput());
  EXPECT_THAT(Drain(), ElementsAre("end"));
}

TEST_F(InputGateTest, WhileOneIsIdleAndTheOthersHaveFinishedTimeDoesNotEnd) {
  Watermark(0, 3);
  Push(1, StreamStatus{true});
  EXPECT_THAT(Drain(), ElementsAre("wm 3"));
  Push(0, EventTime::Max());
  Push(0, EndOfInput());
  EXPECT_THAT(Drain(), ElementsAre("idle"));
  Watermark(1, 5);
  EXPECT_THAT(Drain(), ElementsAre("active", "wm 5"));
  Push(1, EventTime::Max());
  EXPECT_EQ(Drain().size(), 1u) << "the last watermark";
  EXPECT_EQ(gate_->watermark(), EventTime::Max());
}

// The same whichever came first: another subtask, which was told earlier, has sent it on.
TEST_F(InputGateTest, WhatFinishedChannelsHadReachedComesBeforeIdle) {
  Watermark(0, 3);
  Watermark(0, 7);
  Push(0, EventTime::Max());
  Push(0, EndOfInput());
  EXPECT_THAT(Drain(), IsEmpty()) << "the other channel has said nothing yet";
  Push(1, StreamStatus{true});
  EXPECT_THAT(Drain(), ElementsAre("wm 7", "idle"));
  EXPECT_EQ(gate_->watermark(), EventTime::FromMicros(7));
  Push(1, EventTime::Max());
  EXPECT_EQ(Drain().size(), 2u) << "active, and the last watermark";
  EXPECT_EQ(gate_->watermark(), EventTime::Max());
}

// Else the gate would be idle when the other one has finished, too, and never give the end of time.
TEST_F(InputGateTest, BehindTheLastWatermarkOfAllNobodyIsIdle) {
  Watermark(0, 3);
  Watermark(1, 7);
  EXPECT_THAT(Drain(), ElementsAre("wm 3"));
  Push(1, EventTime::Max());
  Push(1, StreamStatus{true});
  EXPECT_THAT(Drain(), IsEmpty());
  Push(1, EndOfInput());
  Push(0, EventTime::Max());
  Push(0, EndOfInput());
  EXPECT_THAT(Drain(), ElementsAre("last wm", "end"));
}

// A gate that hears of the first channel's idleness first gives 300 because the second is active.
TEST_F(InputGateTest, TheHighestWatermarkComesBeforeIdleInWhateverOrder) {
  Watermark(0, 100);
  Watermark(1, 300);
  EXPECT_THAT(Drain(), ElementsAre("wm 100"));
  Push(1, StreamStatus{true});
  EXPECT_THAT(Drain(), IsEmpty());
  Push(0, StreamStatus{true});
  EXPECT_THAT(Drain(), ElementsAre("wm 300", "idle"));
}

// One source declined, the others have sent it.
TEST_F(InputGateTest, ACheckpointThatIsGivenUpHoldsNobodyUp) {
  Barrier(0, 4);
  Row(0, 1);
  EXPECT_THAT(Drain(), IsEmpty());
  gate_->Abort(Epoch(4));
  EXPECT_FALSE(gate_->aligning());
  EXPECT_THAT(Drain(), ElementsAre("row 1"));
  Barrier(1, 4);
  Row(1, 2);
  EXPECT_THAT(Drain(), ElementsAre("row 2")) << "its barrier came late";
  Barrier(0, 5);
  EXPECT_THAT(Drain(), IsEmpty());
  gate_->Abort(Epoch(4));
  EXPECT_TRUE(gate_->aligning());
  Barrier(1, 5);
  EXPECT_THAT(Drain(), ElementsAre("barrier 5"));
}

TEST_F(InputGateTest, WithoutRoomBarriersAreTaken) {
  Row(0, 1);
  Barrier(1, 1);
  EXPECT_FALSE(gate_->NextBarrier().has_value());
  EXPECT_TRUE(gate_->aligning());
  EXPECT_THAT(Drain(), ElementsAre("row 1"));
  Barrier(0, 1);
  const auto barrier = gate_->NextBarrier();
  ASSERT_TRUE(barrier.has_value());
  EXPECT_EQ(barrier->epoch, Epoch(1));
}

// The operators still fire what a restore has left due, and a sink is slow.
TEST_F(InputGateTest, WithoutRoomBarriersComeBeforeARestoredWatermark) {
  gate_->Restore(EventTime::FromMicros(7));
  Barrier(0, 1);
  EXPECT_FALSE(gate_->NextBarrier().has_value());
  EXPECT_TRUE(gate_->aligning());
  Barrier(1, 1);
  Row(1, 1);
  const auto barrier = gate_->NextBarrier();
  ASSERT_TRUE(barrier.has_value());
  EXPECT_EQ(barrier->epoch, Epoch(1));
  EXPECT_EQ(gate_->watermark(), EventTime::FromMicros(7)) << "is in the snapshot";
  EXPECT_FALSE(gate_->NextBarrier().has_value());
  EXPECT_THAT(Drain(), ElementsAre("wm 7", "row 1"));
}

// What it makes due would come behind the barrier.
TEST_F(InputGateTest, ABarrierThatSuspendsOvertakesNoWatermark) {
  gate_->Restore(EventTime::FromMicros(7));
  for (size_t channel : {0, 1}) {
    Push(channel, taskmanager::Barrier{Epoch(4), LeaderTerm(1), false, true});
  }
  EXPECT_FALSE(gate_->NextBarrier().has_value());
  EXPECT_THAT(Drain(), ElementsAre("wm 7", "barrier 4"));
}

// It would hold up those behind it, and silence the timers of a job that runs on.
TEST_F(InputGateTest, ABarrierThatIsGivenUpBehindAWatermarkIsGone) {
  gate_->Restore(EventTime::FromMicros(7));
  for (size_t channel : {0, 1}) {
    Push(channel, taskmanager::Barrier{Epoch(4), LeaderTerm(1), false, true});
  }
  EXPECT_FALSE(gate_->NextBarrier().has_value());
  gate_->Abort(Epoch(4));
  for (size_t channel : {0, 1}) Barrier(channel, 5);
  const auto barrier = gate_->NextBarrier();
  ASSERT_TRUE(barrier.has_value());
  EXPECT_EQ(barrier->epoch, Epoch(5));
  EXPECT_THAT(Drain(), ElementsAre("wm 7"));
}

}  // namespace
}  // namespace weir::taskmanager
