// The Kafka sink against a real broker.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/integration/connectors_kafka_support.h"
#include "tests/support/kafka/kafka_test.h"
#include "tests/support/process/child_process.h"
#include "weir/kafka.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class KafkaSinkTest : public KafkaTest {
 protected:
  static KafkaSink<std::string>::BuilderType SinkBuilder(const std::string& topic) {
    auto builder = KafkaSink<std::string>::Builder();
    builder.BootstrapServers(cluster().bootstrap_servers()).Topic(topic).Value(SimpleString());
    return builder;
  }
};

TEST_F(KafkaSinkTest, WritesAndAnswersBarriersWhenDelivered) {
  const std::string topic = TopicName("out");
  ASSERT_TRUE(cluster().CreateTopic(topic, 2).ok());
  auto run = SinkRun::Start(*SinkBuilder(topic).Build().sink());
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_TRUE(run->Barrier(1).ok());
  ASSERT_TRUE(run->Write(StringBatch({"a", "b"})).ok());
  ASSERT_TRUE(run->Barrier(2).ok());
  const auto ends = cluster().EndOffsets(topic);
  ASSERT_TRUE(ends.ok()) << ends.status();
  EXPECT_EQ(ends->at(0) + ends->at(1), 2);
}

TEST_F(KafkaSinkTest, ASinkWithoutItsTopicFailsTheBarrier) {
  const std::string topic = TopicName("missing");
  auto run = SinkRun::Start(
      *SinkBuilder(topic).Property("topic.metadata.propagation.max.ms", "1000").Build().sink());
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_TRUE(run->Write(StringBatch({"a"})).ok());
  const absl::Status status = run->Barrier(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(topic));
}

TEST_F(KafkaSinkTest, ThatATopicIsCompactedIsSaidWhereReplayMayNeedIt) {
  const std::string topic = TopicName("compacted");
  const auto created = cluster().RunTool("topics", {"--create", "--topic", topic, "--partitions",
                                                    "1", "--config", "cleanup.policy=compact"});
  ASSERT_TRUE(created.ok()) << created.status();
  const auto notes =
      SinkBuilder(topic).Delivery(DeliveryGuarantee::kExactlyOnce).Build().sink()->CheckTarget();
  ASSERT_TRUE(notes.ok()) << notes.status();
  EXPECT_THAT(*notes, ElementsAre(HasSubstr("'" + topic + "' is compacted")));
  EXPECT_THAT(*SinkBuilder(topic).Build().sink()->CheckTarget(), IsEmpty());
  const std::string kept = TopicName("kept");
  ASSERT_TRUE(cluster().CreateTopic(kept, 1).ok());
  EXPECT_THAT(
      *SinkBuilder(kept).Delivery(DeliveryGuarantee::kExactlyOnce).Build().sink()->CheckTarget(),
      IsEmpty());
}

struct Keyed {
  std::optional<std::string> key;
  std::string text;
  WEIR_RECORD(Keyed, key, text)
};

TEST_F(KafkaSinkTest, KeysGoWhereJavasProducerSendsThem) {
  const std::string topic = TopicName("out");
  const std::string expected_topic = TopicName("java");
  ASSERT_TRUE(cluster().CreateTopic(topic, 7).ok());
  ASSERT_TRUE(cluster().CreateTopic(expected_topic, 7).ok());
  const auto sink = KafkaSink<Keyed>::Builder()
                        .BootstrapServers(cluster().bootstrap_servers())
                        .Topic(topic)
                        .Key(&Keyed::key)
                        .Value(Json())
                        .Build();
  auto run = SinkRun::Start(*sink.sink());
  ASSERT_TRUE(run.ok()) << run.status();
  RecordBuilder<Keyed> builder;
  std::string lines;
  for (int i = 0; i < 60; ++i) {
    const std::string key = absl::StrCat(std::string(static_cast<size_t>(i) % 7, 'k'), i);
    builder.Append({key, "x"});
    absl::StrAppend(&lines, key, "\tx\n");
  }
  ASSERT_TRUE(run->Write(std::make_shared<const Batch>(builder.Finish())).ok());
  ASSERT_TRUE(run->Barrier(1).ok());
  ChildProcessOptions java;
  java.argv = {absl::StrCat(std::getenv("WEIR_SOURCE_DIR"), "/tests/support/kafka/kafka_tool.sh"),
               "console-producer",
               "--bootstrap-server",
               cluster().bootstrap_servers(),
               "--topic",
               expected_topic,
               "--property",
               "parse.key=true"};
  java.standard_input = lines;
  const auto produced = ChildProcess::RunToEnd(java, absl::Seconds(60));
  ASSERT_TRUE(produced.ok() && produced->exit_status == 0) << produced.status();
  KafkaReadOptions read;
  read.count = 60;
  std::map<std::string, int32_t> ours, javas;
  const auto our_records = cluster().ConsumeAll(topic, read);
  const auto java_records = cluster().ConsumeAll(expected_topic, read);
  ASSERT_TRUE(our_records.ok() && java_records.ok());
  for (const KafkaTestRecord& record : *our_records) ours[*record.key] = *record.partition;
  for (const KafkaTestRecord& record : *java_records) javas[*record.key] = *record.partition;
  EXPECT_EQ(ours.size(), 60u);
  EXPECT_EQ(ours, javas);
}

TEST_F(KafkaSinkTest, EventTimesAndTombstonesArrive) {
  const std::string topic = TopicName("out");
  ASSERT_TRUE(cluster().CreateTopic(topic, 1).ok());
  const auto sink = KafkaSink<std::optional<std::string>>::Builder()
                        .BootstrapServers(cluster().bootstrap_servers())
                        .Topic(topic)
                        .Value(SimpleString())
                        .Build();
  auto run = SinkRun::Start(*sink.sink());
  ASSERT_TRUE(run.ok()) << run.status();
  RecordBuilder<std::optional<std::string>> builder;
  builder.Append("x");
  builder.Append(std::nullopt);
  builder.Append("");
  BatchExtras extras;
  extras.event_times =
      Buffer::FromVector(std::vector<int64_t>{978307200123456, 978307200124000, 978307200125000});
  ASSERT_TRUE(run->Write(std::make_shared<const Batch>(builder.Finish(std::move(extras)))).ok());
  ASSERT_TRUE(run->Barrier(1).ok());
  KafkaReadOptions read;
  read.count = 3;
  const auto records = cluster().ConsumeAll(topic, read);
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 3u);
  EXPECT_EQ((*records)[0].timestamp_ms, 978307200123);
  EXPECT_EQ((*records)[1].value, std::nullopt);
  EXPECT_EQ((*records)[2].value, "");
}

// A cluster of its own, since its broker is killed.
TEST(KafkaBrokerLossTest, EverythingWrittenIsThereWhenTheBarrierIsAnswered) {
  const std::string reason = ReasonToSkipKafka();
  if (!reason.empty()) GTEST_SKIP() << reason;
  auto cluster = KafkaCluster::Start({});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  ASSERT_TRUE((*cluster)->CreateTopic("in", 2).ok());
  ASSERT_TRUE((*cluster)->CreateTopic("out", 2).ok());
  const auto sink = KafkaSink<std::string>::Builder()
                        .BootstrapServers((*cluster)->bootstrap_servers())
                        .Topic("out")
                        .Value(SimpleString())
                        .Build();
  const auto source = KafkaSource<std::string>::Builder()
                          .BootstrapServers((*cluster)->bootstrap_servers())
                          .Topics({"out"})
                          .ValueOnly(SimpleString())
                          .Build();
  auto reader = SourceRun::Start(*source.source());
  ASSERT_TRUE(reader.ok()) << reader.status();
  auto run = SinkRun::Start(*sink.sink());
  ASSERT_TRUE(run.ok()) << run.status();
  std::set<std::string> expected;
  const auto write = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      expected.insert(absl::StrCat("r", i));
      ASSERT_TRUE(run->Write(StringBatch({absl::StrCat("r", i)})).ok());
    }
  };
  write(0, 500);
  ASSERT_TRUE(run->Barrier(1).ok());
  write(500, 1000);
  ASSERT_TRUE((*cluster)->KillBroker(1).ok());
  write(1000, 1500);
  // Nobody acknowledges: the barrier has no answer, and no error either.
  EXPECT_EQ(run->Barrier(2, absl::Seconds(2)).code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_TRUE((*cluster)->RestartBroker(1).ok());
  ASSERT_TRUE(run->Barrier(3).ok());
  // The reader of before goes on, too.
  std::multiset<std::string> got;
  while (got.size() < expected.size()) {
    const auto rows = reader->Read(expected.size() - got.size());
    ASSERT_TRUE(rows.ok()) << rows.status();
    if (rows->empty()) break;
    for (const ReadRow& row : *rows) got.insert(row.value);
  }
  EXPECT_EQ(std::set<std::string>(got.begin(), got.end()), expected);
  // The producer is idempotent: not even duplicates.
  EXPECT_EQ(got.size(), expected.size());
}

}  // namespace
}  // namespace weir
