// A subtask behind a shuffle that takes nothing for half a minute: what is before it waits with
// bounded memory, and then all of it comes.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "tests/e2e/cluster_test.h"

namespace weir {
namespace {

constexpr int kPartitions = 4;
constexpr int64_t kOrders = 400'000;
constexpr int64_t kBatch = 5'000;
constexpr absl::Duration kStall = absl::Seconds(30);
constexpr uint64_t kMegabyte = 1u << 20;

class BackpressureTest : public ClusterTest {
 protected:
  static KafkaTestRecord Order(int64_t id, const std::string& fault = "", int64_t amount = 0) {
    KafkaTestRecord record;
    record.partition = static_cast<int32_t>(id % kPartitions);
    // Fifty bytes that nobody reads.
    record.value = absl::StrCat("{\"id\":", id, ",\"fault\":\"", fault, "\",\"amount\":", amount,
                                ",\"filler\":\"", std::string(50, 'x'), "\"}");
    return record;
  }
  /// The largest of the workers.
  uint64_t ResidentBytes() {
    uint64_t most = 0;
    const auto details = Describe(job_);
    EXPECT_TRUE(details.ok()) << details.status();
    if (!details.ok()) return most;
    for (const proto::WorkerDetails& worker : details->workers()) {
      most = std::max<uint64_t>(most, worker.resident_bytes());
    }
    return most;
  }
  int64_t Written() {
    const auto ends = cluster().EndOffsets(TopicName("output"));
    EXPECT_TRUE(ends.ok()) << ends.status();
    int64_t written = 0;
    if (!ends.ok()) return written;
    for (const auto& [partition, end] : *ends) written += end;
    return written;
  }

  std::string job_;
};

TEST_F(BackpressureTest, ASubtaskStallsForHalfAMinute) {
  WeirClusterOptions options;
  options.task_managers = 2;
  StartCluster(options);
  for (const char* topic : {"input", "output"}) {
    WEIR_ASSERT_OK(cluster().CreateTopic(TopicName(topic), kPartitions));
  }
  WeirJob job{
      "faulty_job", JobArguments(), {{"checkpoint.interval", "200ms"}, {"exchange.memory", "8mb"}}};
  job.arguments.insert(job.arguments.end(), {"--keyed=true", "--parallelism=2"});
  WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), {Order(0), Order(1), Order(2), Order(3)}));
  const auto id = weir().Submit(job);
  WEIR_ASSERT_OK(id);
  job_ = *id;
  ASSERT_TRUE(AwaitTrue([&] { return Written() == 4; }));
  const uint64_t before = ResidentBytes();

  const absl::Time start = absl::Now();
  WEIR_ASSERT_OK(cluster().Produce(TopicName("input"),
                                   {Order(4, "stall", absl::ToInt64Milliseconds(kStall))}));
  for (int64_t next = 5; next < kOrders;) {
    std::vector<KafkaTestRecord> batch;
    for (const int64_t end = std::min(next + kBatch, kOrders); next < end; ++next) {
      batch.push_back(Order(next));
    }
    WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), batch));
  }
  uint64_t most = 0;
  while (absl::Now() - start < kStall - absl::Seconds(3)) {
    most = std::max(most, ResidentBytes());
    EXPECT_LT(Written(), kOrders) << "nothing stalls";
    absl::SleepFor(absl::Milliseconds(500));
  }
  // Two workers of 8 MiB for what others send them, what waits at the senders, and what librdkafka
  // keeps for its consumer and producer.
  EXPECT_LT(most, before + 192 * kMegabyte);
  EXPECT_TRUE(AwaitTrue([&] { return Written() == kOrders; }, absl::Seconds(60)))
      << Written() << " of " << kOrders;
  const auto details = Describe(job_);
  WEIR_ASSERT_OK(details);
  EXPECT_EQ(details->summary().restarts(), 0u);
  const uint64_t completed = details->checkpoints().completed();
  EXPECT_TRUE(AwaitTrue([&] {
    const auto now = Describe(job_);
    return now.ok() && now->checkpoints().completed() > completed;
  }));
}

}  // namespace
}  // namespace weir
