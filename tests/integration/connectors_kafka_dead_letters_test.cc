// Dead letters on real Kafka: how two replays of the same ones keep from doubling them.
#include <gmock/gmock.h>

#include "common/types/record.h"
#include "connectors/kafka/dead_letters/dead_letter_replay.h"
#include "connectors/kafka/rdkafka_admin.h"
#include "connectors/kafka/resolved_sink_options.h"
#include "tests/integration/connectors_kafka_transactions_support.h"

namespace weir::kafka {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Pair;

class DeadLetterReplayTest : public KafkaTransactionsTest {
 protected:
  void SetUp() override {
    KafkaTransactionsTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    letters_ = TopicName("letters");
    ASSERT_TRUE(cluster().CreateTopic(letters_, 2).ok());
    KafkaSinkOptions sink;
    sink.properties.Set("bootstrap.servers", Brokers());
    sink.topic = topic_;
    sink.value_format = StringRecordFormat();
    configuration_ = ResolveSinkOptions(sink, SchemaOf<std::string>())->configuration;
  }
  std::unique_ptr<DeadLetterReplay> Replay() {
    return std::make_unique<DeadLetterReplay>(
        DeadLetterReplay::Options{configuration_, id_, letters_, kTimeout}, *clients_, Client());
  }
  static std::vector<ReplayedLetter> Letters(const std::vector<std::string>& values) {
    std::vector<ReplayedLetter> letters;
    for (const std::string& value : values) {
      letters.push_back({std::nullopt, value, 0, 0, {{"weir.replayed", "letters-0@1"}}});
    }
    return letters;
  }
  std::vector<KafkaTestRecord> Written() {
    KafkaReadOptions options;
    options.headers = true;
    const auto records = cluster().ConsumeAll(topic_, options);
    EXPECT_TRUE(records.ok()) << records.status();
    return records.ok() ? *records : std::vector<KafkaTestRecord>();
  }

  const std::shared_ptr<const KafkaClientFactory> clients_ = RdKafkaClients();
  ClientConfiguration configuration_;
  std::string letters_;
};

TEST_F(DeadLetterReplayTest, GoesOnWhereItWas) {
  const auto first = Replay();
  EXPECT_EQ(*first->Begin(0), std::nullopt);
  ASSERT_TRUE(first->Publish(topic_, Letters({"a", "b"}), 7).ok());
  ASSERT_TRUE(first->Publish(topic_, Letters({"c"}), 9).ok());
  ASSERT_TRUE(first->Finish().ok());
  EXPECT_EQ(*Replay()->Begin(0), 9);
  EXPECT_EQ(*Replay()->Begin(1), std::nullopt);
  const std::vector<KafkaTestRecord> written = Written();
  EXPECT_THAT(Values(written), ElementsAre("a", "b", "c"));
  EXPECT_THAT(written.at(0).headers, Contains(Pair("weir.replayed", "letters-0@1")));
}

// Both have read the same position; the second one has taken over.
TEST_F(DeadLetterReplayTest, AnotherOneFencesIt) {
  const auto first = Replay();
  ASSERT_TRUE(first->Begin(0).ok());
  ASSERT_TRUE(first->Publish(topic_, Letters({"a"}), 1).ok());
  const auto second = Replay();
  EXPECT_EQ(*second->Begin(0), 1);
  EXPECT_FALSE(first->Publish(topic_, Letters({"b"}), 2).ok());
  ASSERT_TRUE(second->Publish(topic_, Letters({"b"}), 2).ok());
  EXPECT_THAT(Values(Written()), ElementsAre("a", "b"));
}

// One that has not noticed, and makes its producer anew, finds that the other has got on.
TEST_F(DeadLetterReplayTest, WhoComesBackFindsThatAnotherHasGotOn) {
  const auto first = Replay();
  ASSERT_TRUE(first->Begin(0).ok());
  const auto second = Replay();
  ASSERT_TRUE(second->Begin(0).ok());
  ASSERT_TRUE(second->Publish(topic_, Letters({"a"}), 1).ok());
  EXPECT_EQ(first->Publish(topic_, Letters({"a"}), 1),
            absl::AbortedError(absl::StrCat("another replay of '", letters_, "' came in between")));
  EXPECT_THAT(Values(Written()), ElementsAre("a"));
}

}  // namespace
}  // namespace weir::kafka
