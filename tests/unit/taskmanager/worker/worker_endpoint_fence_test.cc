// Which directives a worker obeys: docs/protocols/fencing.md, rules 1, 2 and 5.
#include "tests/unit/taskmanager/worker/testing_worker_endpoint.h"

namespace weir::taskmanager {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class WorkerFenceTest : public WorkerEndpointTest {
 protected:
  /// A deployment that would be obeyed, with its header spoiled.
  bool IsObeyed(const std::function<void(proto::Header*)>& spoil) {
    proto::Envelope envelope = DeployOf(5);
    spoil(envelope.mutable_header());
    Send(envelope);
    return endpoint_->generation() == Generation(envelope.header().generation());
  }
};

TEST_F(WorkerFenceTest, ADirectiveOfTheCurrentLeaderIsObeyed) {
  EXPECT_TRUE(IsObeyed([](proto::Header*) {}));
}

TEST_F(WorkerFenceTest, ADirectiveForAnotherWorkerIsDropped) {
  EXPECT_FALSE(IsObeyed([](proto::Header* header) { header->set_addressee("w-2"); }));
}

TEST_F(WorkerFenceTest, ADirectiveOfAnotherJobIsDropped) {
  EXPECT_FALSE(IsObeyed([](proto::Header* header) { header->set_job("k"); }));
}

TEST_F(WorkerFenceTest, ADirectiveWithoutATermIsDropped) {
  EXPECT_FALSE(IsObeyed([](proto::Header* header) {
    header->clear_term();
    header->clear_term_nonce();
  }));
}

TEST_F(WorkerFenceTest, ADirectiveOfAnOlderTermIsDropped) {
  proto::Envelope newer = DirectiveOf(0);
  newer.mutable_header()->set_term(2);
  Send(newer);
  EXPECT_FALSE(IsObeyed([](proto::Header*) {}));
}

TEST_F(WorkerFenceTest, ADirectiveOfTheSameTermWithAnotherNonceIsDropped) {
  Send(DirectiveOf(0));
  EXPECT_FALSE(IsObeyed([](proto::Header* header) { header->set_term_nonce("other"); }));
}

TEST_F(WorkerFenceTest, ADirectiveOfAnOlderGenerationIsDropped) {
  Deploy(6);
  EXPECT_FALSE(IsObeyed([](proto::Header*) {}));
}

TEST_F(WorkerFenceTest, AnOlderGenerationIsDroppedAlsoWhenTheWorkerIsIdle) {
  Deploy(6);
  Send(DirectiveOf(0));
  EXPECT_FALSE(IsObeyed([](proto::Header*) {}));
}

TEST_F(WorkerFenceTest, ARepeatedDirectiveIsDropped) {
  Send(DirectiveOf(0));
  EXPECT_FALSE(IsObeyed([](proto::Header* header) { header->set_sequence(1); }));
}

TEST_F(WorkerFenceTest, AHigherTermReplacesTheLeaderAtOnce) {
  EXPECT_TRUE(IsObeyed([](proto::Header* header) { header->set_term(9); }));
  EXPECT_EQ(endpoint_->term(), LeaderTerm(9));
}

TEST_F(WorkerFenceTest, ANewLeadersSequenceStartsAnew) {
  Send(DirectiveOf(0));
  Send(DirectiveOf(0));
  EXPECT_TRUE(IsObeyed([](proto::Header* header) {
    header->set_term(2);
    header->set_sender("jm-2");
    header->set_sequence(1);
  }));
}

TEST_F(WorkerFenceTest, ReportsGoToTheNewLeaderUnderItsTerm) {
  Send(DirectiveOf(0));
  proto::Envelope newer = DirectiveOf(0);
  newer.mutable_header()->set_term(2);
  newer.mutable_header()->set_term_nonce("n2");
  newer.mutable_header()->set_sender("jm-2");
  Send(newer);
  Beat();
  EXPECT_EQ(ReportHeader().addressee(), "jm-2");
  EXPECT_EQ(ReportHeader().term(), 2u);
  EXPECT_EQ(ReportHeader().term_nonce(), "n2");
}

TEST_F(WorkerFenceTest, WithoutALeaderNothingIsReported) {
  Beat();
  EXPECT_THAT(sent_, IsEmpty());
}

TEST_F(WorkerFenceTest, ReportsAreNumbered) {
  Send(DirectiveOf(0));
  Beat();
  Beat();
  ASSERT_THAT(sent_, SizeIs(2));
  EXPECT_LT(sent_[0].header().sequence(), sent_[1].header().sequence());
}

TEST_F(WorkerFenceTest, ATriggerOfAnotherLeadersAttemptIsIgnored) {
  Run();
  Send(TriggerOf(1, 1, /*term=*/7));
  Beat();
  EXPECT_THAT(Report().answers(), IsEmpty());
}

}  // namespace
}  // namespace weir::taskmanager
