// The admin client against librdkafka's mock cluster of one broker, whose answers the test decides.
#include "connectors/kafka/rdkafka_admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "common/base/failure_policy.h"

namespace weir::kafka {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// Kafka protocol, "API Keys".
constexpr int16_t kListOffsets = 2;
constexpr int16_t kOffsetFetch = 9;
constexpr int32_t kBroker = 1;
constexpr absl::Duration kLong = absl::Seconds(20);
constexpr absl::Duration kShort = absl::Milliseconds(500);

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
  // The next requests of this kind are answered with the error.
  void Answer(int16_t request, rd_kafka_resp_err_t error, size_t times) {
    const std::vector<rd_kafka_resp_err_t> errors(times, error);
    rd_kafka_mock_push_request_errors_array(mock_, request, times, errors.data());
  }
  static std::vector<TopicPartition> PartitionsOf(const std::string& topic, int32_t count) {
    std::vector<TopicPartition> partitions;
    for (int32_t i = 0; i < count; ++i) partitions.push_back({topic, i});
    return partitions;
  }

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

TEST_F(RdKafkaAdminTest, ANewLeaderIsFoundWithinTheSameCall) {
  CreateTopic("t", 2);
  SetLeader("t", 1, -1);
  // What is known of the topic is from before; the answer in between comes late.
  KafkaAdminClient& admin = Admin(kLong);
  ASSERT_EQ(admin.Partitions("t")->size(), 2u);
  SetLeader("t", 1, kBroker);
  const auto offsets = admin.EarliestOffsets(PartitionsOf("t", 2));
  ASSERT_TRUE(offsets.ok()) << offsets.status();
  EXPECT_THAT(*offsets, SizeIs(2));
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
  ASSERT_EQ(rd_kafka_mock_broker_push_request_error_rtts(
                mock_, kBroker, kListOffsets, 2, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 0,
                RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 0),
            RD_KAFKA_RESP_ERR_NO_ERROR);
  const absl::Status status = Admin(kLong).EarliestOffsets(PartitionsOf("t", 2)).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kByCode);
  size_t left = 0;
  rd_kafka_mock_broker_error_stack_cnt(mock_, kBroker, kListOffsets, &left);
  EXPECT_EQ(left, 1u);
}

TEST_F(RdKafkaAdminTest, AnUnknownTopicIsFinal) {
  rd_kafka_mock_topic_set_error(mock_, "t", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  const absl::Status status = Admin(kLong).Partitions("t").status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kByCode);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Kafka topic 't' does not exist"));
}

TEST_F(RdKafkaAdminTest, ATopicThatIsBeingMadeIsNot) {
  CreateTopic("t", 1);
  rd_kafka_mock_topic_set_error(mock_, "t", RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
  KafkaAdminClient& admin = Admin(kLong);
  EXPECT_EQ(FailurePolicyOf(admin.Partitions("t").status()), FailurePolicy::kRestartJob);
  rd_kafka_mock_topic_set_error(mock_, "t", RD_KAFKA_RESP_ERR_NO_ERROR);
  EXPECT_TRUE(admin.Partitions("t").ok());
}

TEST_F(RdKafkaAdminTest, ABrokerThatAnsweredBeforeIsOnlySlow) {
  CreateTopic("t", 1);
  KafkaAdminClient& admin = Admin(kShort);
  ASSERT_TRUE(admin.EarliestOffsets(PartitionsOf("t", 1)).ok());
  rd_kafka_mock_broker_set_rtt(mock_, kBroker, 5000);
  const absl::Status status = admin.EarliestOffsets(PartitionsOf("t", 1)).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kRestartJob);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no answer within 500ms"));
}

TEST_F(RdKafkaAdminTest, BrokersThatNeverAnsweredAreAWrongAddress) {
  rd_kafka_mock_broker_set_down(mock_, kBroker);
  const absl::Status status = Admin(kShort).Partitions("t").status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kByCode);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no Kafka broker answers at"));
}

}  // namespace
}  // namespace weir::kafka
