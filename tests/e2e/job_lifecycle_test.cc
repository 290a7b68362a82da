// suspend, resume, restart, logs, and jobs that start from another's checkpoint, on real Kafka;
// read by Java's consumer with isolation.level=read_committed.

#include <gmock/gmock.h>
#include <signal.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/record_copy_fixture.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class JobLifecycleTest : public RecordCopyTest {
 protected:
  static WeirJob ExactlyOnce() {
    WeirJob job = RecordCopy({"--parallelism=2", "--delivery=exactly-once",
                              absl::StrCat("--prefix=", TopicName("prefix"))});
    job.options["checkpoint.retention"] = "retain-on-cancellation";
    return job;
  }
  bool AwaitCheckpoints(const std::string& job, size_t count) {
    return AwaitTrue([&] { return CheckpointsOf(job, Summary(job).generation()) >= count; });
  }
  ProcessResult Cli(std::vector<std::string> arguments) {
    const absl::StatusOr<ProcessResult> result = weir().Cli(std::move(arguments));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(ProcessResult());
  }
  ProcessResult SubmitFrom(const WeirJob& job, const std::string& checkpoint,
                           std::vector<std::string> flags = {}) {
    std::vector<std::string> arguments = WeirCluster::SubmitArguments(job);
    flags.push_back(absl::StrCat("--from=", checkpoint));
    arguments.insert(arguments.begin() + 1, flags.begin(), flags.end());
    return Cli(arguments);
  }
  std::vector<pid_t> Workers(const std::string& job) {
    std::vector<pid_t> pids;
    const auto details = Describe(job);
    if (!details.ok()) return pids;
    for (const proto::WorkerDetails& worker : details->workers()) {
      pids.push_back(static_cast<pid_t>(worker.pid()));
    }
    return pids;
  }
};

TEST_F(JobLifecycleTest, ASuspendedJobGoesOnWithoutLossOrDuplicate) {
  StartCluster();
  Produce(0, 1000);
  const auto job = weir().Submit(ExactlyOnce());
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitTrue([&] { return OutputEnd() >= 1000; })) << "what is not read stays unread";
  const auto suspended = weir().CliJson({"suspend", *job});
  WEIR_ASSERT_OK(suspended);
  EXPECT_EQ((*suspended)["state"], "SUSPENDED");
  EXPECT_EQ((*suspended)["reason"], "suspended by request");
  EXPECT_TRUE(AwaitTrue([&] { return weir().Processes().size() == 3; })) << "workers live on";
  EXPECT_EQ(Output(1000), Ids(0, 1000)) << "all of it is committed";
  EXPECT_EQ(Cli({"restart", *job}).exit_status, 4);
  EXPECT_EQ(Cli({"suspend", *job}).exit_status, 0) << "once more";
  Produce(1000, 1000);
  WEIR_ASSERT_OK(weir().CliJson({"resume", *job, "--wait"}));
  ASSERT_TRUE(AwaitCheckpoints(*job, 2));
  EXPECT_EQ(Output(0), Ids(0, 2000));
}

// Nothing is read behind the checkpoint, so that nothing comes twice, whatever the guarantee.
TEST_F(JobLifecycleTest, SuspendedAtLeastOnceItWritesNothingTwice) {
  StartCluster();
  const auto job = weir().Submit(RecordCopy({"--parallelism=2"}));
  WEIR_ASSERT_OK(job);
  for (int64_t round = 0; round < 3; ++round) {
    Produce(1000 * round, 1000);
    WEIR_ASSERT_OK(weir().CliJson({"suspend", *job}));
    WEIR_ASSERT_OK(weir().CliJson({"resume", *job, "--wait"}));
  }
  EXPECT_EQ(Output(0), Ids(0, 3000));
}

TEST_F(JobLifecycleTest, ANewLeaderGoesOnWithASuspension) {
  WeirClusterOptions options;
  options.job_managers = 2;
  StartCluster(options);
  Produce(0, 1000);
  const auto job = weir().Submit(ExactlyOnce());
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitTrue([&] { return OutputEnd() >= 1000; }));
  Produce(1000, 1000);
  WEIR_ASSERT_OK(weir().CliJson({"suspend", *job, "--no-wait"}));
  const auto leader = weir().Leader();
  WEIR_ASSERT_OK(leader);
  WEIR_ASSERT_OK(weir().KillJobManager(*leader));
  ASSERT_TRUE(AwaitState(*job, "SUSPENDED"));
  WEIR_ASSERT_OK(weir().CliJson({"resume", *job, "--wait"}));
  EXPECT_EQ(Output(2000), Ids(0, 2000));
  EXPECT_EQ(Output(0), Ids(0, 2000)) << "nothing comes twice";
}

TEST_F(JobLifecycleTest, RestartIsANewGenerationInNewWorkers) {
  StartCluster();
  Produce(0, 1000);
  const auto job = weir().Submit(ExactlyOnce());
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitCheckpoints(*job, 1));
  const std::vector<pid_t> before = Workers(*job);
  const auto restarted = weir().CliJson({"restart", *job, "--wait"});
  WEIR_ASSERT_OK(restarted);
  EXPECT_EQ((*restarted)["state"], "RUNNING");
  EXPECT_EQ((*restarted)["restarts"], 1);
  for (const pid_t pid : Workers(*job)) EXPECT_THAT(before, Not(testing::Contains(pid)));
  Produce(1000, 1000);
  ASSERT_TRUE(AwaitCheckpoints(*job, 2));
  EXPECT_EQ(Output(0), Ids(0, 2000));
}

TEST_F(JobLifecycleTest, LogsShowAWorkerThatWasKilled) {
  StartCluster();
  const auto job = weir().Submit(RecordCopy({}));
  WEIR_ASSERT_OK(job);
  const auto details = Describe(*job);
  WEIR_ASSERT_OK(details);
  const proto::WorkerDetails victim = details->workers(0);
  ASSERT_EQ(kill(static_cast<pid_t>(victim.pid()), SIGKILL), 0);
  ASSERT_TRUE(AwaitTrue([&] { return Summary(*job).restarts() == 1; }));
  ASSERT_TRUE(AwaitState(*job, "RUNNING"));
  const std::string text = Cli({"logs", *job}).standard_output;
  const size_t dead = text.find(absl::StrCat("==> worker ", victim.worker(), " on TaskManager ",
                                             victim.task_manager(), ": killed by signal 9"));
  const size_t alive = text.find(": alive\n");
  ASSERT_NE(dead, std::string::npos) << text;
  ASSERT_NE(alive, std::string::npos) << text;
  EXPECT_LT(dead, alive) << "the newest worker comes last";
  EXPECT_THAT(text.substr(dead, alive - dead), HasSubstr("generation deployed"));
  const std::string one =
      Cli({"logs", *job, "--worker", victim.worker(), "--tail=1", "-o", "json"}).standard_output;
  const nlohmann::json json = nlohmann::json::parse(one, nullptr, false);
  EXPECT_EQ(json.value("worker_id", ""), victim.worker()) << one;
  EXPECT_EQ(json.value("alive", true), false) << one;
  EXPECT_EQ(Cli({"logs", *job, "--worker", "w-none"}).exit_status, 3);
  WEIR_ASSERT_OK(weir().client().CancelJob(*job));
  ASSERT_TRUE(AwaitState(*job, "CANCELED"));
  EXPECT_THAT(Cli({"logs", *job, "--follow"}).standard_output, HasSubstr(victim.worker()))
      << "of an ended job, too, and follow ends with it";
}

TEST_F(JobLifecycleTest, AJobStartsFromARetainedCheckpoint) {
  StartCluster();
  Produce(0, 1000);
  const auto first = weir().Submit(ExactlyOnce());
  WEIR_ASSERT_OK(first);
  ASSERT_TRUE(AwaitCheckpoints(*first, 2));
  Produce(1000, 500);
  WEIR_ASSERT_OK(weir().CliJson({"cancel", *first, "--wait"}));
  Produce(1500, 500);
  const ProcessResult second = SubmitFrom(ExactlyOnce(), *first);
  ASSERT_EQ(second.exit_status, 0) << second.standard_error;
  EXPECT_THAT(second.standard_error, HasSubstr(absl::StrCat(" of job ", *first)));
  Produce(2000, 500);
  ASSERT_TRUE(AwaitCheckpoints("record-copy", 2));
  EXPECT_EQ(Output(2500), Ids(0, 2500)) << "nothing is lost";
  EXPECT_EQ(Output(0), Ids(0, 2500)) << "nothing comes twice";
}

TEST_F(JobLifecycleTest, ACheckpointThatDoesNotFitIsRefused) {
  StartCluster();
  Produce(0, 100);
  const auto first = weir().Submit(ExactlyOnce());
  WEIR_ASSERT_OK(first);
  ASSERT_TRUE(AwaitCheckpoints(*first, 1));
  const ProcessResult running = SubmitFrom(ExactlyOnce(), *first);
  EXPECT_EQ(running.exit_status, 4);
  EXPECT_THAT(running.standard_error,
              HasSubstr(absl::StrCat("job 'record-copy' (", *first,
                                     ") is RUNNING; a job starts from a checkpoint of one that is "
                                     "suspended or has ended")));
  WEIR_ASSERT_OK(weir().CliJson({"cancel", *first, "--wait"}));
  EXPECT_EQ(SubmitFrom(ExactlyOnce(), "no-such-job").exit_status, 3);
  const ProcessResult epoch = SubmitFrom(ExactlyOnce(), "record-copy/99999");
  EXPECT_EQ(epoch.exit_status, 3);
  EXPECT_THAT(epoch.standard_error,
              HasSubstr(absl::StrCat("job 'record-copy' (", *first,
                                     ") has no checkpoint of epoch 99999; it has those of ")));
  const ProcessResult other = SubmitFrom(FlightDelays(), *first);
  EXPECT_EQ(other.exit_status, 4);
  EXPECT_THAT(other.standard_error,
              HasSubstr("the new job has no operator 'numbers', whose state is in the checkpoint; "
                        "--allow-non-restored leaves it out"));
  // It is accepted; whether it gets on with numbers for flights is not the question.
  const ProcessResult without =
      SubmitFrom(FlightDelays(), *first, {"--allow-non-restored", "--detach"});
  EXPECT_EQ(without.exit_status, 0);
  EXPECT_THAT(without.standard_error, HasSubstr("the state of operator 'numbers' was left out"));
}

TEST_F(JobLifecycleTest, WhatIsNotRetainedIsNotThere) {
  StartCluster();
  WeirJob job = ExactlyOnce();
  job.options.erase("checkpoint.retention");
  const auto first = weir().Submit(job);
  WEIR_ASSERT_OK(first);
  ASSERT_TRUE(AwaitCheckpoints(*first, 1));
  WEIR_ASSERT_OK(weir().CliJson({"cancel", *first, "--wait"}));
  const ProcessResult again = SubmitFrom(job, *first);
  EXPECT_EQ(again.exit_status, 3);
  EXPECT_THAT(again.standard_error,
              HasSubstr(absl::StrCat("job 'record-copy' (", *first,
                                     ") has no checkpoint that was retained")));
  EXPECT_EQ(weir().CliJson({"describe", *first}).value()["state"], "CANCELED");
}

}  // namespace
}  // namespace weir
