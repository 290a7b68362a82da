#include "client/cli/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "common/base/seeded_random.h"
#include "tests/support/client/testing_cluster_client.h"
#include "tests/support/temporary_directory.h"

namespace weir::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class TestingClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch() + now; }
  absl::Duration Monotonic() const override { return now; }
  absl::Duration now = absl::ZeroDuration();
};

// Lets the CLI have the client and keeps what it was asked.
class SharedClient final : public ClusterClient {
 public:
  explicit SharedClient(TestingClusterClient& client) : client_(client) {}
  absl::StatusOr<std::string> UploadArtifact(const std::string& path) override {
    return client_.UploadArtifact(path);
  }
  absl::StatusOr<proto::PlanResponse> Plan(const proto::PlanRequest& request) override {
    return client_.Plan(request);
  }
  absl::StatusOr<proto::SubmitJobResponse> SubmitJob(
      const proto::SubmitJobRequest& request) override {
    return client_.SubmitJob(request);
  }
  absl::StatusOr<proto::ListJobsResponse> ListJobs() override { return client_.ListJobs(); }
  absl::StatusOr<proto::JobDetails> DescribeJob(const std::string& job) override {
    return client_.DescribeJob(job);
  }
  absl::Status WatchJob(const std::string& job, const EventVisitor& visitor) override {
    return client_.WatchJob(job, visitor);
  }
  absl::Status CancelJob(const std::string& job) override { return client_.CancelJob(job); }
  absl::Status AbandonTransactions(const std::string& job) override {
    return client_.AbandonTransactions(job);
  }
  absl::Status ResumeJob(const proto::ResumeJobRequest& request) override {
    return client_.ResumeJob(request);
  }
  absl::Status StopJob(const proto::StopJobRequest& request) override {
    return client_.StopJob(request);
  }
  absl::StatusOr<proto::ListCheckpointsResponse> ListCheckpoints(const std::string& job) override {
    return client_.ListCheckpoints(job);
  }
  absl::StatusOr<proto::TransactionsResponse> Transactions(
      const proto::TransactionsRequest& request) override {
    return client_.Transactions(request);
  }
  absl::StatusOr<proto::ClusterDetails> DescribeCluster() override {
    return client_.DescribeCluster();
  }

 private:
  TestingClusterClient& client_;
};

class CliTest : public testing::Test {
 protected:
  ExitCode Run(const std::vector<std::string>& arguments) {
    out_.str("");
    error_.str("");
    CliEnvironment environment{
        variables_,
        [this](ClusterClientOptions options) -> absl::StatusOr<std::unique_ptr<ClusterClient>> {
          options_ = options;
          return std::make_unique<SharedClient>(client_);
        },
        random_,
        clock_,
        [this](absl::Duration pause) { clock_.now += pause; },
        out_,
        error_};
    return RunCli(arguments, environment);
  }

  static proto::JobDetails InState(const std::string& state, const std::string& reason = "",
                                   uint64_t restarts = 0) {
    proto::JobDetails job;
    job.mutable_summary()->set_job("job-1");
    job.mutable_summary()->set_name("flights");
    job.mutable_summary()->set_state(state);
    job.mutable_summary()->set_reason(reason);
    job.mutable_summary()->set_restarts(restarts);
    return job;
  }

  static proto::JobEvent StateEvent(const std::string& state, const std::string& reason = "") {
    proto::JobEvent event;
    event.set_kind(proto::JobEvent::STATE);
    *event.mutable_job() = InState(state, reason).summary();
    return event;
  }

  std::string MakeJob() {
    std::ofstream(directory_.File("job"), std::ios::binary) << "\x7f"
                                                               "ELF"
                                                            << "WEIR_JOB_"
                                                            << "BINARY_V1";
    return directory_.File("job");
  }

  TemporaryDirectory directory_;
  std::map<std::string, std::string> variables_;
  TestingClusterClient client_;
  SeededRandom random_{1};
  TestingClock clock_;
  ClusterClientOptions options_;
  std::ostringstream out_;
  std::ostringstream error_;
};

TEST_F(CliTest, UnknownVerbNamesTheNearest) {
  EXPECT_EQ(Run({"lsit"}), kUsage);
  EXPECT_EQ(error_.str(),
            "weir: unknown verb 'lsit'; did you mean 'list'? "
            "(weir --help lists all)\n");
}

TEST_F(CliTest, UnknownFlagNamesTheNearest) {
  EXPECT_EQ(Run({"submit", "--checkpoint.intervall=1s", MakeJob()}), kUsage);
  EXPECT_EQ(error_.str(),
            "weir: unknown flag '--checkpoint.intervall'; did you mean "
            "'--checkpoint.interval'?\n");
}

TEST_F(CliTest, EveryVerbHasHelp) {
  for (const char* verb : {"new", "submit", "plan", "list", "describe", "cancel", "stop", "resume",
                           "checkpoints", "transactions", "cluster"}) {
    EXPECT_EQ(Run({verb, "--help"}), kOk) << verb;
    EXPECT_THAT(out_.str(), HasSubstr(std::string("Usage: weir ") + verb));
    EXPECT_EQ(error_.str(), "");
  }
}

TEST_F(CliTest, ExitCodesSayWhatKindOfFailureItWas) {
  const std::vector<std::pair<absl::Status, ExitCode>> cases = {
      {absl::InternalError("x"), kFailed},
      {absl::AbortedError("x"), kFailed},
      {absl::InvalidArgumentError("x"), kUsage},
      {absl::NotFoundError("x"), kNotFound},
      {absl::FailedPreconditionError("x"), kConflict},
      {absl::AlreadyExistsError("x"), kConflict},
      {absl::UnauthenticatedError("x"), kAuthentication},
      {absl::UnavailableError("x"), kUnreachable},
      {absl::DeadlineExceededError("x"), kTimeout}};
  for (const auto& [status, code] : cases) {
    client_.error = status;
    EXPECT_EQ(Run({"list"}), code) << status;
    EXPECT_EQ(error_.str(), "weir: x\n");
    EXPECT_EQ(out_.str(), "");
  }
}

TEST_F(CliTest, SubmitWaitsUntilTheJobRuns) {
  client_.descriptions = {InState("CREATED"), InState("DEPLOYING"), InState("RUNNING")};
  const std::string job = MakeJob();
  EXPECT_EQ(Run({"submit", job, "--name", "flights", "--checkpoint.interval=500ms", "--",
                 "--brokers", "x"}),
            kOk);
  EXPECT_EQ(out_.str(), "job 'flights' (job-1) is RUNNING\n");
  EXPECT_EQ(client_.submitted.name(), "flights");
  EXPECT_EQ(client_.submitted.configuration().at("checkpoint.interval"), "500ms");
  EXPECT_THAT(client_.submitted.arguments(), ElementsAre("--brokers", "x"));
  EXPECT_FALSE(client_.submitted.client_token().empty());
  EXPECT_THAT(client_.calls, ElementsAre("upload " + job, "submit", "describe job-1",
                                         "describe job-1", "describe job-1"));
}

TEST_F(CliTest, SubmitTellsWhatAnOperatorShouldKnowBesideTheAnswer) {
  client_.descriptions = {InState("RUNNING")};
  client_.descriptions[0].add_notes("sink 'out': topic 'out' is compacted");
  EXPECT_EQ(Run({"submit", MakeJob()}), kOk);
  EXPECT_EQ(out_.str(), "job 'flights' (job-1) is RUNNING\n");
  EXPECT_EQ(error_.str(), "note: sink 'out': topic 'out' is compacted\n");
  EXPECT_FALSE(client_.submitted.take_over());
}

TEST_F(CliTest, SubmitMayTakeOverWhatAnotherJobHolds) {
  client_.descriptions = {InState("RUNNING")};
  EXPECT_EQ(Run({"submit", MakeJob(), "--take-over"}), kOk);
  EXPECT_TRUE(client_.submitted.take_over());
}

TEST_F(CliTest, SubmitTellsTheFirstFailure) {
  client_.descriptions = {InState("DEPLOYING"), InState("FAILED", "unknown topic 'flihgts'")};
  EXPECT_EQ(Run({"submit", MakeJob()}), kFailed);
  EXPECT_EQ(error_.str(), "weir: job 'flights' (job-1) is FAILED: unknown topic 'flihgts'\n");
}

TEST_F(CliTest, SubmitGivesUpOnAJobThatIsBeingRestarted) {
  client_.descriptions = {InState("RECOVERING", "unknown topic 'flihgts'", 1)};
  EXPECT_EQ(Run({"submit", MakeJob()}), kFailed);
  EXPECT_THAT(error_.str(), HasSubstr("unknown topic 'flihgts'"));
}

TEST_F(CliTest, SubmitTellsTheEndOfAJobThatPassesThroughRecovering) {
  client_.descriptions = {InState("RECOVERING", "unknown topic 'flihgts'", 1),
                          InState("FAILED", "unknown topic 'flihgts'", 1)};
  EXPECT_EQ(Run({"submit", MakeJob()}), kFailed);
  EXPECT_THAT(error_.str(), HasSubstr("is FAILED: unknown topic 'flihgts'"));
}

TEST_F(CliTest, WatchPrintsALineForEachEvent) {
  client_.events = {StateEvent("RUNNING"), StateEvent("FINISHED")};
  proto::JobEvent& checkpoint = client_.events.emplace_back();
  checkpoint.set_kind(proto::JobEvent::CHECKPOINT);
  checkpoint.mutable_checkpoint()->set_epoch(7);
  checkpoint.mutable_checkpoint()->set_state("COMPLETED");
  checkpoint.mutable_checkpoint()->set_duration_ms(12);
  EXPECT_EQ(Run({"watch", "flights"}), kOk);
  EXPECT_EQ(out_.str(),
            "00:00:00.000  RUNNING, generation 0\n"
            "00:00:00.000  FINISHED, generation 0\n"
            "00:00:00.000  checkpoint 7 COMPLETED in 12 ms\n");
  EXPECT_THAT(client_.calls, ElementsAre("watch flights"));
}

TEST_F(CliTest, WatchEndsWithTheJobsFailure) {
  client_.events = {StateEvent("FAILED", "no topic")};
  EXPECT_EQ(Run({"watch", "flights", "-o", "json"}), kFailed);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("\"kind\":\"state\""), HasSubstr("no topic")));
  EXPECT_EQ(error_.str(), "weir: job 'flights' (job-1) is FAILED\n");
}

TEST_F(CliTest, SubmitEndsAtItsTimeout) {
  client_.descriptions = {InState("SCHEDULED")};
  EXPECT_EQ(Run({"submit", MakeJob(), "--timeout=2s"}), kTimeout);
  EXPECT_EQ(error_.str(),
            "weir: job 'flights' (job-1) is SCHEDULED after 2s; the cluster "
            "goes on with it\n");
  EXPECT_EQ(options_.call_timeout, absl::Seconds(2));
}

TEST_F(CliTest, DetachedSubmitDoesNotWait) {
  client_.descriptions = {InState("CREATED")};
  EXPECT_EQ(Run({"submit", MakeJob(), "--detach"}), kOk);
  EXPECT_EQ(out_.str(), "job 'flights' (job-1) is CREATED\n");
}

TEST_F(CliTest, SubmitRefusesWhatIsNoJobWithoutAskingTheCluster) {
  EXPECT_EQ(Run({"submit", directory_.File("none")}), kUsage);
  EXPECT_EQ(error_.str(), "weir: there is no file '" + directory_.File("none") + "'\n");
  EXPECT_EQ(Run({"submit", "/bin/true"}), kUsage);
  EXPECT_EQ(error_.str(),
            "weir: '/bin/true' is not a Weir job: it was not built with weir::RunJob\n");
  EXPECT_TRUE(client_.calls.empty());
}

TEST_F(CliTest, SubmitChecksOptionsOfTheJob) {
  EXPECT_EQ(Run({"submit", MakeJob(), "--checkpoint.interval=fast"}), kUsage);
  EXPECT_THAT(error_.str(), AllOf(HasSubstr("checkpoint.interval"), HasSubstr("fast")));
}

TEST_F(CliTest, AddressesComeFromFlagsThenEnvironmentThenDefault) {
  Run({"list"});
  EXPECT_THAT(options_.addresses, ElementsAre("127.0.0.1:6123"));
  variables_ = {{"WEIR_JOBMANAGER_ADDRESSES", "a:1,b:2"}, {"HOME", "/"}};
  Run({"list"});
  EXPECT_THAT(options_.addresses, ElementsAre("a:1", "b:2"));
  Run({"list", "--jobmanager.addresses=c:3"});
  EXPECT_THAT(options_.addresses, ElementsAre("c:3"));
}

TEST_F(CliTest, MissingTokenFileIsAUsageError) {
  EXPECT_EQ(Run({"list", "--security.token-file=/nonexistent"}), kUsage);
  EXPECT_EQ(error_.str(), "weir: cannot read security.token-file '/nonexistent'\n");
}

TEST_F(CliTest, CancelCanWaitForTheEnd) {
  client_.descriptions = {InState("CANCELLING"), InState("CANCELED")};
  EXPECT_EQ(Run({"cancel", "flights", "--wait"}), kOk);
  EXPECT_EQ(out_.str(), "job 'flights' (job-1) is CANCELED\n");
  EXPECT_EQ(client_.calls.front(), "cancel flights");
}

TEST_F(CliTest, StopEndsTheInput) {
  client_.descriptions = {InState("STOPPING")};
  EXPECT_EQ(Run({"stop", "flights"}), kOk);
  EXPECT_EQ(client_.calls.front(), "stop flights");
}

TEST_F(CliTest, CancelAbandonsOnlyWhenAskedTo) {
  client_.descriptions = {InState("CANCELED")};
  EXPECT_EQ(Run({"cancel", "flights", "--abandon-transactions"}), kOk);
  EXPECT_EQ(client_.calls.front(), "abandon flights");
}

TEST_F(CliTest, ResumePassesThePolicy) {
  client_.descriptions = {InState("SCHEDULING"), InState("DEPLOYING"), InState("RUNNING")};
  EXPECT_EQ(Run({"resume", "flights"}), kOk);
  EXPECT_EQ(client_.calls.front(), "resume flights AS_CONFIGURED");
  client_.calls.clear();
  EXPECT_EQ(Run({"resume", "flights", "--policy=replay"}), kOk);
  EXPECT_EQ(client_.calls.front(), "resume flights REPLAY");
  client_.calls.clear();
  EXPECT_EQ(Run({"resume", "flights", "--policy=ignore", "--wait"}), kOk);
  EXPECT_EQ(client_.calls.front(), "resume flights IGNORE");
  EXPECT_EQ(Run({"resume", "flights", "--policy=maybe"}), kUsage);
  EXPECT_EQ(error_.str(), "weir: --policy is replay or ignore, not 'maybe'\n");
}

TEST_F(CliTest, TransactionsAsksWhatWasSaid) {
  EXPECT_EQ(Run({"transactions", "list", "flights", "--prefix=old", "--sink", "copies"}), kOk);
  EXPECT_EQ(client_.asked.verb(), proto::TransactionsRequest::LIST);
  EXPECT_EQ(client_.asked.job(), "flights");
  EXPECT_EQ(client_.asked.prefix(), "old");
  EXPECT_EQ(client_.asked.sink_uid(), "copies");
  EXPECT_THAT(out_.str(), HasSubstr("TRANSACTIONAL ID  KIND"));
  EXPECT_EQ(options_.call_timeout, absl::Minutes(2));
  EXPECT_EQ(Run({"transactions", "explain", "flights", "p~5~0~1"}), kOk);
  EXPECT_EQ(client_.asked.verb(), proto::TransactionsRequest::EXPLAIN);
  EXPECT_EQ(client_.asked.transactional_id(), "p~5~0~1");
}

TEST_F(CliTest, TransactionsSaysWhatWasDoneInSentences) {
  client_.transactions.add_sentences("It is ended.");
  client_.transactions.add_sentences("Nobody holds it.");
  EXPECT_EQ(Run({"transactions", "abort", "flights", "p~5~0~1"}), kOk);
  EXPECT_EQ(client_.asked.verb(), proto::TransactionsRequest::ABORT);
  EXPECT_EQ(out_.str(), "It is ended.\nNobody holds it.\n");
  EXPECT_EQ(Run({"transactions", "abort", "flights", "p~5~0~1", "-o", "json"}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("\"It is ended.\""));
  client_.error = absl::FailedPreconditionError("epoch 7 needs it");
  EXPECT_EQ(Run({"transactions", "abort", "flights", "p~5~0~1"}), kConflict);
  EXPECT_EQ(error_.str(), "weir: epoch 7 needs it\n");
}

TEST_F(CliTest, TransactionsUsageErrorsAreOneSentence) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "no list|explain|abort is given"},
      {{"list"}, "no JOB is given"},
      {{"lst", "flights"},
       "unknown action 'lst' of transactions; list, explain and abort exist; did you mean 'list'?"},
      {{"list", "flights", "p~5~0~1"}, "unexpected argument 'p~5~0~1'"},
      {{"explain", "flights"}, "transactions explain needs the transactional id behind the job"},
      {{"abort", "flights"}, "transactions abort needs the transactional id behind the job"},
      {{"abort", "flights", "a", "b"}, "unexpected argument 'b'"},
      {{"list", "flights", "--prefix="}, "--prefix is empty"}};
  for (const auto& [arguments, sentence] : cases) {
    std::vector<std::string> all = {"transactions"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    EXPECT_EQ(Run(all), kUsage);
    EXPECT_EQ(error_.str(), "weir: " + sentence + "\n");
  }
  EXPECT_TRUE(client_.calls.empty());
}

TEST_F(CliTest, MissingAndSuperfluousArgumentsAreUsageErrors) {
  EXPECT_EQ(Run({"describe"}), kUsage);
  EXPECT_EQ(error_.str(), "weir: no JOB is given\n");
  EXPECT_EQ(Run({"describe", "a", "b"}), kUsage);
  EXPECT_EQ(error_.str(), "weir: unexpected argument 'b'\n");
  EXPECT_EQ(Run({"list", "-o", "xml"}), kUsage);
  EXPECT_EQ(error_.str(), "weir: --output is 'xml'; table or json is expected\n");
}

}  // namespace
}  // namespace weir::cli
