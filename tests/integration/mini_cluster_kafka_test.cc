// MiniCluster with real Kafka: exactly once over the death of a worker and of the JobManager.

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/support/kafka/kafka_test.h"
#include "weir/testing/mini_cluster.h"

namespace weir {
namespace {

using testing::MiniCluster;
using testing::MiniClusterJob;

class MiniClusterKafkaTest : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (const char* suffix : {"input", "output"}) {
      ASSERT_TRUE(cluster().CreateTopic(TopicName(suffix), 2).ok());
    }
  }
  void Produce(int64_t first, int64_t count) {
    std::vector<KafkaTestRecord> records(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      records[static_cast<size_t>(i)].value = absl::StrCat("{\"id\":", first + i, "}");
      records[static_cast<size_t>(i)].partition = static_cast<int32_t>(i % 2);
    }
    ASSERT_TRUE(cluster().Produce(TopicName("input"), records).ok());
  }
  static MiniClusterJob RecordCopy() {
    MiniClusterJob job;
    job.program = absl::StrCat(std::getenv("WEIR_BINARY_DIR"), "/bin/record_copy");
    job.arguments = {absl::StrCat("--brokers=", cluster().bootstrap_servers()),
                     absl::StrCat("--input=", TopicName("input")),
                     absl::StrCat("--output=", TopicName("output")), "--delivery=exactly-once",
                     "--parallelism=2"};
    job.configuration = {{"checkpoint.interval", "200ms"}};
    return job;
  }
};

TEST_F(MiniClusterKafkaTest, EachRecordOnceOverTwoRecoveries) {
  MiniCluster mini;
  ASSERT_TRUE(mini.Start({.task_managers = 2, .slots = 1})) << mini.error();
  const std::string job = mini.Submit(RecordCopy());
  ASSERT_TRUE(mini.AwaitState(job, "RUNNING")) << mini.error();
  Produce(0, 2000);
  ASSERT_TRUE(mini.AwaitCheckpoint(job)) << mini.error();

  Produce(2000, 2000);
  ASSERT_TRUE(mini.KillWorker(job)) << mini.error();
  ASSERT_TRUE(mini.AwaitState(job, "RUNNING")) << mini.error();
  ASSERT_TRUE(mini.AwaitCheckpoint(job)) << mini.error();

  Produce(4000, 2000);
  ASSERT_TRUE(mini.RestartJobManager()) << mini.error();
  ASSERT_TRUE(mini.AwaitState(job, "RUNNING")) << mini.error();
  ASSERT_TRUE(mini.AwaitCheckpoint(job)) << mini.error();
  Produce(6000, 2000);

  KafkaReadOptions read;
  read.count = 8000;
  read.quiet = absl::Seconds(20);
  ASSERT_TRUE(cluster().ConsumeAll(TopicName("output"), read).ok());  // until all are there
  ASSERT_TRUE(mini.StopJob(job)) << mini.error();
  ASSERT_TRUE(mini.AwaitState(job, "FINISHED")) << mini.error();
  read.count = 0;
  read.quiet = absl::Seconds(5);
  const auto records = cluster().ConsumeAll(TopicName("output"), read);
  ASSERT_TRUE(records.ok()) << records.status();
  std::map<std::string, int> times;
  for (const KafkaTestRecord& record : *records) ++times[record.value.value_or("")];
  EXPECT_EQ(times.size(), 8000u) << "records are lost";
  EXPECT_EQ(records->size(), 8000u) << "records are there twice";
}

}  // namespace
}  // namespace weir
