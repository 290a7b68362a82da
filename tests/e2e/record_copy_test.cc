// What flight_delays does not show of sources, sinks and faults, with the job of record_copy.cc.

#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "tests/e2e/record_copy_fixture.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

TEST_F(RecordCopyTest, BoundedJobEndsByItselfWithAllItsInputWritten) {
  StartCluster();
  Produce(0, 3000);
  const auto job = weir().Submit(RecordCopy({"--bounded=1", "--parallelism=3"}));
  WEIR_ASSERT_OK(job);
  EXPECT_TRUE(AwaitState(*job, "FINISHED"));
  EXPECT_EQ(OutputEnd(), 3000);
  EXPECT_EQ(Output(3000), Ids(0, 3000));
}

TEST_F(RecordCopyTest, WithoutAGuaranteeAHealthyRunStillWritesEverything) {
  StartCluster();
  Produce(0, 1000);
  WEIR_ASSERT_OK(weir().Submit(RecordCopy({"--delivery=none"})));
  EXPECT_EQ(Output(1000), Ids(0, 1000));
}

TEST_F(RecordCopyTest, StartsWhereItIsTold) {
  StartCluster();
  Produce(0, 100);
  // Partition 0 has the even ids at offsets 0, 1, 2 ...; the other one starts at its beginning.
  WEIR_ASSERT_OK(weir().Submit(RecordCopy({"--bounded=1", "--start=specific", "--offset=40"})));
  std::map<std::string, int> expected = Ids(0, 100);
  for (int64_t id = 0; id < 80; id += 2) expected.erase(absl::StrCat("{\"id\":", id, "}"));
  EXPECT_EQ(Output(expected.size()), expected);

  WEIR_ASSERT_OK(
      weir().Submit(RecordCopy({"--bounded=1", "--start=timestamp", "--timestamp=90001"})));
  for (int64_t id = 90; id < 100; ++id) ++expected[absl::StrCat("{\"id\":", id, "}")];
  EXPECT_EQ(Output(70), expected);
}

// What the stopped job has written has no gap in either partition, and nothing twice.
TEST_F(RecordCopyTest, StopLeavesNoGap) {
  StartCluster();
  Produce(0, 3000);
  const auto job = weir().Submit(RecordCopy({}));
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitTrue([&] { return OutputEnd() > 0; }));
  WEIR_ASSERT_OK(weir().CliJson({"stop", *job, "--wait"}));
  EXPECT_EQ(StateOf(*job), "FINISHED");
  const std::map<std::string, int> output = Output(static_cast<size_t>(OutputEnd()));
  std::map<std::string, int> expected;
  for (int64_t first : {0, 1}) {
    int64_t count = 0;
    for (int64_t id = first; id < 3000; id += 2) {
      count += static_cast<int64_t>(output.count(absl::StrCat("{\"id\":", id, "}")));
    }
    for (int64_t i = 0; i < count; ++i) expected[absl::StrCat("{\"id\":", first + 2 * i, "}")] = 1;
  }
  EXPECT_EQ(output, expected);
}

// Read by Java's consumer, not by our own client.
TEST_F(RecordCopyTest, WorkerKilledLosesNothing) {
  StartCluster();
  Produce(0, 2000);
  const auto job = weir().Submit(RecordCopy({"--parallelism=2"}));
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitTrue([&] { return CheckpointsOf(*job, 1) > 1 && OutputEnd() > 0; }));
  const auto details = Describe(*job);
  WEIR_ASSERT_OK(details);
  Produce(2000, 2000);
  for (const proto::WorkerDetails& worker : details->workers()) {
    ASSERT_EQ(kill(static_cast<pid_t>(worker.pid()), SIGKILL), 0);
  }
  Produce(4000, 1000);
  // At least once: some come twice. The quiet time ends the reading.
  std::map<std::string, int> output;
  EXPECT_TRUE(AwaitTrue([&] { return OutputEnd() >= 5000; }));
  ASSERT_TRUE(AwaitTrue([&] { return Summary(*job).generation() > 1; }));
  output = Output(0);
  EXPECT_EQ(output.size(), 5000u);
}

// What comes in behind its return comes out once for each job: they are all there again.
TEST_F(RecordCopyTest, ALostJobManagersJobsAllGoOn) {
  constexpr int kJobs = 3;
  StartCluster();
  Produce(0, 1000);
  std::vector<std::string> jobs;
  for (int i = 0; i < kJobs; ++i) {
    const auto job = weir().Submit(RecordCopy({"--parallelism=2"}));
    WEIR_ASSERT_OK(job);
    jobs.push_back(*job);
  }
  const auto all = [&jobs](const auto& holds) {
    return AwaitTrue([&] { return std::all_of(jobs.begin(), jobs.end(), holds); },
                     absl::Seconds(90));
  };
  ASSERT_TRUE(all([this](const std::string& job) { return CheckpointsOf(job, 1) > 1; }));
  WEIR_ASSERT_OK(weir().KillJobManager(1));
  WEIR_ASSERT_OK(weir().StartJobManager(1));
  EXPECT_TRUE(all([this](const std::string& job) {
    const proto::JobSummary summary = Summary(job);
    return summary.generation() > 1 && CheckpointsOf(job, summary.generation()) > 0;
  }));
  const int64_t before = OutputEnd();
  Produce(1000, 1000);
  EXPECT_TRUE(AwaitTrue([&] { return OutputEnd() >= before + kJobs * 1000; }));
  std::map<std::string, int> output = Output(static_cast<size_t>(OutputEnd()));
  for (const auto& [value, times] : Ids(1000, 2000, kJobs))
    EXPECT_EQ(output[value], times) << value;
  for (const auto& [value, times] : Ids(0, 1000, kJobs)) EXPECT_GE(output[value], times) << value;
}

// The first job's last checkpoint leaves its offsets in the group; the second goes on there.
TEST_F(RecordCopyTest, GoesOnAtTheGroupsCommittedOffsets) {
  StartCluster();
  Produce(0, 100);
  const std::string group = absl::StrCat("--group=", TopicName("group"));
  const auto first = weir().Submit(RecordCopy({"--bounded=1", "--start=committed", group}));
  WEIR_ASSERT_OK(first);
  ASSERT_TRUE(AwaitState(*first, "FINISHED"));
  Produce(100, 50);
  const auto second = weir().Submit(RecordCopy({"--bounded=1", "--start=committed", group}));
  WEIR_ASSERT_OK(second);
  EXPECT_TRUE(AwaitState(*second, "FINISHED"));
  EXPECT_EQ(Output(150), Ids(0, 150));
}

// One input batch becomes far more than the producer's queue holds.
TEST_F(RecordCopyTest, FanOutBeyondTheSinksRoomWaitsAndLosesNothing) {
  StartCluster();
  Produce(0, 500);
  const auto job =
      weir().Submit(RecordCopy({"--bounded=1", "--fan=200", "--property=buffer.memory=65536"}));
  WEIR_ASSERT_OK(job);
  EXPECT_TRUE(AwaitState(*job, "FINISHED"));
  EXPECT_EQ(OutputEnd(), 100'000);
  const auto details = Describe(*job);
  WEIR_ASSERT_OK(details);
  EXPECT_EQ(details->summary().restarts(), 0u) << details->summary().ShortDebugString();
}

TEST_F(RecordCopyTest, UnknownOutputTopicIsOneSentenceAtSubmit) {
  StartCluster();
  WeirJob job = RecordCopy({});
  job.arguments[2] = "--output=no-such-output";
  const auto submit = weir().Cli(WeirCluster::SubmitArguments(job));
  WEIR_ASSERT_OK(submit);
  EXPECT_EQ(submit->exit_status, 1);
  EXPECT_THAT(submit->standard_error,
              AllOf(HasSubstr("sink 'copies': Kafka topic 'no-such-output' does not exist"),
                    EndsWith("\n")));
}

TEST_F(RecordCopyTest, RecordThatCannotBeReadIsNamedByItsPosition) {
  StartCluster();
  Produce(0, 10);
  KafkaTestRecord bad;
  bad.value = "no JSON";
  bad.partition = 1;
  WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), {bad}));
  WeirJob job = RecordCopy({});
  job.options["restart.strategy"] = "none";
  auto arguments = WeirCluster::SubmitArguments(job);
  arguments.insert(arguments.begin() + 1, "--detach");
  WEIR_ASSERT_OK(weir().Cli(arguments));
  ASSERT_TRUE(AwaitTrue([&] { return StateOf("record-copy") == "FAILED"; }));
  const auto details = Describe("record-copy");
  WEIR_ASSERT_OK(details);
  EXPECT_THAT(
      details->summary().reason(),
      HasSubstr(absl::StrCat("operator 'numbers' failed at topic ", TopicName("input"),
                             ", partition 1, offset 5: a record cannot be read as json: ")));
}

TEST_F(RecordCopyTest, WorkerThatHangsIsKilledAndTheJobGoesOn) {
  WeirClusterOptions options;
  options.server_options["heartbeat.worker-timeout"] = "2s";
  StartCluster(options);
  Produce(0, 100);
  const auto job = weir().Submit(RecordCopy({}));
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitTrue([&] { return CheckpointsOf(*job, 1) > 1; }));
  const auto details = Describe(*job);
  WEIR_ASSERT_OK(details);
  ASSERT_EQ(details->workers_size(), 1);
  const auto pid = static_cast<pid_t>(details->workers(0).pid());
  ASSERT_EQ(kill(pid, SIGSTOP), 0);
  EXPECT_TRUE(AwaitTrue([&] {
    const auto now = Describe(*job);
    return now.ok() && now->summary().generation() == 2 && now->summary().state() == "RUNNING";
  }));
  const auto after = Describe(*job);
  WEIR_ASSERT_OK(after);
  EXPECT_THAT(after->notes(),
              testing::Contains(testing::MatchesRegex(
                  "the last failure was at .* UTC, generation 1: worker w-[0-9a-f]+ on TaskManager "
                  "tm-[0-9a-f]+ has not reported for 2s; it is killed.*")));
  EXPECT_TRUE(AwaitTrue([&] { return kill(pid, 0) != 0; })) << "the worker that hung lives on";
  Produce(100, 100);
  EXPECT_TRUE(AwaitTrue([&] { return OutputEnd() >= 200; }));
}

// A name means the job that has not ended, and nothing when there are two.
TEST_F(RecordCopyTest, NamesOfJobs) {
  StartCluster();
  const auto first = weir().Submit(RecordCopy({}));
  WEIR_ASSERT_OK(first);
  const auto second = weir().Submit(RecordCopy({}));
  WEIR_ASSERT_OK(second);
  const auto ambiguous = weir().Cli({"cancel", "record-copy"});
  WEIR_ASSERT_OK(ambiguous);
  EXPECT_EQ(ambiguous->exit_status, 4);
  EXPECT_THAT(ambiguous->standard_error,
              AllOf(HasSubstr("2 jobs are named 'record-copy'; say which one by its id: "),
                    HasSubstr(*first), HasSubstr(*second)));
  WEIR_ASSERT_OK(weir().client().CancelJob(*second));
  ASSERT_TRUE(AwaitState(*second, "CANCELED"));
  EXPECT_EQ(StateOf("record-copy"), "RUNNING");
}

TEST_F(RecordCopyTest, AJobThatWaitsForSlotsSaysHowManyItNeeds) {
  WeirClusterOptions options;
  options.task_managers = 1;
  StartCluster(options);
  auto arguments = WeirCluster::SubmitArguments(RecordCopy({"--parallelism=5"}));
  arguments.insert(arguments.begin() + 1, "--timeout=1s");
  const auto submit = weir().Cli(arguments);
  WEIR_ASSERT_OK(submit);
  EXPECT_EQ(submit->exit_status, 7);
  EXPECT_THAT(submit->standard_error,
              HasSubstr("is SCHEDULING after 1s: waits for slots: needs 5 slots; 4 are free on 1 "
                        "TaskManager; the cluster goes on with it"));
}

TEST_F(RecordCopyTest, WithoutATaskManagerNothingIsPlanned) {
  WeirClusterOptions options;
  options.task_managers = 0;
  StartCluster(options);
  auto arguments = WeirCluster::SubmitArguments(RecordCopy({}));
  arguments.insert(arguments.begin() + 1, "--timeout=1s");
  const auto submit = weir().Cli(arguments);
  WEIR_ASSERT_OK(submit);
  EXPECT_EQ(submit->exit_status, 7);
  EXPECT_THAT(submit->standard_error,
              HasSubstr(absl::StrCat("the JobManager at ", weir().address(1),
                                     ": no TaskManager is registered that could plan the job "
                                     "(tried for ")));
  // Also where another JobManager is away.
  ChildProcessOptions options_of_plan;
  options_of_plan.argv = {WeirProgram("weir"),
                          absl::StrCat("--jobmanager.addresses=127.0.0.1:1,", weir().address(1)),
                          "plan", WeirProgram("record_copy"), "--timeout=2s"};
  const auto plan = ChildProcess::RunToEnd(std::move(options_of_plan), absl::Seconds(30));
  WEIR_ASSERT_OK(plan);
  EXPECT_EQ(plan->exit_status, 7);
  EXPECT_THAT(plan->standard_error, HasSubstr("no TaskManager is registered"));
}

TEST_F(RecordCopyTest, ExactlyOnceIsNotAvailableOverTls) {
  StartCluster();
  const auto submit = weir().Cli(WeirCluster::SubmitArguments(
      RecordCopy({"--delivery=exactly-once", "--prefix=p", "--property=security.protocol=SSL"})));
  WEIR_ASSERT_OK(submit);
  EXPECT_EQ(submit->exit_status, 2);
  EXPECT_THAT(submit->standard_error,
              HasSubstr("exactly-once delivery is not available over security.protocol=SSL in "
                        "this version"));
}

// No broker answers for a while: the wait is over before the job runs, and says that it goes on.
TEST_F(RecordCopyTest, SubmitThatGivesUpWaitingIsExitCodeSeven) {
  StartCluster();
  WeirJob job = RecordCopy({});
  job.arguments[0] = "--brokers=127.0.0.1:1";
  auto arguments = WeirCluster::SubmitArguments(job);
  arguments.insert(arguments.begin() + 1, "--timeout=1s");
  const auto submit = weir().Cli(arguments);
  WEIR_ASSERT_OK(submit);
  EXPECT_EQ(submit->exit_status, 7);
  EXPECT_THAT(submit->standard_error, HasSubstr("the cluster goes on with it"));
}

}  // namespace
}  // namespace weir
