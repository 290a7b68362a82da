// The CLI and the client library against a running cluster.

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/cluster_test.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class JobControlTest : public ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (const char* suffix : {"input", "output"}) {
      WEIR_ASSERT_OK(cluster().CreateTopic(TopicName(suffix), 2));
    }
    StartCluster();
  }

  ProcessResult Cli(std::vector<std::string> arguments) {
    const absl::StatusOr<ProcessResult> result = weir().Cli(std::move(arguments));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(ProcessResult());
  }
};

TEST_F(JobControlTest, ListsDescribesAndCancels) {
  const auto submitted = weir().CliJson(WeirCluster::SubmitArguments(FlightDelays()));
  WEIR_ASSERT_OK(submitted);
  EXPECT_EQ((*submitted)["name"], "flight-delays");
  EXPECT_EQ((*submitted)["state"], "RUNNING");
  const std::string job = (*submitted)["job_id"];

  const auto list = weir().CliJson({"list"});
  WEIR_ASSERT_OK(list);
  ASSERT_EQ((*list)["jobs"].size(), 1u) << *list;
  EXPECT_EQ((*list)["jobs"][0]["job_id"], job);

  const auto details = weir().CliJson({"describe", "flight-delays"});  // by its name
  WEIR_ASSERT_OK(details);
  EXPECT_EQ((*details)["job_id"], job);
  EXPECT_EQ((*details)["workers"].size(), 1u);
  EXPECT_EQ((*details)["tasks"].size(), 1u);
  EXPECT_EQ((*details)["tasks"][0]["splits"].size(), 2u) << *details;
  EXPECT_EQ((*details)["configuration"]["checkpoint.interval"], "200ms");
  EXPECT_THAT(Cli({"describe", job}).standard_output, AllOf(HasSubstr(job), HasSubstr("RUNNING")));

  EXPECT_TRUE(AwaitTrue([&] { return CheckpointsOf(job, 1) >= 2; }));
  const auto checkpoints = weir().CliJson({"checkpoint", "list", job});
  WEIR_ASSERT_OK(checkpoints);
  EXPECT_GE((*checkpoints)["completed"].get<int>(), 2);
  EXPECT_EQ((*checkpoints)["failed"], 0);

  const auto canceled = weir().CliJson({"cancel", job, "--wait"});
  WEIR_ASSERT_OK(canceled);
  EXPECT_EQ((*canceled)["state"], "CANCELED");
  EXPECT_EQ(Cli({"stop", job}).exit_status, 4);
  EXPECT_TRUE(AwaitTrue([&] { return weir().Processes().size() == 3; }))
      << "the worker of a canceled job lives on";
}

TEST_F(JobControlTest, DetachReturnsBeforeTheJobRuns) {
  std::vector<std::string> arguments = WeirCluster::SubmitArguments(FlightDelays());
  arguments.insert(arguments.begin() + 1, {"--detach", "--name=my-flights"});
  const auto submitted = weir().CliJson(arguments);
  WEIR_ASSERT_OK(submitted);
  EXPECT_EQ((*submitted)["name"], "my-flights");
  EXPECT_TRUE(AwaitState((*submitted)["job_id"], "RUNNING"));
}

TEST_F(JobControlTest, JobSubmitsItself) {
  ChildProcessOptions options;
  options.argv = {WeirProgram("flight_delays"),
                  "submit",
                  absl::StrCat("--jobmanager.addresses=", weir().addresses()),
                  "-o",
                  "json",
                  "--"};
  for (const std::string& argument : JobArguments()) options.argv.push_back(argument);
  const auto result = ChildProcess::RunToEnd(options, absl::Seconds(60));
  WEIR_ASSERT_OK(result);
  ASSERT_EQ(result->exit_status, 0) << result->standard_error;
  const nlohmann::json json = nlohmann::json::parse(result->standard_output, nullptr, false);
  EXPECT_EQ(json.value("state", ""), "RUNNING") << result->standard_output;
}

TEST_F(JobControlTest, OneTokenIsOneJobOverAJobManagersDeath) {
  ClusterClient& client = weir().client();
  proto::SubmitJobRequest request;
  const auto artifact = client.UploadArtifact(WeirProgram("flight_delays"));
  WEIR_ASSERT_OK(artifact);
  request.set_artifact(*artifact);
  request.set_client_token("the-token-of-this-test");
  for (const std::string& argument : JobArguments()) request.add_arguments(argument);
  const auto first = client.SubmitJob(request);
  WEIR_ASSERT_OK(first);
  const auto again = client.SubmitJob(request);
  WEIR_ASSERT_OK(again);
  EXPECT_EQ(again->job(), first->job());
  WEIR_ASSERT_OK(weir().KillJobManager(1));
  WEIR_ASSERT_OK(weir().StartJobManager(1));
  const auto later = client.SubmitJob(request);
  WEIR_ASSERT_OK(later);
  EXPECT_EQ(later->job(), first->job());
  EXPECT_EQ(client.ListJobs()->jobs_size(), 1);
}

// As a client sends it that shows a plan first: the Python example, say.
TEST_F(JobControlTest, APlanThatIsNotTheBinarysIsRefused) {
  ClusterClient& client = weir().client();
  const auto artifact = client.UploadArtifact(WeirProgram("flight_delays"));
  WEIR_ASSERT_OK(artifact);
  proto::SubmitJobRequest request;
  request.set_artifact(*artifact);
  request.set_client_token("another plan");
  request.mutable_plan()->set_fingerprint("other");
  const auto refused = client.SubmitJob(request);
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("the plan that was submitted differs from the one a TaskManager makes of "
                        "the same binary and arguments"));
}

TEST_F(JobControlTest, PlansInTheCluster) {
  const auto plan = weir().CliJson({"plan", WeirProgram("flight_delays"), "--"});
  WEIR_ASSERT_OK(plan);
  EXPECT_EQ((*plan)["job_name"], "flight-delays") << *plan;
  EXPECT_EQ((*plan)["vertices"].size(), 1u);
}

// librdkafka's time-outs make these slow, so they wait side by side.
TEST_F(JobControlTest, UnknownTopicAndWrongBrokerAreOneSentenceEach) {
  WeirJob unknown_topic = FlightDelays();
  unknown_topic.arguments[1] = absl::StrCat("--input=", TopicName("inpu"));
  WeirJob wrong_broker = FlightDelays();
  wrong_broker.arguments[0] = "--brokers=127.0.0.1:1";
  const std::map<std::string, WeirJob> jobs = {
      {absl::StrCat("Kafka topic '", TopicName("inpu"), "' does not exist on brokers ",
                    cluster().bootstrap_servers(), "; did you mean '", TopicName("input"), "'?"),
       unknown_topic},
      {"no Kafka broker answers at '127.0.0.1:1'", wrong_broker}};
  std::map<std::string, std::unique_ptr<ChildProcess>> submits;
  for (const auto& [sentence, job] : jobs) {
    ChildProcessOptions options;
    options.argv = {WeirProgram("weir"),
                    absl::StrCat("--jobmanager.addresses=", weir().addresses())};
    for (const std::string& argument : WeirCluster::SubmitArguments(job)) {
      options.argv.push_back(argument);
    }
    auto process = ChildProcess::Start(std::move(options));
    WEIR_ASSERT_OK(process);
    submits[sentence] = *std::move(process);
  }
  for (const auto& [sentence, process] : submits) {
    EXPECT_EQ(process->Wait(absl::Seconds(60)).value_or(-1), 1);
    EXPECT_THAT(process->StandardError(), HasSubstr(sentence));
  }
}

TEST_F(JobControlTest, WhatIsNotThereIsExitCodeThree) {
  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"describe"}, {"cancel"}, {"stop"}, {"checkpoint", "list"}}) {
    std::vector<std::string> line = verb;
    line.push_back("no-such-job");
    const ProcessResult result = Cli(line);
    EXPECT_EQ(result.exit_status, 3) << verb.front();
    EXPECT_EQ(result.standard_error, "weir: there is no job 'no-such-job'\n") << verb.front();
  }
}

}  // namespace
}  // namespace weir
