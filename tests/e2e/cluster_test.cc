#include "tests/e2e/cluster_test.h"

#include <filesystem>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr size_t kLogTailBytes = 6000;

std::string Tail(const std::string& text) {
  return text.size() <= kLogTailBytes ? text : text.substr(text.size() - kLogTailBytes);
}

void PrintLogs(const WeirCluster& cluster) {
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(cluster.directory().path(), ignored)) {
    if (entry.path().extension() != ".log") continue;
    const std::string server = entry.path().stem().string();
    std::cout << "--- end of " << server << "'s log\n" << Tail(cluster.Log(server)) << std::flush;
  }
}

}  // namespace

void ClusterTest::StartCluster(WeirClusterOptions options) {
  options.server_options.emplace("heartbeat.interval", "100ms");
  absl::StatusOr<std::unique_ptr<WeirCluster>> cluster = WeirCluster::Start(std::move(options));
  WEIR_ASSERT_OK(cluster);
  weir_ = *std::move(cluster);
}

void ClusterTest::TearDown() {
  if (weir_ == nullptr) return;
  EXPECT_EQ(weir_->Stop(), absl::OkStatus());
  if (HasFailure()) PrintLogs(*weir_);
}

std::vector<std::string> ClusterTest::JobArguments() {
  return {absl::StrCat("--brokers=", cluster().bootstrap_servers()),
          absl::StrCat("--input=", TopicName("input")),
          absl::StrCat("--output=", TopicName("output"))};
}

WeirJob ClusterTest::FlightDelays() {
  return {"flight_delays", JobArguments(), {{"checkpoint.interval", "200ms"}}};
}

WeirJob ClusterTest::KafkaToKafka() {
  return {"kafka_to_kafka", JobArguments(), {{"checkpoint.interval", "200ms"}}};
}

std::vector<std::string> ClusterTest::OutputValues(size_t count) {
  KafkaReadOptions options;
  options.count = static_cast<int64_t>(count);
  options.quiet = absl::Seconds(20);
  const auto records = cluster().ConsumeAll(TopicName("output"), options);
  EXPECT_TRUE(records.ok()) << records.status();
  std::vector<std::string> values;
  if (!records.ok()) return values;
  for (const KafkaTestRecord& record : *records) values.push_back(record.value.value_or(""));
  return values;
}

absl::StatusOr<proto::JobDetails> ClusterTest::Describe(const std::string& job) {
  return weir().client().DescribeJob(job);
}

std::map<std::string, int> ClusterTest::TaskManagerNumbers() {
  const absl::StatusOr<proto::ClusterDetails> details = weir().client().DescribeCluster();
  EXPECT_TRUE(details.ok()) << details.status();
  std::map<std::string, int> numbers;
  if (!details.ok()) return numbers;
  for (const proto::TaskManagerDetails& one : details->task_managers()) {
    const absl::StatusOr<int> number = weir().TaskManagerOfPid(one.pid());
    if (number.ok()) numbers[one.task_manager()] = *number;
  }
  return numbers;
}

std::string ClusterTest::StateOf(const std::string& job) {
  const absl::StatusOr<proto::JobDetails> details = Describe(job);
  return details.ok() ? details->summary().state() : "";
}

bool ClusterTest::AwaitState(const std::string& job, const std::string& state) {
  return AwaitTrue([&] { return StateOf(job) == state; });
}

size_t ClusterTest::CheckpointsOf(const std::string& job, uint64_t generation) {
  const absl::StatusOr<proto::ListCheckpointsResponse> all = weir().client().ListCheckpoints(job);
  if (!all.ok()) return 0;
  size_t count = 0;
  for (const proto::CheckpointDetails& one : all->checkpoints()) {
    if (one.generation() == generation && one.state() == "COMPLETED") ++count;
  }
  return count;
}

void FlightStreamTest::TearDown() {
  feeder_.reset();
  ClusterTest::TearDown();
  reader_.reset();
}

void FlightStreamTest::StartStream(const WeirJob& job) {
  WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("input"), kPartitions));
  WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("output"), kPartitions));
  auto feeder = FlightFeeder::Start(cluster().bootstrap_servers(), TopicName("input"));
  WEIR_ASSERT_OK(feeder);
  feeder_ = *std::move(feeder);
  auto reader =
      DelayedFlightReader::Start(cluster().bootstrap_servers(), TopicName("output"), kPartitions);
  WEIR_ASSERT_OK(reader);
  reader_ = *std::move(reader);
  const absl::StatusOr<std::string> id = weir().Submit(job);
  WEIR_ASSERT_OK(id);
  job_ = *id;
}

proto::JobDetails FlightStreamTest::Details() {
  const absl::StatusOr<proto::JobDetails> details = Describe(job_);
  EXPECT_TRUE(details.ok()) << details.status();
  return details.value_or(proto::JobDetails());
}

std::vector<pid_t> FlightStreamTest::Workers() {
  const proto::JobDetails details = Details();
  std::vector<pid_t> pids;
  for (const proto::WorkerDetails& worker : details.workers()) {
    pids.push_back(static_cast<pid_t>(worker.pid()));
  }
  return pids;
}

void FlightStreamTest::AwaitFlow() {
  const int64_t fed = feeder_->fed();
  ASSERT_TRUE(AwaitTrue([&] { return reader_->largest_id() > fed; }))
      << "no flight behind " << fed << " comes out; the last was " << reader_->largest_id();
  ASSERT_TRUE(AwaitTrue([&] {
    const absl::StatusOr<proto::JobDetails> details = Describe(job_);
    return details.ok() && CheckpointsOf(job_, details->summary().generation()) >= 2;
  })) << "no checkpoint completes";
}

void FlightStreamTest::AwaitRecovery(uint64_t former) {
  ASSERT_TRUE(AwaitTrue([&] {
    const absl::StatusOr<proto::JobDetails> details = Describe(job_);
    return details.ok() && details->summary().generation() > former &&
           details->summary().state() == "RUNNING";
  })) << "no generation behind "
      << former << " runs";
  AwaitFlow();
}

void FlightStreamTest::ExpectNothingLost() {
  const absl::StatusOr<std::vector<TestFlight>> fed = feeder_->Finish();
  WEIR_ASSERT_OK(fed);
  AwaitTrue([&] { return reader_->Compare(*fed).lost == 0; });
  const FlightReport report = reader_->Compare(*fed);
  EXPECT_GT(report.expected, 0u);
  EXPECT_EQ(report.lost, 0u) << report.example;
  EXPECT_EQ(report.wrong, 0u);
  EXPECT_EQ(report.duplicates, 0u);
}

}  // namespace weir
