#include "jobmanager/job/job_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::jobmanager {
namespace {

using ::testing::HasSubstr;
using Strategy = RestartOptions::Strategy;

absl::StatusOr<JobOptions> Make(const std::map<std::string, std::string>& submitted,
                                const std::map<std::string, std::string>& cluster = {}) {
  return MakeJobOptions(Config::FromValues(cluster).value(), submitted);
}

TEST(JobOptions, TakesTheDefaults) {
  const JobOptions options = Make({}).value();
  EXPECT_EQ(options.checkpoint.interval, absl::Seconds(10));
  EXPECT_EQ(options.checkpoint.retained, 3u);
  EXPECT_EQ(options.restart.strategy, Strategy::kExponentialDelay);
}

TEST(JobOptions, TakesTheClustersValues) {
  EXPECT_EQ(Make({}, {{"checkpoint.interval", "2s"}})->checkpoint.interval, absl::Seconds(2));
}

TEST(JobOptions, TheSubmissionWinsOverTheCluster) {
  EXPECT_EQ(Make({{"checkpoint.interval", "500ms"}}, {{"checkpoint.interval", "2s"}})
                ->checkpoint.interval,
            absl::Milliseconds(500));
}

TEST(JobOptions, KnowsWhetherMemoryWasSetBySomebody) {
  EXPECT_FALSE(Make({})->memory.state_is_set);
  EXPECT_EQ(Make({})->memory.state_bytes, uint64_t{256} << 20);
  EXPECT_TRUE(Make({{"state.memory", "256mb"}})->memory.state_is_set);
  EXPECT_TRUE(Make({}, {{"exchange.memory", "1mb"}})->memory.exchange_is_set);
  EXPECT_EQ(Make({}, {{"exchange.memory", "1mb"}})->memory.exchange_bytes, uint64_t{1} << 20);
}

TEST(JobOptions, ReadsEveryStrategy) {
  EXPECT_EQ(Make({{"restart.strategy", "none"}})->restart.strategy, Strategy::kNone);
  EXPECT_EQ(Make({{"restart.strategy", "fixed-delay"}})->restart.strategy, Strategy::kFixedDelay);
  EXPECT_EQ(Make({{"restart.strategy", "failure-rate"}})->restart.strategy, Strategy::kFailureRate);
}

TEST(JobOptions, AnUnknownOptionIsNamed) {
  const absl::Status status = Make({{"checkpoint.intervall", "1s"}}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("checkpoint.intervall"));
}

TEST(JobOptions, AnOptionOfTheClusterCannotBeGivenWithAJob) {
  const absl::Status status = Make({{"taskmanager.slots", "4"}}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("taskmanager.slots"));
}

TEST(JobOptions, TheIntervalIsAtMostHalfOfATransactionTimeout) {
  proto::JobGraph graph;
  proto::OperatorDescriptor* sink = graph.add_vertices()->add_operators();
  sink->set_name("copies");
  const JobOptions half = *Make({{"checkpoint.interval", "30s"}});
  EXPECT_EQ(CheckTransactionTimeouts(half, graph), absl::OkStatus());
  sink->set_transaction_timeout_ms(60000);
  EXPECT_EQ(CheckTransactionTimeouts(half, graph), absl::OkStatus());
  EXPECT_EQ(CheckTransactionTimeouts(*Make({{"checkpoint.interval", "31s"}}), graph),
            absl::InvalidArgumentError("checkpoint.interval is 31s, and may be at most half of the "
                                       "transaction timeout of sink 'copies', which is 1min"));
}

TEST(JobOptions, ABadValueIsNamed) {
  const absl::Status status = Make({{"checkpoint.retained", "many"}}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("checkpoint.retained"));
}

}  // namespace
}  // namespace weir::jobmanager
