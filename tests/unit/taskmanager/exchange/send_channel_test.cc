#include "taskmanager/exchange/send_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/types/batch_builder.h"
#include "tests/unit/taskmanager/exchange/testing_exchange.h"

namespace weir::taskmanager {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::Le;

constexpr uint64_t kPlenty = 1u << 30;

class SendChannelTest : public testing::Test {
 protected:
  std::string TakeAll() {
    std::vector<ChannelElement> elements;
    backlogs_ = 0;
    while (std::optional<OutgoingFrame> frame = channel_.Take()) {
      pushed_ = frame->pushed_bytes;
      if (!frame->element.has_value()) {
        ++backlogs_;
        continue;
      }
      EXPECT_EQ(frame->sequence, ++sequence_);
      elements.push_back(*std::move(frame->element));
    }
    return TextOf(elements);
  }
  void Push(ChannelElement element) { ASSERT_TRUE(channel_.Push(std::move(element)).ok()); }

  const BatchPtr batch_ = CountingBatch(1, 100);
  const size_t bytes_ = BatchFrameBytes(*batch_);
  SendChannel channel_{ChannelId{1, 2, 3},
                       {.capacity_bytes = 3 * bytes_,
                        .overdraft_bytes = 2 * bytes_,
                        .cut_above_bytes = 64 * bytes_,
                        .announce_bytes = 2 * bytes_}};
  int backlogs_ = 0;
  uint64_t pushed_ = 0;
  uint64_t sequence_ = 0;
};

TEST_F(SendChannelTest, KeepsTheOrderOfAllKinds) {
  channel_.OnGrant({kPlenty, 0, kPlenty});
  Push(NumbersBatch({1}));
  Push(Barrier{Epoch(4), LeaderTerm(1)});
  Push(EventTime::FromMicros(5));
  Push(NumbersBatch({2}));
  Push(EndOfInput());
  EXPECT_EQ(TakeAll(), " batch,1 barrier 4/1 watermark 5 batch,2 end");
}

TEST_F(SendChannelTest, BatchWaitsForItsWholeLength) {
  channel_.OnGrant({bytes_ + bytes_ - 1, 0, bytes_});
  Push(batch_);
  Push(batch_);
  EXPECT_THAT(TakeAll(), HasSubstr("batch"));
  EXPECT_EQ(channel_.queued_bytes(), bytes_);
  channel_.OnGrant({2 * bytes_, bytes_, bytes_});
  EXPECT_THAT(TakeAll(), HasSubstr("batch"));
  EXPECT_EQ(channel_.queued_bytes(), 0u);
}

TEST_F(SendChannelTest, ControlNeedsNoCreditButKeepsItsPlace) {
  Push(Barrier{Epoch(1), LeaderTerm(1)});
  Push(batch_);
  Push(Barrier{Epoch(2), LeaderTerm(1)});
  EXPECT_EQ(TakeAll(), " barrier 1/1");
  channel_.OnGrant({bytes_, 0, bytes_});
  EXPECT_THAT(TakeAll(), HasSubstr("100 barrier 2/1"));
}

TEST_F(SendChannelTest, OldGrantsSayNothing) {
  channel_.OnGrant({2 * bytes_, 0, bytes_});
  channel_.OnGrant({bytes_, 0, bytes_});
  channel_.OnGrant({2 * bytes_, 0, bytes_});
  for (int i = 0; i < 3; ++i) Push(batch_);
  (void)TakeAll();
  EXPECT_EQ(channel_.queued_bytes(), bytes_);
}

TEST_F(SendChannelTest, OversizeBatchGoesWhenNothingIsUnconsumed) {
  channel_.OnGrant({bytes_ / 2, 0, bytes_ / 2});
  Push(batch_);
  Push(batch_);
  EXPECT_THAT(TakeAll(), HasSubstr("batch"));
  EXPECT_EQ(channel_.queued_bytes(), bytes_);
  channel_.OnGrant({bytes_ + bytes_ / 2, bytes_ - 1, bytes_ / 2});
  EXPECT_EQ(TakeAll(), "");
  channel_.OnGrant({bytes_ + bytes_ / 2, bytes_, bytes_ / 2});
  EXPECT_THAT(TakeAll(), HasSubstr("batch"));
}

TEST_F(SendChannelTest, NothingIsOversizeBeforeTheFirstGrant) {
  Push(batch_);
  EXPECT_EQ(TakeAll(), "");
}

TEST_F(SendChannelTest, AnnouncesItsBacklogOnceAndWhenItHasGrown) {
  Push(batch_);
  EXPECT_EQ(TakeAll(), "");
  EXPECT_EQ(backlogs_, 1);
  EXPECT_EQ(pushed_, bytes_);
  Push(batch_);
  EXPECT_EQ(TakeAll(), "");
  EXPECT_EQ(backlogs_, 0);
  Push(batch_);
  EXPECT_EQ(TakeAll(), "");
  EXPECT_EQ(backlogs_, 1);
  EXPECT_EQ(pushed_, 3 * bytes_);
}

TEST_F(SendChannelTest, WakesTheLinkUntilItHasTakenAll) {
  int woken = 0;
  channel_.SetSendWakeup([&woken] { ++woken; });
  Push(EndOfInput());
  Push(EndOfInput());
  EXPECT_EQ(woken, 1);
  (void)TakeAll();
  Push(batch_);
  EXPECT_EQ(woken, 2);  // to announce it
  (void)TakeAll();
  Push(Barrier{});
  EXPECT_EQ(woken, 2);  // behind a batch that may not go
  channel_.OnGrant({bytes_, 0, bytes_});
  EXPECT_EQ(woken, 3);
  channel_.OnGrant({bytes_, 0, bytes_});
  EXPECT_EQ(woken, 3);
}

TEST_F(SendChannelTest, IsFullByBytesAndWakesTheProducerForRoom) {
  int woken = 0;
  channel_.SetProducerWakeup([&woken] { ++woken; });
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(channel_.HasRoom());
    Push(batch_);
  }
  EXPECT_FALSE(channel_.HasRoom());
  Push(Barrier{});
  (void)TakeAll();
  EXPECT_EQ(woken, 0);
  channel_.OnGrant({bytes_, 0, bytes_});
  (void)TakeAll();
  EXPECT_EQ(woken, 1);
  EXPECT_TRUE(channel_.HasRoom());
}

TEST_F(SendChannelTest, OverdraftIsBounded) {
  for (int i = 0; i < 5; ++i) Push(batch_);
  const absl::Status status = channel_.Push(batch_);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("channel of edge 1 from subtask 2 to 3"));
}

TEST_F(SendChannelTest, WatermarkReplacesTheOneDirectlyBeforeIt) {
  channel_.OnGrant({kPlenty, 0, kPlenty});
  for (int i = 0; i < 1'000; ++i) Push(EventTime::FromMicros(i));
  Push(NumbersBatch({1}));
  Push(EventTime::FromMicros(2'000));
  std::vector<ChannelElement> elements;
  while (std::optional<OutgoingFrame> frame = channel_.Take()) elements.push_back(*frame->element);
  EXPECT_EQ(elements.size(), 3u);
  EXPECT_EQ(TextOf(elements), " watermark 999 batch,1 watermark 2000");
}

// Each checkpoint that is given up while the consumer stands still leaves one.
TEST_F(SendChannelTest, BarriersBehindABatchWithoutCreditStayFew) {
  Push(NumbersBatch({1}));
  for (int64_t epoch = 1; epoch <= 10'000; ++epoch) {
    Push(EventTime::FromMicros(2 * epoch));
    Push(StreamStatus{true});
    Push(Barrier{Epoch(static_cast<uint64_t>(epoch)), LeaderTerm(1)});
    Push(EventTime::FromMicros(2 * epoch + 1));
  }
  Push(NumbersBatch({2}));
  Push(Barrier{Epoch(10'001), LeaderTerm(1)});
  EXPECT_EQ(TakeAll(), "");
  channel_.OnGrant({kPlenty, 0, kPlenty});
  EXPECT_EQ(
      TakeAll(),
      " batch,1 watermark 20000 idle barrier 10000/1 watermark 20001 batch,2 barrier 10001/1");
  EXPECT_EQ(sequence_, 7u) << "elements";
  EXPECT_EQ(channel_.queued_bytes(), 0u);
}

TEST_F(SendChannelTest, ClosedItHasNoRoomAndDropsWhatIsPushed) {
  channel_.OnGrant({kPlenty, 0, kPlenty});
  Push(batch_);
  channel_.Close();
  EXPECT_FALSE(channel_.HasRoom());
  Push(batch_);
  EXPECT_FALSE(channel_.Take().has_value());
  EXPECT_EQ(channel_.queued_bytes(), 0u);
}

TEST(SendChannelCut, LargeBatchIsCutByRows) {
  SendChannel channel({}, {.cut_above_bytes = 4'000});
  channel.OnGrant({kPlenty, 0, kPlenty});
  const BatchPtr batch = CountingBatch(0, 10'000);
  ASSERT_TRUE(channel.Push(batch).ok());
  std::vector<ChannelElement> elements;
  while (std::optional<OutgoingFrame> frame = channel.Take()) {
    EXPECT_LE(BatchFrameBytes(*std::get<BatchPtr>(*frame->element)), 4'000u);
    elements.push_back(*frame->element);
  }
  EXPECT_EQ(TextOf(elements), TextOf({batch}));
}

// Sends all of the batch, and after each frame that is sent the receiver has consumed it.
std::vector<size_t> FramesWithShare(SendChannel& channel, const BatchPtr& batch, uint64_t share) {
  std::vector<size_t> frames;
  uint64_t sent = 0;
  uint64_t pushed = 0;
  std::vector<ChannelElement> elements;
  EXPECT_TRUE(channel.Push(batch).ok());
  channel.OnGrant({share, 0, share});
  while (channel.queued_bytes() > 0) {
    const std::optional<OutgoingFrame> frame = channel.Take();
    if (!frame.has_value() || !frame->element.has_value()) {
      ADD_FAILURE() << "an empty channel sends nothing";
      break;
    }
    frames.push_back(BatchFrameBytes(*std::get<BatchPtr>(*frame->element)));
    elements.push_back(*frame->element);
    sent += frames.back();
    EXPECT_GE(frame->pushed_bytes, std::max(pushed, sent));
    pushed = frame->pushed_bytes;
    channel.OnGrant({sent + share, sent, share});
  }
  EXPECT_EQ(pushed, sent);
  EXPECT_EQ(TextOf(elements), TextOf({batch}));
  return frames;
}

TEST(SendChannelCut, BatchAboveTheShareIsCutToIt) {
  SendChannel channel({}, {});
  const std::vector<size_t> frames = FramesWithShare(channel, CountingBatch(0, 10'000), 8'192);
  EXPECT_THAT(frames, Each(Le(8'192u)));
  EXPECT_LE(frames.size(), 12u) << "no smaller than need be";
}

TEST(SendChannelCut, SmallShareDoesNotMakeTinyFrames) {
  SendChannel channel({}, {});
  const std::vector<size_t> frames = FramesWithShare(channel, CountingBatch(0, 10'000), 100);
  EXPECT_THAT(frames, Each(Le(4'096u)));
  EXPECT_LE(frames.size(), 24u);
}

TEST(SendChannelCut, WhatIsGrantedBeyondTheShareIsUsedAtOnce) {
  SendChannel channel({}, {});
  ASSERT_TRUE(channel.Push(CountingBatch(0, 10'000)).ok());
  channel.OnGrant({40'000, 0, 8'192});
  const std::optional<OutgoingFrame> frame = channel.Take();
  ASSERT_TRUE(frame.has_value() && frame->element.has_value());
  const size_t sent = BatchFrameBytes(*std::get<BatchPtr>(*frame->element));
  EXPECT_LE(sent, 40'000u);
  EXPECT_GE(sent, 36'000u);
  EXPECT_FALSE(channel.Take().has_value()) << "the rest waits for credit";
}

// The pieces need fewer bytes than the whole did: validity is sent where there are nulls.
TEST(SendChannelCut, WhatPiecesWithoutNullsSaveHidesNoBacklog) {
  BatchBuilder builder(Schema::Make({{"n", DataType::kInt64, true}}));
  for (int64_t i = 0; i < 40'000; ++i) {
    if (i == 0) {
      builder.column(0).AppendNull();
    } else {
      builder.column(0).AppendInt64(i);
    }
    builder.CommitRow();
  }
  const auto batch = std::make_shared<const Batch>(builder.Finish());
  SendChannel channel({}, {.cut_above_bytes = 1u << 20});
  ASSERT_TRUE(channel.Push(batch).ok());
  channel.OnGrant({200'000, 0, 8'192});
  uint64_t pushed = 0;
  uint64_t sent = 0;
  const auto take_all = [&] {
    while (const std::optional<OutgoingFrame> frame = channel.Take()) {
      EXPECT_GE(frame->pushed_bytes, pushed);
      pushed = frame->pushed_bytes;
      if (!frame->element.has_value()) continue;
      sent += BatchFrameBytes(*std::get<BatchPtr>(*frame->element));
    }
  };
  take_all();
  const size_t whole = BatchFrameBytes(*batch);
  channel.OnGrant({whole, 0, 8'192});
  take_all();
  EXPECT_EQ(channel.queued_bytes(), 0u);
  EXPECT_LT(sent + 1'000, whole) << "nothing was saved";
  // The next one waits. Its receiver has to know of all of it, or it would see no need for a grant.
  const BatchPtr next = CountingBatch(0, 1'000);
  ASSERT_TRUE(channel.Push(next).ok());
  take_all();
  EXPECT_EQ(channel.queued_bytes(), BatchFrameBytes(*next));
  EXPECT_EQ(pushed, sent + BatchFrameBytes(*next));
  channel.OnGrant({kPlenty, 0, 8'192});
  take_all();
  EXPECT_EQ(pushed, sent);
}

TEST(SendChannelCut, RowThatNoFrameCanHoldIsRefusedByName) {
  SendChannel channel({}, {});
  BatchBuilder builder(Schema::Make({{"s", DataType::kString, false}}));
  builder.column(0).AppendBytes(std::string(kMaxFrameBytes, 'x'));
  builder.CommitRow();
  const absl::Status status = channel.Push(std::make_shared<const Batch>(builder.Finish()));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(channel.queued_bytes(), 0u);
}

}  // namespace
}  // namespace weir::taskmanager
