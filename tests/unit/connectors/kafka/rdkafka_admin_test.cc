// The admin client against librdkafka's mock cluster of one broker, whose answers the test decides.
#include "connectors/kafka/rdkafka_admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/base/failure_policy.h"
#include "common/time/system_clock.h"
#include "connectors/kafka/rdkafka_handle.h"
#include "connectors/kafka/wire/kafka_error.h"

namespace weir::kafka {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// Kafka protocol, "API Keys".
constexpr int16_t kListOffsets = 2;
constexpr int16_t kOffsetFetch = 9;
constexpr int16_t kFindCoordinator = 10;
constexpr int32_t kBroker = 1;
constexpr absl::Duration kLong = absl::Seconds(20);
constexpr absl::Duration kShort = absl::Milliseconds(500);
constexpr int kNeverMs = 60'000;

class RdKafkaAdminTest : public testing::Test {
 protected:
  RdKafkaAdminTest() {
    std::array<char, 512> text{};
    client_ = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text.data(), text.size());
    mock_ = rd_kafka_mock_cluster_new(client_, 1);
  }
  ~RdKafkaAdminTest() override {
    admin_.reset();
    rd_kafka_mock_cluster_destroy(mock_);
    rd_kafka_destroy(client_);
  }

  KafkaAdminClient& Admin(absl::Duration timeout) {
    ClientConfiguration configuration;
    configuration.values = {{"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(mock_)},
                            {"group.id", "g"}};
    auto admin = MakeRdKafkaAdmin(configuration, timeout);
    EXPECT_TRUE(admin.ok()) << admin.status();
    admin_ = *std::move(admin);
    return *admin_;
  }
  void CreateTopic(const std::string& topic, int32_t partitions) {
    ASSERT_EQ(rd_kafka_mock_topic_create(mock_, topic.c_str(), partitions, 1),
              RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  // -1: nobody leads it.
  void SetLeader(const std::string& topic, int32_t partition, int32_t broker) {
    rd_kafka_mock_partition_set_leader(mock_, topic.c_str(), partition, broker);
  }
  // The next requests of this kind are answered with the error, so late.
  void Answer(int16_t request, rd_kafka_resp_err_t error, size_t times, int after_ms = 0) {
    for (size_t i = 0; i < times; ++i) {
      ASSERT_EQ(
          rd_kafka_mock_broker_push_request_error_rtts(mock_, kBroker, request, 1, error, after_ms),
          RD_KAFKA_RESP_ERR_NO_ERROR);
    }
  }
  // How many of these there are still.
  size_t Left(int16_t request) {
    size_t left = 0;
    rd_kafka_mock_broker_error_stack_cnt(mock_, kBroker, request, &left);
    return left;
  }
  // Until it has an answer; a busy machine may take longer than the client waits.
  static bool AsksForOffsets(KafkaAdminClient& admin,
                             const std::vector<TopicPartition>& of = PartitionsOf("t", 1)) {
    for (int i = 0; i < 30; ++i) {
      if (admin.EarliestOffsets(of).ok()) return true;
    }
    return false;
  }
  static std::vector<TopicPartition> PartitionsOf(const std::string& topic, int32_t count) {
    std::vector<TopicPartition> partitions;
    for (int32_t i = 0; i < count; ++i) partitions.push_back({topic, i});
    return partitions;
  }

  const SystemClock clock_;
  rd_kafka_t* client_ = nullptr;
  rd_kafka_mock_cluster_t* mock_ = nullptr;
  std::unique_ptr<KafkaAdminClient> admin_;
};

// The broker's name stands in the metadata before it has made the logs: a topic of 1,500 partitions
// is refused for many seconds.
TEST_F(RdKafkaAdminTest, ABrokerThatDoesNotLeadYetIsAskedAgain) {
  CreateTopic("t", 1500);
  Answer(kListOffsets, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 3);
  const auto offsets = Admin(kLong).EarliestOffsets(PartitionsOf("t", 1500));
  ASSERT_TRUE(offsets.ok()) << offsets.status();
  EXPECT_THAT(*offsets, SizeIs(1500));
}

TEST_F(RdKafkaAdminTest, ABrokerThatStillDoesNotLeadMayAtTheNextStart) {
  CreateTopic("t", 2);
  Answer(kListOffsets, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 100);
  const absl::Status status = Admin(kShort).EarliestOffsets(PartitionsOf("t", 2)).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kRestartJob);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("asking for Kafka offsets, 2 partitions of topic t on brokers"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Broker: Not leader for partition"));
}

TEST_F(RdKafkaAdminTest, ItAsksLessAndLessOftenUntilItsTimeIsUp) {
  CreateTopic("t", 1);
  Answer(kListOffsets, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 20);
  EXPECT_FALSE(Admin(kShort).EarliestOffsets(PartitionsOf("t", 1)).ok());
  EXPECT_GE(Left(kListOffsets), 17u);  // at 0, 100 and 300 ms
}

TEST_F(RdKafkaAdminTest, ThereMayBeOtherTopics) {
  CreateTopic("t", 1);
  CreateTopic("u", 1);
  Answer(kListOffsets, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 20);
  const absl::Status status = Admin(kShort).EarliestOffsets({{"t", 0}, {"u", 0}}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr(", 2 partitions of topic t and others on"));
}

TEST_F(RdKafkaAdminTest, APartitionWithoutALeaderIsNamed) {
  CreateTopic("t", 3);
  SetLeader("t", 2, -1);
  const absl::Status status = Admin(kShort).LatestOffsets(PartitionsOf("t", 3)).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kRestartJob);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("asking for Kafka offsets, topic t, partition 2 on brokers"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Broker: Leader not available"));
}

// librdkafka has another error for that.
TEST_F(RdKafkaAdminTest, SoIsOneOfATopicWithoutAnyLeader) {
  CreateTopic("t", 1);
  SetLeader("t", 0, -1);
  const absl::Status status = Admin(kShort).LatestOffsets(PartitionsOf("t", 1)).status();
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kRestartJob) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("topic t, partition 0 on brokers"));
}

// librdkafka itself would look again after minutes only.
TEST_F(RdKafkaAdminTest, ANewLeaderIsFound) {
  CreateTopic("t", 2);
  SetLeader("t", 1, -1);
  KafkaAdminClient& admin = Admin(kShort);
  ASSERT_FALSE(admin.EarliestOffsets(PartitionsOf("t", 2)).ok());
  SetLeader("t", 1, kBroker);
  EXPECT_TRUE(AsksForOffsets(admin, PartitionsOf("t", 2)));
}

TEST_F(RdKafkaAdminTest, SoItIsOfSeveralTopics) {
  CreateTopic("t", 1);
  CreateTopic("u", 1);
  SetLeader("t", 0, -1);
  KafkaAdminClient& admin = Admin(kShort);
  ASSERT_FALSE(admin.EarliestOffsets({{"t", 0}, {"u", 0}}).ok());
  SetLeader("t", 0, kBroker);
  EXPECT_TRUE(AsksForOffsets(admin, {{"t", 0}, {"u", 0}}));
}

TEST_F(RdKafkaAdminTest, APartitionThatABrokerHasNotHeardOfIsAskedForAgain) {
  CreateTopic("t", 1);
  Answer(kListOffsets, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, 2);
  const auto offsets = Admin(kLong).EarliestOffsets(PartitionsOf("t", 1));
  EXPECT_TRUE(offsets.ok()) << offsets.status();
}

// More often than librdkafka tries again by itself.
TEST_F(RdKafkaAdminTest, ACoordinatorThatLoadsIsAskedAgain) {
  CreateTopic("t", 2);
  Answer(kOffsetFetch, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 5);
  const auto offsets = Admin(kLong).CommittedOffsets(PartitionsOf("t", 2));
  ASSERT_TRUE(offsets.ok()) << offsets.status();
  EXPECT_THAT(*offsets, SizeIs(0));
}

TEST_F(RdKafkaAdminTest, ARefusalIsFinalAtOnce) {
  CreateTopic("t", 2);
  SetLeader("t", 1, -1);
  Answer(kListOffsets, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 2);
  const absl::Status status = Admin(kLong).EarliestOffsets(PartitionsOf("t", 2)).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kByCode);
  EXPECT_EQ(Left(kListOffsets), 1u);
}

// Also where another partition may have a leader soon.
TEST_F(RdKafkaAdminTest, ItCountsBeforeWhatPasses) {
  CreateTopic("t", 1);
  SetLeader("t", 0, -1);
  rd_kafka_mock_topic_set_error(mock_, "u", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  const absl::Status status = Admin(kLong).EarliestOffsets({{"t", 0}, {"u", 0}}).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("topic u, partition 0 on brokers"));
}

TEST_F(RdKafkaAdminTest, SoIsThatOfAGroup) {
  CreateTopic("t", 1);
  Answer(kOffsetFetch, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, 2);
  const absl::Status status = Admin(kLong).CommittedOffsets(PartitionsOf("t", 1)).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kByCode);
  EXPECT_EQ(Left(kOffsetFetch), 1u);
}

TEST_F(RdKafkaAdminTest, SoIsThatOfATopic) {
  rd_kafka_mock_topic_set_error(mock_, "t", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  const absl::Status status = Admin(kLong).Partitions("t").status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kByCode);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Kafka topic 't' on brokers"));
}

// Not at once: a broker hears of a topic a moment after it was made.
TEST_F(RdKafkaAdminTest, AnUnknownTopicIsFinal) {
  rd_kafka_mock_topic_set_error(mock_, "t", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  const absl::Duration start = clock_.Monotonic();
  const absl::Status status = Admin(kLong).Partitions("t").status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kByCode);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Kafka topic 't' does not exist"));
  EXPECT_GE(clock_.Monotonic() - start, absl::Seconds(1));
}

TEST_F(RdKafkaAdminTest, ATopicThatIsBeingMadeIsNot) {
  CreateTopic("t", 1);
  rd_kafka_mock_topic_set_error(mock_, "t", RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
  KafkaAdminClient& admin = Admin(kLong);
  const absl::Duration start = clock_.Monotonic();
  EXPECT_EQ(FailurePolicyOf(admin.Partitions("t").status()), FailurePolicy::kRestartJob);
  EXPECT_GE(clock_.Monotonic() - start, absl::Seconds(1));
  rd_kafka_mock_topic_set_error(mock_, "t", RD_KAFKA_RESP_ERR_NO_ERROR);
  EXPECT_TRUE(admin.Partitions("t").ok());
}

TEST_F(RdKafkaAdminTest, ABrokerThatAnsweredBeforeIsOnlySlow) {
  CreateTopic("t", 1);
  KafkaAdminClient& admin = Admin(kShort);
  ASSERT_TRUE(AsksForOffsets(admin));
  rd_kafka_mock_broker_set_rtt(mock_, kBroker, kNeverMs);
  const absl::Status status = admin.EarliestOffsets(PartitionsOf("t", 1)).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kRestartJob);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no answer within 500ms"));
}

TEST_F(RdKafkaAdminTest, ARefusalIsAnAnswer) {
  CreateTopic("t", 1);
  Answer(kOffsetFetch, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, 30);
  KafkaAdminClient& admin = Admin(kShort);
  absl::Status status;
  for (int i = 0; i < 30 && !absl::IsPermissionDenied(status); ++i) {
    status = admin.CommittedOffsets(PartitionsOf("t", 1)).status();
  }
  ASSERT_TRUE(absl::IsPermissionDenied(status)) << status;
  rd_kafka_mock_broker_set_rtt(mock_, kBroker, kNeverMs);
  status = admin.CommittedOffsets(PartitionsOf("t", 1)).status();
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kRestartJob) << status;
}

// For a topic, too, each answer may take the whole time.
TEST_F(RdKafkaAdminTest, ASlowBrokerIsNotAskedAgainWhenTheTimeIsUp) {
  CreateTopic("t", 1);
  KafkaAdminClient& admin = Admin(absl::Seconds(1));
  ASSERT_TRUE(AsksForOffsets(admin));
  rd_kafka_mock_broker_set_rtt(mock_, kBroker, kNeverMs);
  const absl::Duration start = clock_.Monotonic();
  const absl::Status status = admin.Partitions("t").status();
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kRestartJob) << status;
  EXPECT_LT(clock_.Monotonic() - start, absl::Seconds(6));  // eight times would be more
}

TEST_F(RdKafkaAdminTest, ABrokerThatAnsweredBeforeAndIsGoneIsAway) {
  CreateTopic("t", 1);
  KafkaAdminClient& admin = Admin(kShort);
  ASSERT_TRUE(AsksForOffsets(admin));
  rd_kafka_mock_broker_set_down(mock_, kBroker);
  const absl::Status status = admin.EarliestOffsets(PartitionsOf("t", 1)).status();
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kByCode);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no Kafka broker answers at"));
  // Also between two of the client's tries to connect.
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(FailurePolicyOf(admin.Partitions("t").status()), FailurePolicy::kByCode) << i;
  }
}

TEST_F(RdKafkaAdminTest, OneThatHasComeBackIsOnlySlowAgain) {
  CreateTopic("t", 1);
  KafkaAdminClient& admin = Admin(kShort);
  ASSERT_TRUE(AsksForOffsets(admin));
  rd_kafka_mock_broker_set_down(mock_, kBroker);
  ASSERT_FALSE(admin.EarliestOffsets(PartitionsOf("t", 1)).ok());
  rd_kafka_mock_broker_set_up(mock_, kBroker);
  ASSERT_TRUE(AsksForOffsets(admin));
  rd_kafka_mock_broker_set_rtt(mock_, kBroker, kNeverMs);
  const absl::Status status = admin.EarliestOffsets(PartitionsOf("t", 1)).status();
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kRestartJob) << status;
}

// It takes the connection, and that is all.
TEST_F(RdKafkaAdminTest, ABrokerThatIsOnlyConnectedToHasNotAnswered) {
  CreateTopic("t", 1);
  Answer(kFindCoordinator, RD_KAFKA_RESP_ERR_NO_ERROR, 20, kNeverMs);
  const absl::Status status = Admin(kShort).CommittedOffsets(PartitionsOf("t", 1)).status();
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kByCode);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no Kafka broker answers at"));
}

TEST_F(RdKafkaAdminTest, BrokersThatNeverAnsweredAreAWrongAddress) {
  rd_kafka_mock_broker_set_down(mock_, kBroker);
  KafkaAdminClient& admin = Admin(kShort);
  for (const absl::Status& status :
       {admin.Partitions("t").status(), admin.EarliestOffsets(PartitionsOf("t", 1)).status()}) {
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kByCode);
    EXPECT_THAT(std::string(status.message()), HasSubstr("no Kafka broker answers at"));
  }
}

// Both clients of the brokers wait for the same; what only one of them is told stands here.
TEST(RdKafkaPassingAnswerTest, ItIsWhatTheWireClientTriesAgain) {
  const std::set<int> only_here = {RD_KAFKA_RESP_ERR__WAIT_COORD,
                                   RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
                                   RD_KAFKA_RESP_ERR_NOT_CONTROLLER,
                                   RD_KAFKA_RESP_ERR_LISTENER_NOT_FOUND,
                                   RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT,
                                   RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED};
  for (int code = RD_KAFKA_RESP_ERR__BEGIN; code < RD_KAFKA_RESP_ERR_END_ALL; ++code) {
    const bool there = code > 0 && IsRetriable(static_cast<KafkaError>(code));
    EXPECT_EQ(IsRdKafkaPassingAnswer(code), there || only_here.count(code) > 0)
        << code << ": " << RdKafkaErrorText(code);
  }
}

}  // namespace
}  // namespace weir::kafka
