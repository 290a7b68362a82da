// What a worker makes of errors that end a job for good, or suspend it
// (docs/protocols/partition-aligned-keying.md).
#include "common/base/failure_policy.h"
#include "tests/unit/taskmanager/worker/testing_worker_endpoint.h"

namespace weir::taskmanager {
namespace {

using ::testing::HasSubstr;

class WorkerEndpointPartitioningTest : public WorkerEndpointTest {
 protected:
  WorkerEndpointPartitioningTest() {
    job_.source->partitions = TopicPartitioning{"numbers", 2, nullptr};
  }
  /// A record that is not in the partition of its key.
  void Misplace() {
    job_.reader->poll_error = WithFailurePolicy(absl::InvalidArgumentError("in the wrong place"),
                                                FailurePolicy::kMisplaced);
    job_.reader->wakeup();
    executor_.RunReady();
  }
  /// All brokers have been asked often enough.
  void AskToTheEnd() {
    executor_.Advance(WorkerEndpoint::kJudgements * WorkerEndpoint::kJudgementPause);
  }
  static absl::Status Grown() {
    return WithFailurePolicy(absl::FailedPreconditionError("topic 'numbers' has grown"),
                             FailurePolicy::kSuspendJob);
  }
};

TEST_F(WorkerEndpointPartitioningTest, AMisplacedRecordIsNotReadAgain) {
  Run();
  Misplace();
  EXPECT_EQ(State(), "RUNNING") << "brokers are asked again";
  AskToTheEnd();
  ASSERT_EQ(State(), "FAILED");
  EXPECT_THAT(Report().failure().message(), HasSubstr("in the wrong place"));
  EXPECT_EQ(Report().failure().operator_uid(), "source");
  EXPECT_FALSE(Report().failure().retriable());
  EXPECT_FALSE(Report().failure().suspends());
}

TEST_F(WorkerEndpointPartitioningTest, OfATopicThatHasGrownItSuspendsTheJob) {
  Run();
  job_.enumerator->partitioning = Grown();
  Misplace();
  ASSERT_EQ(State(), "FAILED");
  EXPECT_EQ(Report().failure().message(), "source 'source': topic 'numbers' has grown");
  EXPECT_TRUE(Report().failure().suspends());
}

// Its producers knew before the broker that was asked first.
TEST_F(WorkerEndpointPartitioningTest, OfATopicThatIsSeenToHaveGrownLaterToo) {
  Run();
  Misplace();
  executor_.Advance(WorkerEndpoint::kJudgementPause);
  EXPECT_EQ(State(), "RUNNING");
  job_.enumerator->partitioning = Grown();
  executor_.Advance(WorkerEndpoint::kJudgementPause);
  ASSERT_EQ(State(), "FAILED");
  EXPECT_TRUE(Report().failure().suspends());
}

TEST_F(WorkerEndpointPartitioningTest, WhileBrokersDoNotTellItIsAFailureAsOthers) {
  Run();
  job_.enumerator->partitioning = absl::UnavailableError("no Kafka broker answers");
  Misplace();
  ASSERT_EQ(State(), "FAILED");
  EXPECT_THAT(Report().failure().message(), HasSubstr("in the wrong place"));
  EXPECT_TRUE(Report().failure().retriable());
  EXPECT_FALSE(Report().failure().suspends());
}

TEST_F(WorkerEndpointPartitioningTest, OtherFailuresAskNobody) {
  Run();
  job_.enumerator->partitioning = Grown();
  job_.reader->poll_error = absl::InternalError("broken");
  job_.reader->wakeup();
  executor_.RunReady();
  ASSERT_EQ(State(), "FAILED");
  EXPECT_TRUE(Report().failure().retriable());
  EXPECT_FALSE(Report().failure().suspends());
}

TEST_F(WorkerEndpointPartitioningTest, ANewPartitionThatIsDiscoveredSuspendsTheJob) {
  job_.enumerator->interval = absl::Seconds(5);
  Run();
  job_.enumerator->error = Grown();
  executor_.Advance(absl::Seconds(5));
  ASSERT_EQ(State(), "FAILED");
  EXPECT_EQ(Report().failure().message(), "source 'source': topic 'numbers' has grown");
  EXPECT_TRUE(Report().failure().suspends());
}

TEST_F(WorkerEndpointPartitioningTest, OneThatIsFoundAtALaterStartDoesSo) {
  job_.enumerator->error = Grown();
  Deploy();
  ASSERT_EQ(State(), "FAILED");
  EXPECT_TRUE(Report().failure().suspends());
}

}  // namespace
}  // namespace weir::taskmanager
