// What comes over a link, byte by byte: ReceiveLink and ReceiveChannel.

#include "taskmanager/exchange/receive_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/taskmanager/exchange/testing_exchange.h"

namespace weir::taskmanager {
namespace {

using testing::HasSubstr;

constexpr ChannelId kOne = {1, 0, 0};

class ReceiveLinkTest : public testing::Test {
 protected:
  FrameHeader Header(uint64_t sequence) const {
    FrameHeader header;
    header.link = identity_;
    header.channel = kOne;
    header.sequence = sequence;
    return header;
  }
  absl::Status Deliver(const std::string& text) {
    const std::vector<absl::string_view> pieces = {text};
    return link_.OnMessage(pieces);
  }
  std::string PopAll() {
    std::vector<ChannelElement> elements;
    while (std::optional<ChannelElement> element = channel_->Pop()) elements.push_back(*element);
    popped_ = elements.size();
    return TextOf(elements);
  }

  const LinkIdentity identity_ = {Generation(5), 77, 88};
  const std::shared_ptr<ExchangeCounters> counters_ = std::make_shared<ExchangeCounters>();
  const std::shared_ptr<CreditPool> pool_ =
      std::make_shared<CreditPool>(CreditPoolOptions{}, 1, [] {});
  const std::shared_ptr<ReceiveChannel> channel_ =
      std::make_shared<ReceiveChannel>(kOne, NumbersSchema(), pool_, 0);
  ReceiveLink link_{identity_, {channel_}, counters_};
  size_t popped_ = 0;
};

TEST_F(ReceiveLinkTest, SeveralFramesInOneMessage) {
  ASSERT_TRUE(Deliver(FrameText(Header(1), NumbersBatch({1, 2})) +
                      FrameText(Header(2), Barrier{Epoch(3), LeaderTerm(1)}) +
                      FrameText(Header(3), EndOfInput()))
                  .ok());
  EXPECT_EQ(PopAll(), " batch,1,2 barrier 3/1 end");
}

TEST_F(ReceiveLinkTest, StaleFramesAreDroppedAndCounted) {
  FrameHeader older = Header(1);
  older.link.generation = Generation(4);
  FrameHeader from_another = Header(1);
  from_another.link.sender = 76;
  FrameHeader to_another = Header(1);
  to_another.link.receiver = 89;
  FrameHeader unknown = Header(1);
  unknown.channel.to = 9;
  for (const FrameHeader& header : {older, from_another, to_another, unknown}) {
    ASSERT_TRUE(Deliver(FrameText(header, NumbersBatch({1}))).ok());
  }
  EXPECT_EQ(counters_->stale_frames.load(), 4u);
  EXPECT_EQ(PopAll(), "");
  ASSERT_TRUE(Deliver(FrameText(Header(1), NumbersBatch({2}))).ok());
  EXPECT_EQ(PopAll(), " batch,2");
}

TEST_F(ReceiveLinkTest, RepeatedFrameIsDropped) {
  const std::string text = FrameText(Header(1), NumbersBatch({1}));
  ASSERT_TRUE(Deliver(text).ok());
  ASSERT_TRUE(Deliver(text).ok());
  EXPECT_EQ(PopAll(), " batch,1");
}

TEST_F(ReceiveLinkTest, MissingFrameIsDataLossAndNothingFollows) {
  const absl::Status status = Deliver(FrameText(Header(2), NumbersBatch({1})));
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("channel of edge 1"));
  EXPECT_TRUE(Deliver(FrameText(Header(1), NumbersBatch({1}))).ok());
  EXPECT_EQ(PopAll(), "");
}

TEST_F(ReceiveLinkTest, MoreThanGrantedIsRefusedByName) {
  uint64_t sequence = 0;
  absl::Status status;
  while (status.ok() && sequence < 10'000) {
    status = Deliver(FrameText(Header(++sequence), CountingBatch(0, 1'000)));
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("channel of edge 1"));
  EXPECT_LE(pool_->unconsumed_bytes(), pool_->exclusive_bytes());
}

TEST_F(ReceiveLinkTest, WakesTheConsumerForTheFirstElement) {
  int woken = 0;
  channel_->SetConsumerWakeup([&woken] { ++woken; });
  ASSERT_TRUE(Deliver(FrameText(Header(1), NumbersBatch({1}))).ok());
  ASSERT_TRUE(Deliver(FrameText(Header(2), NumbersBatch({2}))).ok());
  EXPECT_EQ(woken, 1);
  (void)PopAll();
  ASSERT_TRUE(Deliver(FrameText(Header(3), NumbersBatch({3}))).ok());
  EXPECT_EQ(woken, 2);
}

TEST_F(ReceiveLinkTest, BarrierIsTakenAloneOnlyFromTheFront) {
  ASSERT_TRUE(Deliver(FrameText(Header(1), NumbersBatch({1}))).ok());
  ASSERT_TRUE(Deliver(FrameText(Header(2), Barrier{Epoch(3), LeaderTerm(1)})).ok());
  EXPECT_FALSE(channel_->PopBarrier().has_value());
  (void)channel_->Pop();
  EXPECT_TRUE(channel_->PopBarrier().has_value());
  EXPECT_FALSE(channel_->PopBarrier().has_value());
}

// Frames need no credit; each checkpoint that is given up meanwhile brings some.
TEST_F(ReceiveLinkTest, BarriersBehindABatchThatNobodyTakesStayFew) {
  uint64_t sequence = 0;
  const auto deliver = [&](const ChannelElement& element) {
    ASSERT_TRUE(Deliver(FrameText(Header(++sequence), element)).ok());
  };
  deliver(NumbersBatch({1}));
  for (int64_t epoch = 1; epoch <= 10'000; ++epoch) {
    deliver(EventTime::FromMicros(2 * epoch));
    deliver(StreamStatus{true});
    deliver(Barrier{Epoch(static_cast<uint64_t>(epoch)), LeaderTerm(1)});
    deliver(EventTime::FromMicros(2 * epoch + 1));
  }
  deliver(NumbersBatch({2}));
  deliver(Barrier{Epoch(10'001), LeaderTerm(1)});
  EXPECT_EQ(
      PopAll(),
      " batch,1 watermark 20000 idle barrier 10000/1 watermark 20001 batch,2 barrier 10001/1");
  EXPECT_EQ(popped_, 7u);
}

TEST_F(ReceiveLinkTest, ClosedItIsEmptyForGood) {
  ASSERT_TRUE(Deliver(FrameText(Header(1), NumbersBatch({1}))).ok());
  channel_->Close();
  ASSERT_TRUE(Deliver(FrameText(Header(2), NumbersBatch({2}))).ok());
  EXPECT_EQ(PopAll(), "");
}

}  // namespace
}  // namespace weir::taskmanager
