// The Kafka source against a real broker.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/time/system_clock.h"
#include "tests/integration/connectors_kafka_support.h"
#include "tests/support/kafka/kafka_test.h"
#include "weir/kafka.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kAll = 1000000;

KafkaTestRecord In(int32_t partition, std::string value, int64_t timestamp_ms = 1) {
  KafkaTestRecord record;
  record.value = std::move(value);
  record.partition = partition;
  record.timestamp_ms = timestamp_ms;
  return record;
}

// Sends in one transaction, then commits or aborts it: each leaves a control record.
void ProduceTransaction(const std::string& brokers, const std::string& topic,
                        const std::vector<std::string>& values, bool commit) {
  char text[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", brokers.c_str(), text, sizeof(text));
  rd_kafka_conf_set(conf, "transactional.id", absl::StrCat(topic, "-tx").c_str(), text,
                    sizeof(text));
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
  ASSERT_NE(producer, nullptr) << text;
  rd_kafka_topic_t* handle = rd_kafka_topic_new(producer, topic.c_str(), nullptr);
  ASSERT_EQ(rd_kafka_init_transactions(producer, 30000), nullptr);
  ASSERT_EQ(rd_kafka_begin_transaction(producer), nullptr);
  for (const std::string& value : values) {
    ASSERT_EQ(rd_kafka_produce(handle, 0, RD_KAFKA_MSG_F_COPY, const_cast<char*>(value.data()),
                               value.size(), nullptr, 0, nullptr),
              0);
  }
  ASSERT_EQ(rd_kafka_flush(producer, 30000), RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_EQ(commit ? rd_kafka_commit_transaction(producer, 30000)
                   : rd_kafka_abort_transaction(producer, 30000),
            nullptr);
  rd_kafka_topic_destroy(handle);
  rd_kafka_destroy(producer);
}

class KafkaSourceTest : public KafkaTest {
 protected:
  static KafkaSource<std::string>::BuilderType SourceBuilder(const std::string& topic) {
    auto builder = KafkaSource<std::string>::Builder();
    builder.BootstrapServers(cluster().bootstrap_servers()).Topics({topic});
    builder.ValueOnly(SimpleString());
    return builder;
  }
  // A topic with two partitions: a0 a1 a2 at times 100 200 300, b0 b1 at times 150 250.
  std::string FilledTopic() {
    const std::string topic = TopicName("in");
    EXPECT_TRUE(cluster().CreateTopic(topic, 2).ok());
    EXPECT_TRUE(cluster()
                    .Produce(topic, {In(0, "a0", 100), In(0, "a1", 200), In(0, "a2", 300),
                                     In(1, "b0", 150), In(1, "b1", 250)})
                    .ok());
    return topic;
  }
  // Everything that comes until the source ends, sorted.
  static std::vector<std::string> ReadToEnd(const Source& source) {
    auto run = SourceRun::Start(source);
    EXPECT_TRUE(run.ok()) << run.status();
    if (!run.ok()) return {};
    auto rows = run->Read(kAll);
    EXPECT_TRUE(rows.ok()) << rows.status();
    EXPECT_TRUE(run->ended);
    std::vector<std::string> values = rows.ok() ? Values(*rows) : std::vector<std::string>();
    std::sort(values.begin(), values.end());
    return values;
  }
};

TEST_F(KafkaSourceTest, ReadsWithTimesAndPositionsInOrderOfEachPartition) {
  const std::string topic = FilledTopic();
  auto run = SourceRun::Start(*SourceBuilder(topic).Build().source());
  ASSERT_TRUE(run.ok()) << run.status();
  auto rows = run->Read(5);
  ASSERT_TRUE(rows.ok()) << rows.status();
  std::map<size_t, std::vector<std::string>> by_split;
  for (const ReadRow& row : *rows) by_split[row.split].push_back(row.value);
  EXPECT_THAT(by_split[0], ElementsAre("a0", "a1", "a2"));
  EXPECT_THAT(by_split[1], ElementsAre("b0", "b1"));
  for (const ReadRow& row : *rows) {
    if (row.value == "b1") {
      EXPECT_EQ(row.event_time_us, 250000);
      EXPECT_EQ(row.position, absl::StrCat("topic ", topic, ", partition 1, offset 1"));
    }
  }
}

TEST_F(KafkaSourceTest, RecordsThatComeLaterWakeTheReader) {
  const std::string topic = FilledTopic();
  auto run =
      SourceRun::Start(*SourceBuilder(topic).StartingOffsets(Offsets::Latest()).Build().source());
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_THAT(Values(*run->Read(1, absl::Seconds(1))), IsEmpty());
  ASSERT_TRUE(cluster().Produce(topic, {In(1, "new")}).ok());
  EXPECT_THAT(Values(*run->Read(1)), ElementsAre("new"));
}

TEST_F(KafkaSourceTest, BoundedByLatest) {
  const std::string topic = FilledTopic();
  EXPECT_THAT(ReadToEnd(*SourceBuilder(topic).Bounded(Offsets::Latest()).Build().source()),
              ElementsAre("a0", "a1", "a2", "b0", "b1"));
}

TEST_F(KafkaSourceTest, StartsAndStopsByTimestamp) {
  const std::string topic = FilledTopic();
  EXPECT_THAT(ReadToEnd(*SourceBuilder(topic)
                             .StartingOffsets(Offsets::Timestamp(200))
                             .Bounded(Offsets::Timestamp(300))
                             .Build()
                             .source()),
              ElementsAre("a1", "b1"));
}

TEST_F(KafkaSourceTest, ATimestampInTheFutureIsTheEnd) {
  const std::string topic = FilledTopic();
  EXPECT_THAT(ReadToEnd(*SourceBuilder(topic)
                             .StartingOffsets(Offsets::Timestamp(4102444800000))
                             .Bounded(Offsets::Latest())
                             .Build()
                             .source()),
              IsEmpty());
}

TEST_F(KafkaSourceTest, StartsAndStopsAtSpecificOffsets) {
  const std::string topic = FilledTopic();
  EXPECT_THAT(ReadToEnd(*SourceBuilder(topic)
                             .StartingOffsets(Offsets::Specific({{{topic, 0}, 1}}))
                             .Bounded(Offsets::Specific({{{topic, 0}, 2}, {{topic, 1}, 1}}))
                             .Build()
                             .source()),
              ElementsAre("a1", "b0"));
}

TEST_F(KafkaSourceTest, ExplicitPartitionsAndPatterns) {
  const std::string topic = FilledTopic();
  auto partitions = KafkaSource<std::string>::Builder();
  partitions.BootstrapServers(cluster().bootstrap_servers()).Partitions({{topic, 1}});
  partitions.ValueOnly(SimpleString()).Bounded(Offsets::Latest());
  EXPECT_THAT(ReadToEnd(*partitions.Build().source()), ElementsAre("b0", "b1"));
  auto pattern = KafkaSource<std::string>::Builder();
  pattern.BootstrapServers(cluster().bootstrap_servers());
  pattern.TopicPattern(topic.substr(0, topic.size() - 1) + "[a-n]");
  pattern.ValueOnly(SimpleString()).Bounded(Offsets::Latest());
  EXPECT_EQ(ReadToEnd(*pattern.Build().source()).size(), 5u);
}

TEST_F(KafkaSourceTest, CommittedOffsetsAreSeenByJavaAndStartedFrom) {
  const std::string topic = FilledTopic();
  const std::string group = topic + "-group";
  auto none = SourceRun::Start(
      *SourceBuilder(topic).GroupId(group).StartingOffsets(Offsets::Committed()).Build().source());
  EXPECT_EQ(none.status().code(), absl::StatusCode::kInvalidArgument) << none.status();
  {
    auto run = SourceRun::Start(*SourceBuilder(topic).GroupId(group).Build().source());
    ASSERT_TRUE(run.ok()) << run.status();
    ASSERT_EQ(run->Read(5)->size(), 5u);
    std::vector<SourceSplit> snapshot = *run->reader->Snapshot();
    run->reader->NotifyCheckpointComplete(snapshot);
    // The reader goes right after its last checkpoint; the commit still arrives.
  }
  auto described = cluster().RunTool("groups", {"--describe", "--group", group, "--offsets"});
  ASSERT_TRUE(described.ok()) << described.status();
  EXPECT_THAT(*described, HasSubstr(topic));
  std::map<std::string, std::string> offsets;  // partition -> committed
  for (size_t at = described->find(topic); at != std::string::npos;
       at = described->find(topic, at + 1)) {
    char partition[32] = "", offset[32] = "";
    if (std::sscanf(described->c_str() + at + topic.size(), " %31s %31s", partition, offset) == 2) {
      offsets[partition] = offset;
    }
  }
  EXPECT_EQ(offsets["0"], "3");
  EXPECT_EQ(offsets["1"], "2");
  ASSERT_TRUE(cluster().Produce(topic, {In(0, "a3")}).ok());
  EXPECT_THAT(ReadToEnd(*SourceBuilder(topic)
                             .GroupId(group)
                             .StartingOffsets(Offsets::Committed())
                             .Bounded(Offsets::Latest())
                             .Build()
                             .source()),
              ElementsAre("a3"));
}

TEST_F(KafkaSourceTest, CommittedWithReset) {
  const std::string topic = FilledTopic();
  EXPECT_EQ(ReadToEnd(*SourceBuilder(topic)
                           .GroupId(topic + "-new")
                           .StartingOffsets(Offsets::Committed(OffsetReset::kEarliest))
                           .Bounded(Offsets::Latest())
                           .Build()
                           .source())
                .size(),
            5u);
}

TEST_F(KafkaSourceTest, BoundedEndsBehindControlRecordsAndAbortedTransactions) {
  const std::string topic = TopicName("tx");
  ASSERT_TRUE(cluster().CreateTopic(topic, 1).ok());
  const std::string& brokers = cluster().bootstrap_servers();
  ProduceTransaction(brokers, topic, {"x", "y"}, /*commit=*/true);
  ProduceTransaction(brokers, topic, {"aborted"}, /*commit=*/false);
  ASSERT_EQ(cluster().EndOffsets(topic)->at(0), 5);  // x y commit aborted abort
  auto run = SourceRun::Start(*SourceBuilder(topic).Bounded(Offsets::Latest()).Build().source());
  ASSERT_TRUE(run.ok()) << run.status();
  auto rows = run->Read(kAll);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_THAT(Values(*rows), ElementsAre("x", "y"));
  EXPECT_TRUE(run->ended);
  // An end that is nothing but control records, with nothing behind it.
  EXPECT_THAT(ReadToEnd(*SourceBuilder(topic)
                             .StartingOffsets(Offsets::Specific({{{topic, 0}, 2}}))
                             .Bounded(Offsets::Latest())
                             .Build()
                             .source()),
              IsEmpty());
  // A stop in the middle of control records.
  EXPECT_THAT(
      ReadToEnd(
          *SourceBuilder(topic).Bounded(Offsets::Specific({{{topic, 0}, 3}})).Build().source()),
      ElementsAre("x", "y"));
}

TEST_F(KafkaSourceTest, ThePositionCoversControlRecords) {
  const std::string topic = TopicName("tx");
  ASSERT_TRUE(cluster().CreateTopic(topic, 1).ok());
  ProduceTransaction(cluster().bootstrap_servers(), topic, {"x"}, /*commit=*/true);
  auto run = SourceRun::Start(*SourceBuilder(topic).Build().source());
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_EQ(run->Read(1)->size(), 1u);
  run->Read(1, absl::Milliseconds(300)).IgnoreError();
  EXPECT_EQ((*run->reader->Snapshot())[0].position, absl::StrCat("1 0 2 - ", topic));
}

TEST_F(KafkaSourceTest, ReadUncommittedSeesAbortedRecords) {
  const std::string topic = TopicName("tx");
  ASSERT_TRUE(cluster().CreateTopic(topic, 1).ok());
  ProduceTransaction(cluster().bootstrap_servers(), topic, {"aborted"}, /*commit=*/false);
  EXPECT_THAT(ReadToEnd(*SourceBuilder(topic)
                             .Property("isolation.level", "read_uncommitted")
                             .Bounded(Offsets::Latest())
                             .Build()
                             .source()),
              ElementsAre("aborted"));
}

TEST_F(KafkaSourceTest, ReadingGoesOnFromASnapshot) {
  const std::string topic = FilledTopic();
  const auto source = SourceBuilder(topic).Build();
  std::vector<SourceSplit> snapshot;
  std::multiset<std::string> seen;
  {
    auto run = SourceRun::Start(*source.source());
    ASSERT_TRUE(run.ok()) << run.status();
    for (const std::string& value : Values(*run->Read(1))) seen.insert(value);
    snapshot = *run->reader->Snapshot();
  }
  auto reader = *source.source()->MakeReader(0, 1);
  SourceRun run;
  run.reader = std::move(reader);
  run.reader->SetWakeup(run.wakeup.Callback());
  ASSERT_TRUE(run.AddSplits(snapshot).ok());
  for (const std::string& value : Values(*run.Read(5 - seen.size()))) seen.insert(value);
  EXPECT_EQ(seen, (std::multiset<std::string>{"a0", "a1", "a2", "b0", "b1"}));
}

TEST_F(KafkaSourceTest, PartitionsAreAddedWhileReading) {
  const std::string topic = FilledTopic();
  const std::string second = TopicName("second");
  ASSERT_TRUE(cluster().CreateTopic(second, 1).ok());
  auto run = SourceRun::Start(*SourceBuilder(topic).Build().source());
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_EQ(run->Read(5)->size(), 5u);
  ASSERT_TRUE(cluster().Produce(second, {In(0, "c0")}).ok());
  auto other = *SourceBuilder(second).Build().source()->MakeEnumerator();
  ASSERT_TRUE(run->AddSplits(*other->DiscoverSplits({})).ok());
  auto rows = run->Read(1);
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_THAT(Values(*rows), ElementsAre("c0"));
  EXPECT_EQ((*rows)[0].split, 2u);
  // The first ones are still read.
  ASSERT_TRUE(cluster().Produce(topic, {In(1, "b2")}).ok());
  EXPECT_THAT(Values(*run->Read(1)), ElementsAre("b2"));
}

TEST_F(KafkaSourceTest, UnknownTopicIsNamed) {
  const std::string topic = FilledTopic();
  const auto found = SourceRun::Start(*SourceBuilder(topic + "s").Build().source());
  EXPECT_EQ(found.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(found.status().message(),
            absl::StrCat("Kafka topic '", topic, "s' does not exist on brokers ",
                         cluster().bootstrap_servers(), "; did you mean '", topic, "'?"));
}

TEST_F(KafkaSourceTest, AnOffsetThatIsGoneIsNamed) {
  const std::string topic = FilledTopic();
  auto run = SourceRun::Start(*SourceBuilder(topic)
                                   .StartingOffsets(Offsets::Specific({{{topic, 0}, 99}}))
                                   .Build()
                                   .source());
  ASSERT_TRUE(run.ok()) << run.status();
  const auto rows = run->Read(kAll);
  EXPECT_EQ(rows.status().code(), absl::StatusCode::kOutOfRange) << rows.status();
  EXPECT_THAT(std::string(rows.status().message()),
              HasSubstr(absl::StrCat("topic ", topic, ", partition 0")));
}

TEST_F(KafkaSourceTest, AWrongAddressIsSaidInBoundedTime) {
  auto builder = SourceBuilder("t");
  builder.BootstrapServers("127.0.0.1:1");
  const SystemClock clock;
  const absl::Duration begin = clock.Monotonic();
  const auto found = SourceRun::Start(*builder.Build().source());
  EXPECT_EQ(found.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(found.status().message()),
              testing::AllOf(HasSubstr("no Kafka broker answers at '127.0.0.1:1': "),
                             HasSubstr("Connection refused")));
  EXPECT_LT(clock.Monotonic() - begin, absl::Seconds(20));
}

}  // namespace
}  // namespace weir
