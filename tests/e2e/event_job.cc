#include "tests/e2e/event_job.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "connectors/kafka/java_partitioning.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr size_t kRecordsAtOnce = 20'000;

std::string JsonOf(const TestEvent& event) {
  return absl::StrCat("{\"id\":", event.id, ",\"key\":\"", event.key, "\",\"at_ms\":", event.at_ms,
                      "}");
}

}  // namespace

void EventJobTest::TearDown() {
  tallies_.clear();
  inspection_.reset();
  KeyedJobTest::TearDown();
}

void EventJobTest::StartCluster(int task_managers, int slots,
                                std::map<std::string, std::string> options) {
  WeirClusterOptions cluster_options;
  cluster_options.task_managers = task_managers;
  cluster_options.slots = slots;
  cluster_options.server_options = std::move(options);
  ASSERT_NO_FATAL_FAILURE(ClusterTest::StartCluster(std::move(cluster_options)));
  CreateTopic("input");
  CreateTopic("output");
}

void EventJobTest::CreateTopic(const std::string& topic, int partitions) {
  WEIR_ASSERT_OK(cluster().CreateTopic(TopicName(topic), partitions));
  partitions_[topic] = partitions;
}

std::vector<TestEvent> EventJobTest::MakeEvents(int64_t from_ms, int64_t span_ms, size_t count,
                                                size_t keys) {
  std::vector<std::pair<int64_t, TestEvent>> ordered;
  for (size_t i = 0; i < count; ++i) {
    TestEvent event;
    event.id = next_id_++;
    event.key = absl::StrCat("k", random_.Below(keys));
    event.at_ms =
        from_ms + 10 * static_cast<int64_t>(random_.Below(static_cast<uint64_t>(span_ms / 10)));
    ordered.emplace_back(event.at_ms + static_cast<int64_t>(random_.Below(kDisorderMs)), event);
  }
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<TestEvent> events;
  for (auto& [time, event] : ordered) events.push_back(std::move(event));
  return events;
}

std::vector<TestEvent> EventJobTest::MakeTicks(int64_t at_ms,
                                               const std::vector<int32_t>& partitions) {
  std::vector<TestEvent> ticks;
  for (const int32_t partition : partitions) {
    ticks.push_back({next_id_++, absl::StrCat("tick-", partition), at_ms, partition});
  }
  return ticks;
}

void EventJobTest::Feed(const std::vector<TestEvent>& events, const std::string& topic) {
  const int partitions = partitions_.at(topic);
  std::vector<KafkaTestRecord> records;
  const auto flush = [&] {
    WEIR_ASSERT_OK(cluster().Produce(TopicName(topic), records));
    records.clear();
  };
  for (const TestEvent& event : events) {
    KafkaTestRecord& record = records.emplace_back();
    record.partition =
        event.partition >= 0 ? event.partition : kafka::PartitionForKey(event.key, partitions);
    record.value = JsonOf(event);
    ++fed_into_[topic][*record.partition];
    if (records.size() == kRecordsAtOnce) flush();
  }
  flush();
}

WeirJob EventJobTest::EventJob(const std::string& program, int parallelism) {
  WeirJob job = JobOf(program, parallelism);
  job.arguments.push_back(absl::StrCat("--group=", TopicName("group")));
  job.arguments.push_back(absl::StrCat("--prefix=", TopicName("prefix")));
  return job;
}

SinkInspection* EventJobTest::Inspection() {
  if (inspection_ == nullptr) {
    auto connected = SinkInspection::Connect(cluster().bootstrap_servers(), TopicName("output"),
                                             TopicName("prefix"));
    EXPECT_TRUE(connected.ok()) << connected.status();
    if (connected.ok()) inspection_ = *std::move(connected);
  }
  return inspection_.get();
}

int64_t EventJobTest::Consumed(const std::string& topic) {
  const auto read =
      Inspection()->GroupOffsets(TopicName("group"), TopicName(topic), partitions_.at(topic));
  int64_t sum = 0;
  if (!read.ok()) return sum;
  for (const auto& [partition, offset] : *read) sum += std::max<int64_t>(offset, 0);
  return sum;
}

void EventJobTest::AwaitConsumed(const std::string& topic) {
  ASSERT_NE(Inspection(), nullptr);
  int64_t fed = 0;
  for (const auto& [partition, count] : fed_into_[topic]) fed += count;
  ASSERT_TRUE(AwaitTrue([&] { return Consumed(topic) == fed; }, kPatience))
      << Consumed(topic) << " of " << fed << " events are read: " << Details().ShortDebugString();
}

void EventJobTest::AwaitCommitted(const std::string& topic, size_t count) {
  std::unique_ptr<Tally>& tally = tallies_[topic];
  if (tally == nullptr) {
    tally = std::make_unique<Tally>();
    auto reader =
        CommittedTopicReader::Start(cluster().bootstrap_servers(), TopicName(topic),
                                    partitions_.at(topic), [one = tally.get()](const auto&) {
                                      MutexLock lock(one->mutex);
                                      ++one->records;
                                    });
    WEIR_ASSERT_OK(reader);
    tally->reader = *std::move(reader);
  }
  const auto committed = [&] {
    MutexLock lock(tally->mutex);
    return tally->records;
  };
  ASSERT_TRUE(AwaitTrue([&] { return committed() >= count; }, kPatience))
      << committed() << " of " << count << " in " << topic << ": "
      << Details().summary().ShortDebugString();
  EXPECT_EQ(committed(), count) << "in " << topic;
}

std::vector<nlohmann::json> EventJobTest::Rows(const std::string& topic) {
  KafkaReadOptions options;
  options.quiet = absl::Seconds(2);
  const auto records = cluster().ConsumeAll(TopicName(topic), options);
  EXPECT_TRUE(records.ok()) << records.status();
  std::vector<nlohmann::json> rows;
  if (!records.ok()) return rows;
  for (const KafkaTestRecord& record : *records) {
    rows.push_back(nlohmann::json::parse(record.value.value_or("null")));
  }
  return rows;
}

std::vector<std::string> EventJobTest::WindowLines(const std::string& topic) {
  std::vector<std::string> lines;
  for (const nlohmann::json& row : Rows(topic)) {
    lines.push_back(
        WindowLine(row["key"], row["start_ms"], row["end_ms"], row["events"], row["ids"]));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<std::string> EventJobTest::EventLines(const std::string& topic) {
  std::vector<std::string> lines;
  for (const nlohmann::json& row : Rows(topic)) {
    lines.push_back(TestEvent{row["id"], row["key"], row["at_ms"]}.Line());
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace weir
