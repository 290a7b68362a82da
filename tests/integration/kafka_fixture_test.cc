// The Kafka fixture itself: what every other kafka test stands on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/support/kafka/kafka_test.h"
#include "tests/support/process/child_process.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::string Script(const std::string& name) {
  return absl::StrCat(std::getenv("WEIR_SOURCE_DIR"), "/tests/support/kafka/", name);
}

KafkaTestRecord Keyed(std::string key, std::string value) {
  KafkaTestRecord record;
  record.key = std::move(key);
  record.value = std::move(value);
  return record;
}

std::vector<std::string> Values(const std::vector<KafkaTestRecord>& records) {
  std::vector<std::string> values;
  for (const KafkaTestRecord& record : records) values.push_back(record.value.value_or("(null)"));
  return values;
}

class KafkaFixtureTest : public KafkaTest {};

TEST_F(KafkaFixtureTest, JavasConsumerReadsWhatWasProduced) {
  const std::string topic = TopicName("in");
  ASSERT_TRUE(cluster().CreateTopic(topic, 2).ok());
  KafkaTestRecord first = Keyed("k", "one\ttab\nline");
  first.partition = 1;
  first.timestamp_ms = 978307200123;
  KafkaTestRecord tombstone;
  tombstone.key = "k";
  tombstone.partition = 1;
  KafkaTestRecord without_key;
  without_key.value = "";
  without_key.partition = 1;
  ASSERT_TRUE(cluster().Produce(topic, {first, tombstone, without_key}).ok());

  KafkaReadOptions read;
  read.count = 3;
  auto records = cluster().ConsumeAll(topic, read);
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 3u);
  EXPECT_EQ((*records)[0].key, "k");
  EXPECT_EQ((*records)[0].value, "one\ttab\nline");
  EXPECT_EQ((*records)[0].partition, 1);
  EXPECT_EQ((*records)[0].offset, 0);
  EXPECT_EQ((*records)[0].timestamp_ms, 978307200123);
  EXPECT_EQ((*records)[1].value, std::nullopt);
  EXPECT_EQ((*records)[1].offset, 1);
  EXPECT_EQ((*records)[2].key, std::nullopt);
  EXPECT_EQ((*records)[2].value, "");

  auto ends = cluster().EndOffsets(topic);
  ASSERT_TRUE(ends.ok()) << ends.status();
  EXPECT_THAT(*ends, ElementsAre(Pair(0, 0), Pair(1, 3)));
}

TEST_F(KafkaFixtureTest, KeysGoWhereJavasPartitionerSendsThem) {
  const std::string ours = TopicName("ours");
  const std::string javas = TopicName("javas");
  ASSERT_TRUE(cluster().CreateTopic(ours, 4).ok());
  ASSERT_TRUE(cluster().CreateTopic(javas, 4).ok());
  std::vector<KafkaTestRecord> records;
  std::string lines;
  for (const std::string key : {"SAN", "SFO", "LAX", "ATL", "ORD", "MDW", "PHL", "SAV"}) {
    records.push_back(Keyed(key, key));
    absl::StrAppend(&lines, key, "\t", key, "\n");
  }
  ASSERT_TRUE(cluster().Produce(ours, records).ok());
  ChildProcessOptions producer;
  producer.argv = {Script("kafka_tool.sh"),
                   "console-producer",
                   "--bootstrap-server",
                   cluster().bootstrap_servers(),
                   "--topic",
                   javas,
                   "--property",
                   "parse.key=true"};
  producer.standard_input = lines;
  auto produced = ChildProcess::RunToEnd(producer, absl::Seconds(60));
  ASSERT_TRUE(produced.ok() && produced->exit_status == 0) << produced.status();
  EXPECT_EQ(*cluster().EndOffsets(ours), *cluster().EndOffsets(javas));
}

TEST_F(KafkaFixtureTest, ErrorsNameTheTopic) {
  const std::string topic = TopicName("twice");
  ASSERT_TRUE(cluster().CreateTopic(topic, 1).ok());
  const absl::Status again = cluster().CreateTopic(topic, 1);
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(again.message()), HasSubstr(topic));
  EXPECT_EQ(cluster().EndOffsets("no-such-topic").status().code(), absl::StatusCode::kNotFound);
}

TEST(KafkaClusterTest, AKilledBrokerComesBackWithItsData) {
  const std::string reason = ReasonToSkipKafka();
  if (!reason.empty()) GTEST_SKIP() << reason;
  auto cluster = KafkaCluster::Start({});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  ASSERT_TRUE((*cluster)->CreateTopic("t", 1).ok());
  ASSERT_TRUE((*cluster)->Produce("t", {Keyed("k", "before")}).ok());
  ASSERT_TRUE((*cluster)->KillBroker(1).ok());
  const absl::Status restarted = (*cluster)->RestartBroker(1);
  ASSERT_TRUE(restarted.ok()) << restarted;
  ASSERT_TRUE((*cluster)->Produce("t", {Keyed("k", "after")}).ok());

  KafkaReadOptions read;
  read.count = 2;
  auto records = (*cluster)->ConsumeAll("t", read);
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT(Values(*records), ElementsAre("before", "after"));
}

TEST(KafkaClusterTest, TwoBrokersReplicateAndOneMayDie) {
  const std::string reason = ReasonToSkipKafka();
  if (!reason.empty()) GTEST_SKIP() << reason;
  KafkaClusterOptions options;
  options.brokers = 2;
  options.broker_config["message.max.bytes"] = "2000000";
  auto cluster = KafkaCluster::Start(options);
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  ASSERT_TRUE((*cluster)->CreateTopic("t", 4).ok());
  ASSERT_TRUE((*cluster)->Produce("t", {Keyed("a", "1"), Keyed("b", "2")}).ok());
  ASSERT_TRUE((*cluster)->KillBroker(2).ok());
  const absl::Status produced = (*cluster)->Produce("t", {Keyed("a", "3"), Keyed("b", "4")});
  ASSERT_TRUE(produced.ok()) << produced;
  ASSERT_TRUE((*cluster)->RestartBroker(2).ok());

  KafkaReadOptions read;
  read.count = 4;
  auto records = (*cluster)->ConsumeAll("t", read);
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT(Values(*records), testing::UnorderedElementsAre("1", "2", "3", "4"));
}

TEST(KafkaClusterTest, ABrokerThatCannotStartIsNamedWithItsLog) {
  const std::string reason = ReasonToSkipKafka();
  if (!reason.empty()) GTEST_SKIP() << reason;
  KafkaClusterOptions options;
  options.broker_config["num.partitions"] = "many";
  auto cluster = KafkaCluster::Start(options);
  EXPECT_EQ(cluster.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(cluster.status().message()), HasSubstr("broker 1 did not come up"));
}

TEST(KafkaClusterTest, BrokersDieWithTheProgramThatStartedThem) {
  const std::string reason = ReasonToSkipKafka();
  if (!reason.empty()) GTEST_SKIP() << reason;
  ChildProcessOptions starter_options;
  starter_options.argv = {"sleep", "600"};
  auto starter = ChildProcess::Start(starter_options);
  ASSERT_TRUE(starter.ok());
  const std::string folder =
      testing::TempDir() + "/weir-kafka-watchdog-" + absl::StrCat((*starter)->pid());
  ChildProcessOptions start;
  start.argv = {Script("kafka_server.sh"),      "start", "--dir", folder, "--parent-pid",
                absl::StrCat((*starter)->pid())};
  auto started = ChildProcess::RunToEnd(start, absl::Seconds(90));
  ASSERT_TRUE(started.ok() && started->exit_status == 0) << started.status();

  ASSERT_TRUE((*starter)->Kill(SIGKILL).ok());
  EXPECT_EQ(*(*starter)->Wait(absl::Seconds(10)), 128 + SIGKILL);
  // "tail --pid" waits without a look at the clock; it ends with the broker.
  ChildProcessOptions wait;
  wait.argv = {"bash", "-c",
               R"(tail --pid=$(cat "$0/broker-1/pid") -s 0.05 -f /dev/null; rm -r "$0")", folder};
  auto gone = ChildProcess::RunToEnd(wait, absl::Seconds(20));
  EXPECT_TRUE(gone.ok() && gone->exit_status == 0) << gone.status();
}

}  // namespace
}  // namespace weir
