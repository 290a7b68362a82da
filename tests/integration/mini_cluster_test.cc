// MiniCluster as authors of jobs use it: real worker processes, and no broker.

#include "weir/testing/mini_cluster.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "tests/support/temporary_directory.h"
#include "weir/testing/file_sink.h"

namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;
using weir::TemporaryDirectory;
using weir::testing::MiniCluster;
using weir::testing::MiniClusterJob;
using weir::testing::MiniClusterJobStatus;

class MiniClusterTest : public testing::Test {
 protected:
  MiniClusterJob Sequence(std::vector<std::string> arguments) {
    MiniClusterJob job;
    job.program = absl::StrCat(std::getenv("WEIR_BINARY_DIR"), "/bin/sequence_job");
    job.arguments = std::move(arguments);
    job.arguments.push_back("--out=" + Out());
    job.configuration = {{"checkpoint.interval", "100ms"}};
    return job;
  }
  std::string Out() const { return directory_.File("out"); }

  /// The numbers in the files; as often as they are there.
  std::multiset<int64_t> Numbers() const {
    std::multiset<int64_t> numbers;
    for (std::string line : weir::testing::ReadFileSink(Out())) {
      int64_t number = -1;
      line = line.substr(line.find(':') + 1);
      line.pop_back();
      EXPECT_TRUE(absl::SimpleAtoi(line, &number)) << line;
      numbers.insert(number);
    }
    return numbers;
  }
  /// Of each split, with even and with odd numbers, all from the first on; nothing is lost.
  static std::string Gap(const std::multiset<int64_t>& numbers) {
    const std::set<int64_t> distinct(numbers.begin(), numbers.end());
    for (const int64_t number : distinct) {
      if (number >= 2 && distinct.count(number - 2) == 0) {
        return absl::StrCat(number, " is there and ", number - 2, " is not");
      }
    }
    return "";
  }

  uint64_t Generation(const std::string& job) {
    const std::optional<MiniClusterJobStatus> status = cluster_.Describe(job);
    EXPECT_TRUE(status.has_value()) << cluster_.error();
    return status.has_value() ? status->generation : 0;
  }
  void StopAndExpectNothingLost(const std::string& job) {
    ASSERT_TRUE(cluster_.StopJob(job)) << cluster_.error();
    ASSERT_TRUE(cluster_.AwaitState(job, "FINISHED")) << cluster_.error();
    const std::multiset<int64_t> numbers = Numbers();
    EXPECT_GT(numbers.size(), 0u);
    EXPECT_EQ(Gap(numbers), "");
  }

  TemporaryDirectory directory_;
  MiniCluster cluster_;
};

TEST_F(MiniClusterTest, RunsAJobToItsEnd) {
  ASSERT_TRUE(cluster_.Start()) << cluster_.error();
  const std::string job = cluster_.Submit(Sequence({"--rows=500"}));
  ASSERT_NE(job, "") << cluster_.error();
  ASSERT_TRUE(cluster_.AwaitState(job, "FINISHED")) << cluster_.error();
  const std::multiset<int64_t> numbers = Numbers();
  EXPECT_THAT(numbers, SizeIs(1000));
  EXPECT_EQ(*numbers.begin(), 0);
  EXPECT_EQ(*numbers.rbegin(), 999);
  EXPECT_EQ(std::set<int64_t>(numbers.begin(), numbers.end()).size(), 1000u);
}

TEST_F(MiniClusterTest, KilledWorkerIsReplacedAndNothingIsLost) {
  ASSERT_TRUE(cluster_.Start({.task_managers = 2, .slots = 1})) << cluster_.error();
  const std::string job = cluster_.Submit(Sequence({"--rate=2000", "--parallelism=2"}));
  ASSERT_TRUE(cluster_.AwaitState(job, "RUNNING")) << cluster_.error();
  ASSERT_TRUE(cluster_.AwaitCheckpoint(job)) << cluster_.error();
  const std::optional<MiniClusterJobStatus> before = cluster_.Describe(job);
  ASSERT_TRUE(before.has_value());
  EXPECT_THAT(before->workers, SizeIs(2));

  ASSERT_TRUE(cluster_.KillWorker(job, 1)) << cluster_.error();
  ASSERT_TRUE(cluster_.AwaitState(job, "RUNNING")) << cluster_.error();
  const std::optional<MiniClusterJobStatus> after = cluster_.Describe(job);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->restarts, 1u);
  EXPECT_GT(after->generation, before->generation);
  EXPECT_NE(after->workers.at(1).pid, before->workers.at(1).pid);
  ASSERT_TRUE(cluster_.AwaitCheckpoint(job)) << cluster_.error();
  StopAndExpectNothingLost(job);
}

// At 2,000 rows a second each of the two holds 300 of them back most of the time: a checkpoint has
// positions behind numbers that are nowhere but in operator state.
TEST_F(MiniClusterTest, WhatAFunctionHoldsBackOutlivesItsWorkersAndTheJobManager) {
  ASSERT_TRUE(cluster_.Start({.task_managers = 2, .slots = 1})) << cluster_.error();
  const std::string job =
      cluster_.Submit(Sequence({"--rate=2000", "--parallelism=2", "--buffer=300"}));
  ASSERT_TRUE(cluster_.AwaitState(job, "RUNNING")) << cluster_.error();
  for (const size_t worker : {1, 0, 1}) {
    ASSERT_TRUE(cluster_.AwaitCheckpoint(job)) << cluster_.error();
    ASSERT_TRUE(cluster_.KillWorker(job, worker)) << cluster_.error();
    ASSERT_TRUE(cluster_.AwaitState(job, "RUNNING")) << cluster_.error();
  }
  ASSERT_TRUE(cluster_.AwaitCheckpoint(job)) << cluster_.error();
  ASSERT_TRUE(cluster_.RestartJobManager()) << cluster_.error();
  ASSERT_TRUE(cluster_.AwaitState(job, "RUNNING")) << cluster_.error();
  ASSERT_TRUE(cluster_.AwaitCheckpoint(job)) << cluster_.error();
  StopAndExpectNothingLost(job);
  EXPECT_GT(Numbers().size(), 1000u);
}

TEST_F(MiniClusterTest, AnotherJobManagerGoesOnWithTheJob) {
  ASSERT_TRUE(cluster_.Start()) << cluster_.error();
  const std::string address = cluster_.address();
  const std::string job = cluster_.Submit(Sequence({"--rate=2000"}));
  ASSERT_TRUE(cluster_.AwaitState(job, "RUNNING")) << cluster_.error();
  ASSERT_TRUE(cluster_.AwaitCheckpoint(job)) << cluster_.error();
  const uint64_t generation = Generation(job);

  ASSERT_TRUE(cluster_.RestartJobManager()) << cluster_.error();
  EXPECT_EQ(cluster_.address(), address);
  ASSERT_TRUE(cluster_.AwaitState(job, "RUNNING")) << cluster_.error();
  EXPECT_GT(Generation(job), generation);
  ASSERT_TRUE(cluster_.AwaitCheckpoint(job)) << cluster_.error();
  StopAndExpectNothingLost(job);
}

TEST_F(MiniClusterTest, FunctionThatThrowsIsTheReason) {
  ASSERT_TRUE(cluster_.Start({.configuration = {{"restart.strategy", "none"}}}));
  const std::string job = cluster_.Submit(Sequence({"--rows=500", "--fail-at=77"}));
  EXPECT_FALSE(cluster_.AwaitState(job, "FINISHED"));
  EXPECT_THAT(cluster_.error(), AllOf(HasSubstr("FAILED"), HasSubstr("operator 'id'"),
                                      HasSubstr("this number is too much")));
}

TEST_F(MiniClusterTest, CanceledJobHasNoWorkerToKill) {
  ASSERT_TRUE(cluster_.Start()) << cluster_.error();
  const std::string job = cluster_.Submit(Sequence({"--rate=100"}));
  ASSERT_TRUE(cluster_.AwaitState(job, "RUNNING")) << cluster_.error();
  EXPECT_FALSE(cluster_.KillWorker(job, 7));
  EXPECT_THAT(cluster_.error(), HasSubstr("no worker number 7"));
  ASSERT_TRUE(cluster_.Cancel(job)) << cluster_.error();
  ASSERT_TRUE(cluster_.AwaitState(job, "CANCELED")) << cluster_.error();
  EXPECT_FALSE(cluster_.KillWorker(job));
  EXPECT_THAT(cluster_.error(), HasSubstr("is CANCELED"));
}

TEST_F(MiniClusterTest, StopTakesTheWorkersAlong) {
  ASSERT_TRUE(cluster_.Start()) << cluster_.error();
  const std::string job = cluster_.Submit(Sequence({"--rate=100"}));
  ASSERT_TRUE(cluster_.AwaitState(job, "RUNNING")) << cluster_.error();
  const auto pid = static_cast<pid_t>(cluster_.Describe(job)->workers.at(0).pid);
  EXPECT_EQ(kill(pid, 0), 0);
  cluster_.Stop();
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  EXPECT_FALSE(cluster_.Describe(job).has_value());
  EXPECT_THAT(cluster_.error(), HasSubstr("not started"));
}

TEST_F(MiniClusterTest, TwoClustersInOneProcess) {
  MiniCluster other;
  ASSERT_TRUE(cluster_.Start()) << cluster_.error();
  ASSERT_TRUE(other.Start()) << other.error();
  EXPECT_NE(cluster_.address(), other.address());
  const std::string job = other.Submit(Sequence({"--rows=10"}));
  EXPECT_TRUE(other.AwaitState(job, "FINISHED")) << other.error();
  EXPECT_FALSE(cluster_.Describe(job).has_value());
}

TEST_F(MiniClusterTest, WhatIsWrongIsSaid) {
  EXPECT_EQ(cluster_.Submit(Sequence({})), "");
  EXPECT_THAT(cluster_.error(), HasSubstr("not started"));
  EXPECT_FALSE(MiniCluster().Start({.configuration = {{"checkpoint.intervall", "1s"}}}));
  ASSERT_TRUE(cluster_.Start()) << cluster_.error();
  EXPECT_FALSE(cluster_.Start());
  EXPECT_THAT(cluster_.error(), HasSubstr("started once"));

  const std::string text = directory_.File("text");
  std::ofstream(text) << "no job";
  EXPECT_EQ(cluster_.Submit({.program = text}), "");
  EXPECT_THAT(cluster_.error(), HasSubstr(text));
  EXPECT_FALSE(cluster_.AwaitState("nobody", "RUNNING"));
  EXPECT_THAT(cluster_.error(), HasSubstr("nobody"));
}

}  // namespace
