// Keyed streams whose records go from worker to worker, with state and timers, while processes die.

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "tests/e2e/cluster_test.h"
#include "tests/e2e/late_routes_oracle.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using testing::ElementsAreArray;
using testing::SizeIs;

constexpr int kPartitions = 4;
constexpr size_t kFlights = 30'000;
constexpr size_t kChunk = 1000;
constexpr absl::Duration kKillTimeout = absl::Seconds(10);

class KeyedStreamTest : public ClusterTest {
 protected:
  void Start() {
    WeirClusterOptions options;
    options.task_managers = 3;
    StartCluster(options);
    WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("input"), kPartitions));
    WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("output"), kPartitions));
    const auto flights = LoadFlights(kFlights);
    WEIR_ASSERT_OK(flights);
    flights_ = *flights;
    WeirJob job;
    job.program = "late_routes";
    job.arguments = JobArguments();
    job.arguments.push_back(absl::StrCat("--parallelism=", kPartitions));
    job.options["checkpoint.interval"] = "200ms";
    const auto id = weir().Submit(job);
    WEIR_ASSERT_OK(id);
    job_ = *id;
  }

  /// The next flights, in order within each route.
  void Feed(size_t chunks) {
    for (size_t chunk = 0; chunk < chunks && fed_ < flights_.size(); ++chunk) {
      std::vector<KafkaTestRecord> records;
      for (size_t end = fed_ + kChunk; fed_ < end && fed_ < flights_.size(); ++fed_) {
        KafkaTestRecord& record = records.emplace_back();
        record.key = RouteOf(flights_[fed_]);
        record.value = flights_[fed_].Json();
      }
      WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), records));
    }
  }

  proto::JobDetails Details() {
    const auto details = Describe(job_);
    EXPECT_TRUE(details.ok()) << details.status();
    return details.value_or(proto::JobDetails());
  }

  void AwaitRecovery(uint64_t former) {
    ASSERT_TRUE(AwaitTrue([&] { return Details().summary().generation() > former; }));
    ASSERT_TRUE(AwaitState(job_, "RUNNING"));
  }

  void KillWorker(int which) {
    const proto::JobDetails details = Details();
    const uint64_t generation = details.summary().generation();
    ASSERT_LT(which, details.workers_size());
    WEIR_ASSERT_OK(KillAndAwaitEnd(static_cast<pid_t>(details.workers(which).pid()), kKillTimeout));
    AwaitRecovery(generation);
    EXPECT_THAT(Details().summary().reason(), testing::Not(testing::HasSubstr("connection")))
        << "the worker that was killed is the reason, not who missed it";
  }

  /// Exactly what the flights say, once each.
  void ExpectAllAlerts() {
    const std::vector<std::string> expected = LateRoutes(flights_);
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

TEST_F(KeyedStreamTest, OverThreeWorkersItSaysWhatTheFlightsSay) {
  Start();
  EXPECT_THAT(Details().workers(), SizeIs(3));
  Feed(kFlights / kChunk);
  ExpectAllAlerts();
}

TEST_F(KeyedStreamTest, WorkersAndATaskManagerAreKilledInTheMiddle) {
  Start();
  for (int which = 0; which < 3; ++which) {
    Feed(6);
    KillWorker(which);
  }
  Feed(4);
  const uint64_t generation = Details().summary().generation();
  WEIR_ASSERT_OK(weir().KillTaskManager(2));
  AwaitRecovery(generation);
  EXPECT_THAT(Details().workers(), SizeIs(2));
  WEIR_ASSERT_OK(weir().StartTaskManager(2));
  Feed(kFlights / kChunk);
  ExpectAllAlerts();
}

}  // namespace
}  // namespace weir
