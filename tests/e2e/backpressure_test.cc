// A subtask behind a shuffle that takes nothing for half a minute: what is before it waits with
// bounded memory, however much there is, and then all of it comes, once each.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "common/exec/mutex.h"
#include "tests/e2e/cluster_test.h"
#include "tests/support/kafka/committed_topic_reader.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

constexpr int kPartitions = 4;
constexpr int64_t kOrders = 240'000;
constexpr int64_t kBatch = 5'000;
constexpr size_t kFillerBytes = 2'000;
constexpr absl::Duration kStall = absl::Seconds(30);
constexpr uint64_t kMegabyte = 1u << 20;
// A worker's bound while nothing moves: 16 MiB in Kafka's client and what it has just fetched,
// 8 MiB from the other worker, and what waits at senders and in local channels.
constexpr uint64_t kBoundBytes = 120 * kMegabyte;
// Each of both workers reads half, of which half is for the subtask that stalls: without bounds the
// stalled one alone would come to hold twice the bound.
static_assert(kOrders * kFillerBytes / 2 > 3 * kBoundBytes / 2);

class BackpressureTest : public ClusterTest {
 protected:
  void TearDown() override {
    reader_.reset();
    ClusterTest::TearDown();
  }
  static KafkaTestRecord Order(int64_t id, const std::string& fault = "", int64_t amount = 0) {
    static const std::string filler(kFillerBytes, 'x');
    KafkaTestRecord record;
    record.partition = static_cast<int32_t>(id % kPartitions);
    record.value = absl::StrCat("{\"id\":", id, ",\"fault\":\"", fault, "\",\"amount\":", amount,
                                ",\"filler\":\"", filler, "\"}");
    return record;
  }
  void Start() {
    WeirClusterOptions options;
    options.task_managers = 2;
    StartCluster(options);
    for (const char* topic : {"input", "output"}) {
      WEIR_ASSERT_OK(cluster().CreateTopic(TopicName(topic), kPartitions));
    }
    auto reader =
        CommittedTopicReader::Start(cluster().bootstrap_servers(), TopicName("output"), kPartitions,
                                    [this](const auto& record) { Count(record.value); });
    WEIR_ASSERT_OK(reader);
    reader_ = *std::move(reader);
  }
  void FeedUpTo(int64_t end) {
    while (next_ < end) {
      std::vector<KafkaTestRecord> batch;
      for (const int64_t until = std::min(next_ + kBatch, end); next_ < until; ++next_) {
        batch.push_back(Order(next_));
      }
      WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), batch));
    }
  }
  void Count(absl::string_view value) {
    const nlohmann::json row = nlohmann::json::parse(std::string(value), nullptr, false);
    const int64_t id = row.value("id", int64_t{-1});
    MutexLock lock(mutex_);
    ++written_;
    if (id >= 0 && id < kOrders) ++times_[static_cast<size_t>(id)];
  }
  int64_t Written() {
    MutexLock lock(mutex_);
    return written_;
  }
  /// Orders that did not come out once.
  int64_t Wrong() {
    MutexLock lock(mutex_);
    return std::count_if(times_.begin(), times_.end(), [](int times) { return times != 1; });
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
  uint64_t Completed() {
    const auto details = Describe(job_);
    return details.ok() ? details->checkpoints().completed() : 0;
  }

  std::string job_;
  int64_t next_ = 0;
  std::unique_ptr<CommittedTopicReader> reader_;
  Mutex mutex_;
  int64_t written_ WEIR_GUARDED_BY(mutex_) = 0;
  std::vector<int> times_ WEIR_GUARDED_BY(mutex_) = std::vector<int>(kOrders);
};

TEST_F(BackpressureTest, ASubtaskStallsForHalfAMinute) {
  ASSERT_NO_FATAL_FAILURE(Start());
  WeirJob job{
      "faulty_job", JobArguments(), {{"checkpoint.interval", "200ms"}, {"exchange.memory", "8mb"}}};
  job.arguments.insert(job.arguments.end(), {"--keyed=true", "--parallelism=2"});
  ASSERT_NO_FATAL_FAILURE(FeedUpTo(4));
  const auto id = weir().Submit(job);
  WEIR_ASSERT_OK(id);
  job_ = *id;
  ASSERT_TRUE(AwaitTrue([&] { return Written() == 4; }));
  const uint64_t before = ResidentBytes();

  const absl::Time start = absl::Now();
  WEIR_ASSERT_OK(cluster().Produce(TopicName("input"),
                                   {Order(next_++, "stall", absl::ToInt64Milliseconds(kStall))}));
  ASSERT_NO_FATAL_FAILURE(FeedUpTo(kOrders));
  const absl::Duration fed = absl::Now() - start;
  ASSERT_LT(fed, kStall - absl::Seconds(8)) << "too slow to see what waits";
  uint64_t most = 0;
  int64_t written = 0;
  while (absl::Now() - start < kStall - absl::Seconds(3)) {
    most = std::max(most, ResidentBytes());
    written = Written();
    absl::SleepFor(absl::Milliseconds(500));
  }
  EXPECT_LT(written, kOrders / 4) << "nothing stalls";
  EXPECT_LT(most - before, kBoundBytes)
      << (most >> 20) << " MiB, and " << (before >> 20) << " MiB before";
  RecordProperty("mebibytes", absl::StrCat((most - before) >> 20));

  EXPECT_TRUE(AwaitTrue([&] { return Written() >= kOrders; }, absl::Seconds(60)))
      << Written() << " of " << kOrders;
  const uint64_t completed = Completed();
  EXPECT_TRUE(AwaitTrue([&] { return Completed() > completed + 1; }));
  EXPECT_EQ(Written(), kOrders);
  EXPECT_EQ(Wrong(), 0) << "orders that are lost or doubled";
  const auto details = Describe(job_);
  WEIR_ASSERT_OK(details);
  EXPECT_EQ(details->summary().restarts(), 0u);
}

}  // namespace
}  // namespace weir
