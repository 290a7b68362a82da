// Functions of the job's author that crash, throw, stall and take memory: each is named in one
// sentence, and hurts nobody else.

#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/record_copy_fixture.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;

class FaultyFunctionTest : public RecordCopyTest {
 protected:
  void SetUp() override {
    RecordCopyTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("orders"), 1));
  }
  /// One order behind the last of the topic.
  void Order(const std::string& fault, int64_t amount = 0) {
    KafkaTestRecord record;
    record.partition = 0;
    record.value = absl::StrCat("{\"id\":", ++last_order_, ",\"fault\":\"", fault,
                                "\",\"amount\":", amount, ",\"filler\":\"\"}");
    WEIR_ASSERT_OK(cluster().Produce(TopicName("orders"), {record}));
  }
  WeirJob Faulty() {
    WeirJob job{"faulty_job",
                JobArguments(),
                {{"checkpoint.interval", "200ms"}, {"restart.strategy", "none"}}};
    job.arguments[1] = absl::StrCat("--input=", TopicName("orders"));
    return job;
  }
  /// What comes of submitting it with a build function that does this.
  ProcessResult SubmitWithPlan(const std::string& fault) {
    WeirJob job = Faulty();
    job.arguments.push_back(absl::StrCat("--plan=", fault));
    const auto submit = weir().Cli(WeirCluster::SubmitArguments(job));
    EXPECT_TRUE(submit.ok()) << submit.status();
    return submit.value_or(ProcessResult());
  }
  /// The job runs, gets this order as its second, and fails; returns why.
  std::string ReasonAfter(const std::string& fault, int64_t amount = 0,
                          const std::vector<std::string>& more_arguments = {}) {
    Order("");
    WeirJob faulty = Faulty();
    faulty.arguments.insert(faulty.arguments.end(), more_arguments.begin(), more_arguments.end());
    const auto job = weir().Submit(faulty);
    EXPECT_TRUE(job.ok()) << job.status();
    if (!job.ok()) return "";
    EXPECT_TRUE(AwaitTrue([&] { return OutputEnd() >= 1; }));
    Order(fault, amount);
    EXPECT_TRUE(AwaitState(*job, "FAILED")) << StateOf(*job);
    return Summary(*job).reason();
  }
  std::string Position() {
    return absl::StrCat("topic ", TopicName("orders"), ", partition 0, offset 1");
  }
  /// All that workers of the cluster have logged.
  std::string WorkerLogs() {
    std::string logs;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(weir().directory().path())) {
      if (entry.path().filename().string().rfind("w-", 0) != 0) continue;
      std::ifstream file(entry.path());
      logs.append(std::istreambuf_iterator<char>(file), {});
    }
    return logs;
  }

 private:
  int64_t last_order_ = 0;
};

TEST_F(FaultyFunctionTest, ASegmentationFaultIsNamedWithOperatorAndRecord) {
  StartCluster();
  const std::string reason = ReasonAfter("segfault");
  EXPECT_THAT(reason, MatchesRegex(absl::StrCat(
                          "worker w-[0-9a-f]+ on TaskManager tm-[0-9a-f]+ crashed: SIGSEGV in "
                          "operator 'obey', at ",
                          Position(), "; the report is in its log \\(weir logs JOB\\).*")));
  EXPECT_THAT(weir().Log(WeirCluster::JobManagerName(1)),
              HasSubstr("crashed: SIGSEGV in operator 'obey', at topic"));
  EXPECT_THAT(WorkerLogs(), AllOf(HasSubstr("thread "), HasSubstr("'weir-slot-0'"),
                                  HasSubstr("fault address 0x0"), HasSubstr("WriteToNowhere"),
                                  Not(HasSubstr("\"id\":"))));
}

TEST_F(FaultyFunctionTest, AnExceptionThatNobodyCanCatchIsNamed) {
  StartCluster();
  EXPECT_THAT(
      ReasonAfter("terminate"),
      AllOf(HasSubstr("crashed: SIGABRT (nobody caught an exception: not caught) in operator "
                      "'obey', at "),
            HasSubstr(Position())));
}

TEST_F(FaultyFunctionTest, AnExitIsNamed) {
  StartCluster();
  EXPECT_THAT(
      ReasonAfter("exit"),
      MatchesRegex("worker w-[0-9a-f]+ on TaskManager tm-[0-9a-f]+ exited with code 7: gave up; "
                   "restart.strategy is none"));
}

TEST_F(FaultyFunctionTest, AnExceptionIsNamedWithOperatorAndRecord) {
  StartCluster();
  EXPECT_THAT(ReasonAfter("throw"),
              HasSubstr(absl::StrCat("operator 'obey' failed at ", Position(),
                                     ": a user function threw: no such order")));
}

// It runs in the task of the operator before: what threw is said, and at which record.
TEST_F(FaultyFunctionTest, AKeyThatThrowsIsNamedWithItsRecord) {
  StartCluster();
  EXPECT_THAT(ReasonAfter("key", 0, {"--keyed=true"}),
              HasSubstr(absl::StrCat("operator 'orders' failed at ", Position(),
                                     ": the function of KeyBy threw: no key")));
}

TEST_F(FaultyFunctionTest, AStallIsNamedWhileItLasts) {
  StartCluster();
  Order("");
  WeirJob faulty = Faulty();
  faulty.options["task.stall-timeout"] = "500ms";
  const auto job = weir().Submit(faulty);
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitTrue([&] { return OutputEnd() >= 1; }));
  const auto notes = [&] {
    const auto details = Describe(*job);
    return details.ok() ? std::vector<std::string>(details->notes().begin(), details->notes().end())
                        : std::vector<std::string>();
  };
  EXPECT_THAT(notes(), IsEmpty());
  Order("stall", 4000);
  ASSERT_TRUE(AwaitTrue([&] { return !notes().empty(); }));
  EXPECT_THAT(notes(), Contains(MatchesRegex(absl::StrCat(
                           "operator 'obey' of task 1.0 \\(orders -> obey -> copies\\) has been "
                           "running for [0-9.]+m?s, at ",
                           Position()))));
  EXPECT_TRUE(AwaitTrue([&] { return notes().empty(); }));
  EXPECT_EQ(StateOf(*job), "RUNNING");
  EXPECT_THAT(WorkerLogs(), AllOf(HasSubstr("a task has not come back from a step"),
                                  HasSubstr("a task that stood still goes on")));
  EXPECT_TRUE(AwaitTrue([&] { return OutputEnd() >= 2; }));
}

TEST_F(FaultyFunctionTest, AWorkerThatTakesTooMuchMemoryIsKilledAloneAndTheReasonSaysSo) {
  WeirClusterOptions options;
  options.task_managers = 1;
  options.server_options["taskmanager.worker-memory-limit"] = "256mb";
  StartCluster(options);
  Produce(0, 100);
  const auto other = weir().Submit(RecordCopy({}));
  WEIR_ASSERT_OK(other);
  ASSERT_TRUE(AwaitTrue([&] { return OutputEnd() >= 100; }));
  const auto before = Describe(*other);
  WEIR_ASSERT_OK(before);
  EXPECT_THAT(ReasonAfter("allocate", 600),
              MatchesRegex("worker w-[0-9a-f]+ on TaskManager tm-[0-9a-f]+ killed by its "
                           "TaskManager: it used [0-9.]+ MiB of 256.0 MiB of memory "
                           "\\(taskmanager.worker-memory-limit\\).*"));
  const int64_t copied = OutputEnd();
  Produce(100, 100);
  EXPECT_TRUE(AwaitTrue([&] { return OutputEnd() >= copied + 100; }));
  const auto after = Describe(*other);
  WEIR_ASSERT_OK(after);
  EXPECT_EQ(after->summary().state(), "RUNNING");
  EXPECT_EQ(after->summary().restarts(), 0u);
  EXPECT_EQ(after->workers(0).pid(), before->workers(0).pid());
}

TEST_F(FaultyFunctionTest, ABuildFunctionThatCrashesIsOneSentenceAtSubmit) {
  StartCluster();
  const ProcessResult submit = SubmitWithPlan("segfault");
  EXPECT_EQ(submit.exit_status, 2);
  EXPECT_THAT(submit.standard_error,
              ContainsRegex("the job could not be planned: it crashed: SIGSEGV in no operator, on "
                            "thread '[^']+'"));
}

TEST_F(FaultyFunctionTest, ABuildFunctionThatDependsOnMoreThanItsArgumentsIsNamed) {
  StartCluster();
  const ProcessResult submit = SubmitWithPlan("pid");
  EXPECT_EQ(submit.exit_status, 1);
  EXPECT_THAT(submit.standard_error,
              HasSubstr("the plan of the job differs from the one this binary makes of the same "
                        "arguments; a build function may depend on its arguments only"));
}

// A function that stands still keeps its task from answering the barrier.
TEST_F(FaultyFunctionTest, ACheckpointThatTimesOutIsNamedAndTooManyOfThemFailTheJob) {
  StartCluster();
  Order("");
  WeirJob faulty = Faulty();
  faulty.options["checkpoint.timeout"] = "500ms";
  faulty.options["checkpoint.tolerable-failures"] = "0";
  const auto job = weir().Submit(faulty);
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitTrue([&] { return OutputEnd() >= 1; }));
  Order("stall", 4000);
  ASSERT_TRUE(AwaitState(*job, "FAILED")) << StateOf(*job);
  EXPECT_EQ(Summary(*job).reason(),
            "more than 0 checkpoints failed in a row, the last one: timed out after 500ms: 1 tasks "
            "have not answered; restart.strategy is none");
  EXPECT_THAT(weir().Cli({"checkpoint", "list", *job}).value().standard_output,
              HasSubstr("timed out after 500ms: 1 tasks have not answered"));
}

TEST_F(FaultyFunctionTest, AWorkerThatHangsInAFunctionIsNamedWithIt) {
  WeirClusterOptions options;
  options.server_options["heartbeat.worker-timeout"] = "2s";
  StartCluster(options);
  Order("");
  WeirJob faulty = Faulty();
  faulty.options["task.stall-timeout"] = "500ms";
  const auto job = weir().Submit(faulty);
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitTrue([&] { return OutputEnd() >= 1; }));
  Order("stall", 60000);
  ASSERT_TRUE(AwaitTrue([&] {
    const auto details = Describe(*job);
    return details.ok() && !details->notes().empty();
  }));
  EXPECT_THAT(weir().Cli({"describe", *job}).value().standard_output,
              HasSubstr("Note: operator 'obey' of task 1.0"));
  const auto details = Describe(*job);
  WEIR_ASSERT_OK(details);
  ASSERT_EQ(kill(static_cast<pid_t>(details->workers(0).pid()), SIGSTOP), 0);
  ASSERT_TRUE(AwaitState(*job, "FAILED")) << StateOf(*job);
  EXPECT_THAT(Summary(*job).reason(),
              HasSubstr("has not reported for 2s; it is killed; when it was last heard of, "
                        "operator 'obey' of task 1.0 (orders -> obey -> copies) has been running "
                        "for "));
}

}  // namespace
}  // namespace weir
