#include "taskmanager/exchange/exchange_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "taskmanager/exchange/grant_codec.h"
#include "tests/unit/taskmanager/exchange/testing_workers.h"

namespace weir::taskmanager {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr ChannelId kThere = {1, 0, 0};
constexpr ChannelId kBack = {2, 0, 0};

class ExchangeEndpointTest : public testing::Test {
 protected:
  ExchangeEndpointTest() {
    workers_.AddChannel(0, 1, kThere);
    workers_.AddChannel(1, 0, kBack);
  }
  void OpenBoth(uint64_t generation) {
    ASSERT_TRUE(workers_.Open(0, generation).ok());
    ASSERT_TRUE(workers_.Open(1, generation).ok());
    workers_.RunAll();
    ASSERT_TRUE(workers_.worker(0).ready && workers_.worker(1).ready);
  }
  void Push(size_t worker, const ChannelId& id, ChannelElement element) {
    ASSERT_TRUE(workers_.worker(worker).endpoint->Output(id)->Push(std::move(element)).ok());
  }
  std::string Pop(size_t worker, const ChannelId& id) {
    return PopAll(*workers_.worker(worker).endpoint->Input(id));
  }

  TestingWorkers workers_{2};
};

TEST_F(ExchangeEndpointTest, CarriesElementsBothWays) {
  OpenBoth(1);
  Push(0, kThere, NumbersBatch({1, 2}));
  Push(0, kThere, Barrier{Epoch(1), LeaderTerm(1)});
  Push(1, kBack, EventTime::FromMicros(7));
  Push(1, kBack, EndOfInput());
  workers_.RunAll();
  EXPECT_EQ(Pop(1, kThere), " batch,1,2 barrier 1/1");
  EXPECT_EQ(Pop(0, kBack), " watermark 7 end");
}

TEST_F(ExchangeEndpointTest, IsReadyWhenAllPeersAreConnectedBothWays) {
  ASSERT_TRUE(workers_.Open(0, 1).ok());
  workers_.RunAll();
  EXPECT_FALSE(workers_.worker(0).ready);
  ASSERT_TRUE(workers_.Open(1, 1).ok());
  workers_.RunAll();
  EXPECT_TRUE(workers_.worker(0).ready);
  EXPECT_TRUE(workers_.worker(1).ready);
}

TEST_F(ExchangeEndpointTest, IsReadyAtOnceWithoutPeers) {
  workers_.plans().clear();
  ASSERT_TRUE(workers_.Open(0, 1).ok());
  EXPECT_FALSE(workers_.worker(0).ready);
  workers_.RunAll();
  EXPECT_TRUE(workers_.worker(0).ready);
}

TEST_F(ExchangeEndpointTest, WhatIsPushedBeforeTheConnectionIsSentThen) {
  ASSERT_TRUE(workers_.Open(0, 1).ok());
  Push(0, kThere, NumbersBatch({1}));
  workers_.RunAll();
  ASSERT_TRUE(workers_.Open(1, 1).ok());
  workers_.RunAll();
  EXPECT_EQ(Pop(1, kThere), " batch,1");
}

TEST_F(ExchangeEndpointTest, PeerThatListensLaterIsFound) {
  workers_.AddWorker("w2");
  const ChannelId id = {3, 0, 0};
  workers_.plans().clear();
  workers_.AddChannel(0, 2, id);
  workers_.worker(2).endpoint = nullptr;
  ASSERT_TRUE(workers_.Open(0, 1).ok());
  workers_.Advance(absl::Seconds(1));
  EXPECT_THAT(workers_.worker(0).broken, IsEmpty());
  TestingWorkers::Worker& late = workers_.worker(2);
  ManualExecutor executor;
  ExchangeEndpoint endpoint(executor, *late.transport, WorkerId("w2"));
  ExchangePlan plan = workers_.plans()[2];
  plan.generation = Generation(1);
  ASSERT_TRUE(endpoint.Open(plan, {}).ok());
  for (int i = 0; i < 20; ++i) {
    workers_.Advance(absl::Milliseconds(10));
    executor.RunReady();
  }
  workers_.RunAll();
  EXPECT_TRUE(workers_.worker(0).ready);
}

TEST_F(ExchangeEndpointTest, BreakIsReportedOnceByEachSideNamingThePeer) {
  OpenBoth(1);
  workers_.network().Break("at-w0", "at-w1");
  workers_.RunAll();
  EXPECT_THAT(workers_.worker(0).broken,
              ElementsAre("w1: UNAVAILABLE: worker w0 has lost its connection with worker w1 in "
                          "generation 1: Connection reset by peer"));
  EXPECT_THAT(workers_.worker(1).broken, ElementsAre(HasSubstr("with worker w0 in generation 1")));
  const auto output = workers_.worker(0).endpoint->Output(kThere);
  EXPECT_FALSE(output->HasRoom());
  EXPECT_TRUE(output->Push(NumbersBatch({1})).ok());
}

TEST_F(ExchangeEndpointTest, NextGenerationWorksAfterABreak) {
  OpenBoth(1);
  Push(0, kThere, NumbersBatch({1}));
  workers_.network().Break("at-w0", "at-w1");
  workers_.RunAll();
  OpenBoth(2);
  Push(0, kThere, NumbersBatch({2}));
  workers_.RunAll();
  EXPECT_EQ(Pop(1, kThere), " batch,2");
  EXPECT_EQ(workers_.worker(0).broken.size(), 1u);
}

TEST_F(ExchangeEndpointTest, EverythingOfAnOlderGenerationIsDropped) {
  OpenBoth(1);
  const auto old_output = workers_.worker(0).endpoint->Output(kThere);
  const auto old_input = workers_.worker(1).endpoint->Input(kThere);
  Push(0, kThere, NumbersBatch({1}));
  workers_.RunAll();
  OpenBoth(2);
  ASSERT_TRUE(old_output->Push(NumbersBatch({2})).ok());
  workers_.RunAll();
  EXPECT_EQ(PopAll(*old_input), "");
  EXPECT_EQ(Pop(1, kThere), "");
  Push(0, kThere, NumbersBatch({3}));
  workers_.RunAll();
  EXPECT_EQ(Pop(1, kThere), " batch,3");
  EXPECT_THAT(workers_.worker(0).broken, IsEmpty());
  EXPECT_THAT(workers_.worker(1).broken, IsEmpty());
}

// One side goes on while the other is still in the generation before.
TEST_F(ExchangeEndpointTest, PeerThatIsAheadWaits) {
  OpenBoth(1);
  ASSERT_TRUE(workers_.Open(0, 2).ok());
  workers_.RunAll();
  EXPECT_FALSE(workers_.worker(0).ready);
  EXPECT_THAT(workers_.worker(1).broken, ElementsAre(HasSubstr("worker w0 in generation 1")));
  ASSERT_TRUE(workers_.Open(1, 2).ok());
  workers_.RunAll();
  EXPECT_TRUE(workers_.worker(0).ready);
  EXPECT_TRUE(workers_.worker(1).ready);
}

TEST_F(ExchangeEndpointTest, CallOfAnOlderGenerationIsRefused) {
  ASSERT_TRUE(workers_.Open(1, 5).ok());
  ASSERT_TRUE(workers_.Open(0, 4).ok());
  workers_.RunAll();
  EXPECT_FALSE(workers_.worker(0).ready);
  EXPECT_THAT(workers_.worker(0).broken,
              ElementsAre(AllOf(HasSubstr("FAILED_PRECONDITION"), HasSubstr("past generation 4"))));
}

TEST_F(ExchangeEndpointTest, CallForAnotherWorkerIsRefused) {
  workers_.plans()[0].outputs[0].peer = WorkerId("w1-before");
  ASSERT_TRUE(workers_.Open(1, 1).ok());
  ASSERT_TRUE(workers_.Open(0, 1).ok());
  workers_.RunAll();
  EXPECT_THAT(workers_.worker(0).broken,
              ElementsAre(HasSubstr("NOT_FOUND: worker w0 has lost its connection with worker "
                                    "w1-before in generation 1: this is worker w1")));
}

TEST_F(ExchangeEndpointTest, CallOfAWorkerThatIsNotInThePlanIsRefused) {
  workers_.plans()[1].inputs.clear();
  ASSERT_TRUE(workers_.Open(1, 1).ok());
  ASSERT_TRUE(workers_.Open(0, 1).ok());
  workers_.RunAll();
  EXPECT_THAT(workers_.worker(0).broken, ElementsAre(HasSubstr("expects no connection")));
}

TEST_F(ExchangeEndpointTest, PeerThatNeverConnectsIsReportedOnce) {
  ASSERT_TRUE(workers_.Open(0, 1).ok());
  workers_.Advance(absl::Seconds(29));
  EXPECT_THAT(workers_.worker(0).broken, IsEmpty());
  workers_.Advance(absl::Seconds(40));
  EXPECT_THAT(workers_.worker(0).broken, ElementsAre(HasSubstr("no connection within 30s")));
}

TEST_F(ExchangeEndpointTest, FrameThatDoesNotDecodeBreaksTheLinkNamingTheChannel) {
  workers_.plans()[1].inputs[0].schema = Schema::Make({{"s", DataType::kString, false}});
  OpenBoth(1);
  Push(0, kThere, NumbersBatch({1}));
  workers_.RunAll();
  EXPECT_THAT(workers_.worker(1).broken,
              ElementsAre(AllOf(HasSubstr("DATA_LOSS"), HasSubstr("with worker w0"),
                                HasSubstr("channel of edge 1 from subtask 0 to 0"))));
  EXPECT_EQ(Pop(1, kThere), "");
}

TEST_F(ExchangeEndpointTest, RepeatedMessagesChangeNothing) {
  OpenBoth(1);
  workers_.network().SetTamper([](std::string message) {
    return std::vector<std::string>{message, message};
  });
  std::vector<ChannelElement> pushed;
  std::vector<ChannelElement> popped;
  for (int64_t i = 0; popped.size() < 200; ++i) {
    ASSERT_LT(i, 1'000);
    if (pushed.size() < 200 && workers_.worker(0).endpoint->Output(kThere)->HasRoom()) {
      pushed.push_back(CountingBatch(i, 1'000));
      Push(0, kThere, pushed.back());
    }
    workers_.RunAll();
    if (auto element = workers_.worker(1).endpoint->Input(kThere)->Pop()) {
      popped.push_back(*std::move(element));
    }
  }
  EXPECT_EQ(TextOf(popped), TextOf(pushed));
  EXPECT_THAT(workers_.worker(0).broken, IsEmpty());
  EXPECT_THAT(workers_.worker(1).broken, IsEmpty());
}

TEST_F(ExchangeEndpointTest, StaleGrantsAreDroppedAndCounted) {
  OpenBoth(1);
  workers_.network().SetTamper([](std::string message) {
    DecodedGrants grants;
    const std::vector<absl::string_view> pieces = {message};
    if (message.substr(0, 3) != "WXF" && DecodeGrants(pieces, &grants)) {
      grants.link.receiver += 1;
      const Buffer changed = EncodeGrants(grants.link, grants.grants);
      message.assign(reinterpret_cast<const char*>(changed.data()), changed.size());
    }
    return std::vector<std::string>{message};
  });
  for (int64_t i = 0; i < 20; ++i) Push(0, kThere, CountingBatch(i, 10'000));
  workers_.RunAll();
  (void)Pop(1, kThere);
  workers_.RunAll();
  EXPECT_GT(workers_.worker(0).endpoint->counters().stale_grants.load(), 0u);
  EXPECT_EQ(Pop(1, kThere), "");
}

TEST_F(ExchangeEndpointTest, PlansThatContradictThemselvesAreRefusedByName) {
  workers_.AddChannel(0, 1, kThere);
  const absl::Status status = workers_.Open(0, 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("channel of edge 1 from subtask 0 to 0"));
}

TEST_F(ExchangeEndpointTest, GenerationsRise) {
  OpenBoth(3);
  EXPECT_EQ(workers_.Open(0, 3).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(workers_.worker(0).endpoint->ready());
}

TEST_F(ExchangeEndpointTest, HasNoEndsOfUnknownChannels) {
  OpenBoth(1);
  EXPECT_EQ(workers_.worker(0).endpoint->Output(kBack), nullptr);
  EXPECT_EQ(workers_.worker(0).endpoint->Input(kThere), nullptr);
}

}  // namespace
}  // namespace weir::taskmanager
