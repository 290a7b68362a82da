// Exactly once into Kafka while checkpoints fail, recoveries are cut short and others want the
// prefix; docs/protocols/transactions.md.

#include <gmock/gmock.h>
#include <signal.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"

#include "tests/e2e/exactly_once_stream.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr absl::Duration kKillTimeout = absl::Seconds(10);

class ExactlyOnceFaultsTest : public ExactlyOnceStreamTest {
 protected:
  /// Checkpoints that fail need no restart; they fail soon.
  static WeirJob ImpatientJob() {
    WeirJob job = Job();
    job.options["checkpoint.timeout"] = "600ms";
    return job;
  }
  bool AwaitFailedCheckpoints(uint64_t count, absl::Duration timeout) {
    return AwaitTrue([&] { return Details().checkpoints().failed() >= count; }, timeout);
  }
  void ExpectNoRestart(uint64_t generation) {
    const proto::JobDetails details = Details();
    EXPECT_EQ(details.summary().state(), "RUNNING") << details.ShortDebugString();
    EXPECT_EQ(details.summary().restarts(), 0u);
    EXPECT_EQ(details.summary().generation(), generation);
  }
};

// One subtask has prepared its transaction and the other one hangs: the epoch fails, and what is
// prepared is committed with a later one.
TEST_F(ExactlyOnceFaultsTest, AFailedCheckpointWithoutARestartLosesNothing) {
  StartCluster();
  StartStream(ImpatientJob());
  ASSERT_FALSE(HasFatalFailure());
  const uint64_t generation = Generation();
  const std::vector<pid_t> workers = Workers();
  ASSERT_THAT(workers, SizeIs(2));
  // A round is none when the worker hangs between permit and commit: then nothing is triggered.
  for (size_t round = 0; round < 12 && Details().checkpoints().failed() < 3; ++round) {
    const uint64_t failed = Details().checkpoints().failed();
    const pid_t worker = workers[round % 2];
    ASSERT_EQ(kill(worker, SIGSTOP), 0);
    AwaitFailedCheckpoints(failed + 1, absl::Seconds(2));
    ASSERT_EQ(kill(worker, SIGCONT), 0);
    AwaitFlow();
    ASSERT_FALSE(HasFatalFailure());
  }
  EXPECT_GE(Details().checkpoints().failed(), 3u);
  ExpectNoRestart(generation);
  ExpectExactlyOnce();
}

// The broker hangs: no transaction can be prepared in time.
TEST_F(ExactlyOnceFaultsTest, ABrokerThatHangsForAWhileLosesNothing) {
  StartCluster();
  StartStream(ImpatientJob());
  ASSERT_FALSE(HasFatalFailure());
  const uint64_t generation = Generation();
  for (size_t round = 0; round < 12 && Details().checkpoints().failed() < 3; ++round) {
    const uint64_t failed = Details().checkpoints().failed();
    WEIR_ASSERT_OK(cluster().FreezeBroker(1));
    AwaitFailedCheckpoints(failed + 1, absl::Seconds(2));
    WEIR_ASSERT_OK(cluster().ContinueBroker(1));
    AwaitFlow();
    ASSERT_FALSE(HasFatalFailure());
  }
  EXPECT_GE(Details().checkpoints().failed(), 3u);
  ExpectNoRestart(generation);
  ExpectExactlyOnce();
}

// Killed during the recovery, and again before the next checkpoint: the same epoch is restored
// three times.
TEST_F(ExactlyOnceFaultsTest, ACheckpointRestoredAgainAndAgain) {
  StartCluster();
  WeirJob job = Job();
  job.options["checkpoint.interval"] = "4s";
  StartStream(job);
  ASSERT_FALSE(HasFatalFailure());
  const uint64_t before = Generation();
  const auto newest = [this] { return Details().checkpoints().latest_epoch(); };
  const uint64_t at_start = newest();
  ASSERT_TRUE(AwaitTrue([&] { return newest() > at_start; }));
  const uint64_t epoch = newest();
  std::set<pid_t> killed;
  const auto kill_one = [&] {
    pid_t victim = 0;
    const bool found = AwaitTrue([&] {
      for (const pid_t worker : Workers()) {
        if (killed.count(worker) == 0) victim = worker;
      }
      return victim != 0;
    });
    ASSERT_TRUE(found);
    killed.insert(victim);
    WEIR_ASSERT_OK(KillAndAwaitEnd(victim, kKillTimeout));
  };
  kill_one();
  // While the next generation starts: a worker that is there, or was just started.
  ASSERT_TRUE(AwaitTrue([&] { return Generation() > before; }));
  kill_one();
  ASSERT_TRUE(AwaitTrue(
      [&] { return Generation() > before + 1 && Details().summary().state() == "RUNNING"; }));
  EXPECT_EQ(Details().checkpoints().restored_epoch(), epoch);
  // It has written, and no checkpoint has come.
  const auto written = inspection().Offsets(TopicName("output"), kPartitions);
  WEIR_ASSERT_OK(written);
  ASSERT_TRUE(AwaitTrue([&] {
    const auto now = inspection().Offsets(TopicName("output"), kPartitions);
    return now.ok() && now->at(0).high_watermark > written->at(0).high_watermark;
  }));
  ASSERT_EQ(newest(), epoch);
  const uint64_t again = Generation();
  kill_one();
  AwaitRestore(again);
  EXPECT_EQ(Details().checkpoints().restored_epoch(), epoch);
  ExpectExactlyOnce();
}

TEST_F(ExactlyOnceFaultsTest, AnotherClusterWithThePrefixIsRefused) {
  StartCluster();
  StartStream(Job());
  ASSERT_FALSE(HasFatalFailure());
  const uint64_t generation = Generation();
  WeirClusterOptions options;
  options.task_managers = 1;
  options.server_options = {{"cluster.id", "other"}, {"heartbeat.interval", "100ms"}};
  auto other = WeirCluster::Start(options);
  WEIR_ASSERT_OK(other);
  const auto refused = (*other)->Cli(WeirCluster::SubmitArguments(Job()));
  WEIR_ASSERT_OK(refused);
  EXPECT_EQ(refused->exit_status, 1);
  EXPECT_THAT(
      refused->standard_error,
      HasSubstr(absl::StrCat("the transactional id prefix '", Prefix(), "' belongs to job ", job(),
                             " of cluster 'e2e', which is not known to have ended")));
  AwaitFlow();
  ExpectNoRestart(generation);
  // Nor is its next recovery disturbed.
  WEIR_ASSERT_OK(KillAndAwaitEnd(Workers().at(0), kKillTimeout));
  AwaitRestore(generation);
  ExpectExactlyOnce();
  // It has released the prefix.
  WeirJob bounded = Job();
  bounded.arguments.push_back("--bounded=1");
  const auto accepted = (*other)->Submit(bounded);
  WEIR_ASSERT_OK(accepted);
  EXPECT_TRUE(AwaitTrue([&] {
    const auto details = (*other)->client().DescribeJob(*accepted);
    return details.ok() && details->summary().state() == "FINISHED";
  }));
  EXPECT_EQ((*other)->Stop(), absl::OkStatus());
}

TEST_F(ExactlyOnceFaultsTest, APersonMayTakeThePrefixOver) {
  StartCluster();
  StartStream(Job());
  ASSERT_FALSE(HasFatalFailure());
  WeirClusterOptions options;
  options.task_managers = 1;
  options.server_options = {{"cluster.id", "other"}, {"heartbeat.interval", "100ms"}};
  auto other = WeirCluster::Start(options);
  WEIR_ASSERT_OK(other);
  std::vector<std::string> arguments = WeirCluster::SubmitArguments(Job());
  arguments.insert(arguments.begin() + 1, "--take-over");
  const auto accepted = (*other)->Cli(arguments);
  WEIR_ASSERT_OK(accepted);
  EXPECT_EQ(accepted->exit_status, 0) << accepted->standard_error;
  // Its former owner is fenced, and says whose the prefix is. It owes nothing, and so it ends.
  ASSERT_TRUE(AwaitState(job(), "FAILED")) << Details().summary().ShortDebugString();
  EXPECT_THAT(Details().summary().reason(),
              testing::AllOf(HasSubstr("belongs to job"), HasSubstr("of cluster 'other'")));
  EXPECT_EQ((*other)->Stop(), absl::OkStatus());
}

}  // namespace
}  // namespace weir
