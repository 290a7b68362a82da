// Streams keyed by the partitions of their topic, on real Kafka: docs/protocols/
// partition-aligned-keying.md. The job is examples/late_routes with --partitions.

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "connectors/kafka/java_partitioning.h"
#include "tests/e2e/cluster_test.h"
#include "tests/e2e/late_routes_oracle.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using testing::AllOf;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr int kPartitions = 4;
constexpr size_t kFlights = 30'000;
constexpr size_t kChunk = 1000;
constexpr absl::Duration kKillTimeout = absl::Seconds(10);

class AlignedKeyingTest : public ClusterTest {
 protected:
  void Start(const std::vector<std::string>& arguments = {}) {
    StartCluster();
    WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("input"), kPartitions));
    WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("output"), kPartitions));
    const auto flights = LoadFlights(kFlights);
    WEIR_ASSERT_OK(flights);
    flights_ = *flights;
    const auto id = weir().Submit(Job(arguments));
    WEIR_ASSERT_OK(id);
    job_ = *id;
  }
  static WeirJob Job(const std::vector<std::string>& more = {}) {
    WeirJob job;
    job.program = "late_routes";
    job.arguments = JobArguments();
    job.arguments.push_back("--parallelism=2");
    job.arguments.push_back(absl::StrCat("--partitions=", kPartitions));
    job.arguments.insert(job.arguments.end(), more.begin(), more.end());
    job.options["checkpoint.interval"] = "200ms";
    return job;
  }

  /// The next flights, where murmur2 of their routes puts them.
  void Feed(size_t chunks) {
    for (size_t chunk = 0; chunk < chunks && fed_ < flights_.size(); ++chunk) {
      std::vector<KafkaTestRecord> records;
      for (size_t end = fed_ + kChunk; fed_ < end && fed_ < flights_.size(); ++fed_) {
        KafkaTestRecord& record = records.emplace_back();
        record.key = RouteOf(flights_[fed_]);
        record.value = flights_[fed_].Json();
        record.partition = kafka::PartitionForKey(*record.key, kPartitions);
      }
      WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), records));
    }
  }
  /// The next flight, in this partition.
  void FeedInto(int32_t partition) {
    KafkaTestRecord record;
    record.key = RouteOf(flights_[fed_]);
    record.value = flights_[fed_++].Json();
    record.partition = partition;
    WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), {record}));
  }
  void AddAPartition() {
    const auto altered = cluster().RunTool(
        "topics",
        {"--alter", "--topic", TopicName("input"), "--partitions", absl::StrCat(kPartitions + 1)});
    WEIR_ASSERT_OK(altered);
  }
  std::string Grown() const {
    return absl::StrCat("source 'flights': Kafka topic '", TopicName("input"), "' has ",
                        kPartitions + 1, " partitions by now and had ", kPartitions,
                        ", which the job's keys are aligned with");
  }

  proto::JobDetails Details() {
    const auto details = Describe(job_);
    EXPECT_TRUE(details.ok()) << details.status();
    return details.value_or(proto::JobDetails());
  }
  std::string Reason() { return Details().summary().reason(); }

  void KillWorker(int which) {
    const proto::JobDetails details = Details();
    const uint64_t generation = details.summary().generation();
    ASSERT_LT(which, details.workers_size());
    WEIR_ASSERT_OK(KillAndAwaitEnd(static_cast<pid_t>(details.workers(which).pid()), kKillTimeout));
    ASSERT_TRUE(AwaitTrue([&] { return Details().summary().generation() > generation; }));
    ASSERT_TRUE(AwaitState(job_, "RUNNING"));
  }
  /// Exactly what the flights that were fed say, once each.
  void ExpectAllAlerts() {
    const std::vector<std::string> expected =
        LateRoutes({flights_.begin(), flights_.begin() + static_cast<ptrdiff_t>(fed_)});
    ASSERT_GT(expected.size(), 100u);
    (void)OutputValues(expected.size());
    WEIR_ASSERT_OK(weir().Cli({"stop", job_, "--wait"}));
    KafkaReadOptions options;
    options.count = static_cast<int64_t>(expected.size()) + 1;
    options.quiet = absl::Seconds(2);
    const auto records = cluster().ConsumeAll(TopicName("output"), options);
    WEIR_ASSERT_OK(records);
    std::vector<std::string> alerts;
    for (const KafkaTestRecord& record : *records) {
      alerts.push_back(nlohmann::json::parse(record.value.value_or("null")).dump());
    }
    std::sort(alerts.begin(), alerts.end());
    EXPECT_THAT(alerts, ElementsAreArray(expected));
  }

  std::string job_;
  std::vector<TestFlight> flights_;
  size_t fed_ = 0;
};

TEST_F(AlignedKeyingTest, StateFollowsItsPartitionsWhileWorkersAreKilled) {
  Start();
  EXPECT_THAT(Details().workers(), SizeIs(2));
  for (int which = 0; which < 2; ++which) {
    Feed(8);
    KillWorker(which);
  }
  Feed(kFlights / kChunk);
  ExpectAllAlerts();
}

TEST_F(AlignedKeyingTest, ThePlanShowsTheKeyingAndNoExchange) {
  StartCluster();
  std::vector<std::string> arguments = {"plan", WeirProgram("late_routes"), "--"};
  const WeirJob job = Job();
  arguments.insert(arguments.end(), job.arguments.begin(), job.arguments.end());
  const auto plan = weir().Cli(arguments);
  WEIR_ASSERT_OK(plan);
  EXPECT_THAT(plan->standard_output,
              AllOf(HasSubstr(absl::StrCat("aligned with topic '", TopicName("input"),
                                           "', 4 partitions by murmur2 of a function: string")),
                    Not(HasSubstr("hash"))));
}

TEST_F(AlignedKeyingTest, ARecordInAnotherPartitionFailsTheJobByName) {
  Start();
  Feed(1);
  const auto ends = cluster().EndOffsets(TopicName("input"));
  WEIR_ASSERT_OK(ends);
  const int32_t right = kafka::PartitionForKey(RouteOf(flights_[fed_]), kPartitions);
  const int32_t wrong = (right + 1) % kPartitions;
  FeedInto(wrong);
  ASSERT_TRUE(AwaitState(job_, "FAILED")) << StateOf(job_);
  EXPECT_THAT(Reason(),
              AllOf(HasSubstr(absl::StrCat("topic ", TopicName("input"), ", partition ", wrong,
                                           ", offset ", ends->at(wrong), ":")),
                    HasSubstr(absl::StrCat("gives partition ", right, " of ", kPartitions))));
  EXPECT_EQ(Details().summary().generation(), 2u) << "the job, and the settling of its sink";
}

TEST_F(AlignedKeyingTest, ANewPartitionSuspendsTheJobByName) {
  Start({"--discovery=500ms"});
  Feed(2);
  AddAPartition();
  ASSERT_TRUE(AwaitState(job_, "SUSPENDED")) << StateOf(job_);
  EXPECT_EQ(Reason(), Grown());
  WEIR_ASSERT_OK(weir().Cli({"resume", job_, "--wait"}));
  ASSERT_TRUE(AwaitState(job_, "SUSPENDED")) << "the topic still has it";
  EXPECT_EQ(Reason(), Grown());
}

TEST_F(AlignedKeyingTest, ARecordOfProducersThatKnowTheNewPartitionSuspendsTheJob) {
  Start();  // looks for partitions every 5 minutes
  Feed(1);
  AddAPartition();
  const auto place = [&](int partitions) {
    return kafka::PartitionForKey(RouteOf(flights_[fed_]), partitions);
  };
  while (place(kPartitions + 1) == place(kPartitions) || place(kPartitions + 1) == kPartitions) {
    ++fed_;
  }
  FeedInto(place(kPartitions + 1));
  ASSERT_TRUE(AwaitState(job_, "SUSPENDED")) << StateOf(job_);
  EXPECT_EQ(Reason(), Grown());
}

TEST_F(AlignedKeyingTest, AnotherNumberOfPartitionsThanIsDeclaredFailsAtTheFirstStart) {
  StartCluster();
  WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("input"), kPartitions - 1));
  WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("output"), 1));
  const auto submit = weir().Cli(WeirCluster::SubmitArguments(Job()));
  WEIR_ASSERT_OK(submit);
  EXPECT_NE(submit->exit_status, 0);
  EXPECT_THAT(submit->standard_error,
              HasSubstr(absl::StrCat("Kafka topic '", TopicName("input"),
                                     "' has 3 partitions, and PartitionedBy says "
                                     "4")));
}

TEST_F(AlignedKeyingTest, ACheckpointUnderAnotherKeyingIsRefused) {
  Start();
  Feed(4);
  WEIR_ASSERT_OK(weir().Cli({"suspend", job_, "--wait"}));
  WeirJob by_hash = Job();
  std::erase(by_hash.arguments, absl::StrCat("--partitions=", kPartitions));
  std::vector<std::string> arguments = WeirCluster::SubmitArguments(by_hash);
  arguments.insert(arguments.begin() + 1, absl::StrCat("--from=", job_));
  const auto submit = weir().Cli(arguments);
  WEIR_ASSERT_OK(submit);
  EXPECT_NE(submit->exit_status, 0);
  EXPECT_THAT(submit->standard_error,
              HasSubstr("is keyed by a function: string, aligned with 4 partitions by murmur2 in "
                        "the checkpoint and keyed by a function: string, by hash in the new job"));
}

}  // namespace
}  // namespace weir
