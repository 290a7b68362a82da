#include "client/cli/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"

#include "client/cli/verb.h"
#include "tests/unit/client/cli/cli_fixture.h"

namespace weir::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

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
  for (const Verb& verb : AllVerbs()) {
    std::vector<std::string> arguments = absl::StrSplit(verb.name, ' ');
    arguments.push_back("--help");
    EXPECT_EQ(Run(arguments), kOk) << verb.name;
    EXPECT_THAT(out_.str(), HasSubstr("Usage: weir " + verb.name));
    EXPECT_EQ(error_.str(), "");
  }
}

TEST_F(CliTest, HelpIsAlsoAVerbAndKnowsNouns) {
  EXPECT_EQ(Run({"help", "stop"}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("Usage: weir stop JOB"));
  EXPECT_EQ(Run({"help"}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("Usage: weir VERB"));
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"transactions", "--help"}, {"help", "transactions"}}) {
    EXPECT_EQ(Run(line), kOk);
    EXPECT_THAT(out_.str(), AllOf(HasSubstr("Usage: weir transactions VERB"),
                                  HasSubstr("transactions explain "), Not(HasSubstr("submit"))));
  }
}

TEST_F(CliTest, NounWithoutAVerbTellsWhichThereAre) {
  EXPECT_EQ(Run({"transactions"}), kUsage);
  EXPECT_EQ(error_.str(), "weir: transactions needs a verb: list, explain, abort\n");
  EXPECT_EQ(Run({"checkpoint", "lst", "flights"}), kUsage);
  EXPECT_EQ(error_.str(),
            "weir: unknown verb 'lst' of checkpoint; list, describe exist; did you mean 'list'?\n");
}

TEST_F(CliTest, FlagsMayStandAnywhere) {
  EXPECT_EQ(Run({"local-cluster", "--dir", directory_.File("none"), "status"}), kNotFound);
  EXPECT_EQ(error_.str(), "weir: no local cluster runs in " + directory_.File("none") + "\n");
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"-o", "name", "checkpoint", "list", "flights"},
        {"checkpoint", "--output", "name", "list", "flights"},
        {"checkpoint", "list", "flights", "-oname"}}) {
    client_.checkpoints.Clear();
    client_.checkpoints.add_checkpoints()->set_epoch(7);
    EXPECT_EQ(Run(line), kOk) << error_.str();
    EXPECT_EQ(out_.str(), "checkpoint/7\n");
    EXPECT_EQ(client_.calls.back(), "checkpoints flights");
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

TEST_F(CliTest, AFlagWithoutItsValueIsNoSubmission) {
  for (const char* flag : {"from", "name"}) {
    error_.str("");
    EXPECT_EQ(Run({"submit", MakeJob(), absl::StrCat("--", flag, "=")}), kUsage);
    EXPECT_THAT(error_.str(), HasSubstr(absl::StrCat("--", flag, " has no value")));
  }
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

TEST_F(CliTest, SuspendWaitsUnlessToldNotTo) {
  client_.descriptions = {InState("SUSPENDED", "suspended by request")};
  EXPECT_EQ(Run({"suspend", "flights"}), kOk);
  EXPECT_EQ(client_.calls.front(), "suspend flights wait");
  EXPECT_EQ(out_.str(), "job 'flights' (job-1) is SUSPENDED: suspended by request\n");
  client_.calls.clear();
  EXPECT_EQ(Run({"suspend", "flights", "--no-wait"}), kOk);
  EXPECT_EQ(client_.calls.front(), "suspend flights");
}

TEST_F(CliTest, SuspendSaysThatItHasFailed) {
  client_.suspended = absl::AbortedError("job j is not suspended and runs on: disk full");
  EXPECT_EQ(Run({"suspend", "flights"}), kFailed);
  EXPECT_EQ(error_.str(), "weir: job j is not suspended and runs on: disk full\n");
}

TEST_F(CliTest, SuspendSaysWhatTheJobIsWhenTimeIsUp) {
  client_.suspended = absl::DeadlineExceededError("no answer");
  client_.descriptions = {InState("RUNNING", "is being suspended")};
  EXPECT_EQ(Run({"suspend", "flights", "--timeout=5s"}), kTimeout);
  EXPECT_EQ(error_.str(),
            "weir: job 'flights' (job-1) is RUNNING after 5s: is being suspended; the cluster goes "
            "on with it\n");
}

TEST_F(CliTest, RestartIsAboutTheGenerationThatRuns) {
  proto::JobDetails running = InState("RUNNING");
  running.mutable_summary()->set_generation(3);
  client_.descriptions = {running, InState("SCHEDULING", "restarted by request")};
  EXPECT_EQ(Run({"restart", "flights"}), kOk);
  EXPECT_THAT(client_.calls, ElementsAre("describe flights", "restart job-1 3", "describe job-1"));
  EXPECT_EQ(out_.str(), "job 'flights' (job-1) is SCHEDULING: restarted by request\n");
}

TEST_F(CliTest, SubmitFromNamesTheCheckpoint) {
  client_.descriptions = {InState("RUNNING")};
  EXPECT_EQ(Run({"submit", MakeJob(), "--from=old/7", "--allow-non-restored"}), kOk);
  EXPECT_EQ(client_.submitted.from(), "old/7");
  EXPECT_TRUE(client_.submitted.allow_non_restored());
  EXPECT_EQ(Run({"submit", MakeJob(), "--from=job/job-1/7"}), kOk);
  EXPECT_EQ(client_.submitted.from(), "job-1/7");
  EXPECT_EQ(Run({"submit", MakeJob(), "--allow-non-restored"}), kUsage);
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
      {{"list"}, "no JOB is given"},
      {{"lst", "flights"},
       "unknown verb 'lst' of transactions; list, explain, abort exist; did you mean 'list'?"},
      {{"list", "flights", "p~5~0~1"}, "unexpected argument 'p~5~0~1'"},
      {{"explain", "flights"}, "no ID is given"},
      {{"abort", "flights"}, "no ID is given"},
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
  EXPECT_EQ(error_.str(), "weir: --output is 'xml'; table, wide, json, yaml or name is expected\n");
}

TEST_F(CliTest, NamesAreTakenWhereAJobIsMeant) {
  client_.jobs.add_jobs()->set_job("job-1");
  EXPECT_EQ(Run({"list", "-o", "name"}), kOk);
  EXPECT_EQ(out_.str(), "job/job-1\n");
  EXPECT_EQ(Run({"describe", "job/job-1"}), kOk);
  EXPECT_EQ(client_.calls.back(), "describe job-1");
  EXPECT_EQ(Run({"transactions", "abort", "job/job-1", "transaction/p~1", "-oname"}), kOk);
  EXPECT_EQ(client_.asked.job(), "job-1");
  EXPECT_EQ(client_.asked.transactional_id(), "p~1");
  EXPECT_EQ(out_.str(), "transaction/p~1\n");
}

TEST_F(CliTest, TaskManagersOfTheCluster) {
  client_.cluster.set_cluster_id("default");
  client_.cluster.add_task_managers()->set_task_manager("tm-1");
  EXPECT_EQ(Run({"tm", "list", "-o", "name"}), kOk);
  EXPECT_EQ(out_.str(), "tm/tm-1\n");
  EXPECT_EQ(Run({"tm", "list", "-o", "json"}), kOk);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("\"taskmanagers\""), Not(HasSubstr("leader"))));
  EXPECT_EQ(Run({"cluster", "describe", "-o", "name"}), kOk);
  EXPECT_EQ(out_.str(), "cluster/default\n");
}

TEST_F(CliTest, EventsAsYamlAreDocuments) {
  client_.events = {StateEvent("RUNNING"), StateEvent("FINISHED")};
  EXPECT_EQ(Run({"watch", "flights", "-o", "yaml"}), kOk);
  EXPECT_THAT(out_.str(), AllOf(testing::StartsWith("---\nsequence: 0\n"),
                                HasSubstr("\n---\nsequence: 0\n"), HasSubstr("state: FINISHED")));
}

TEST_F(CliTest, WaitAndNoWait) {
  client_.descriptions = {InState("CANCELLING"), InState("CANCELED")};
  EXPECT_EQ(Run({"cancel", "flights", "--no-wait"}), kOk);
  EXPECT_EQ(out_.str(), "job 'flights' (job-1) is CANCELLING\n");
  client_.descriptions = {InState("CREATED"), InState("RUNNING")};
  EXPECT_EQ(Run({"submit", MakeJob(), "--no-wait"}), kOk);
  EXPECT_EQ(out_.str(), "job 'flights' (job-1) is CREATED\n");
  EXPECT_EQ(Run({"stop", "flights", "--wait", "--no-wait"}), kUsage);
  EXPECT_EQ(error_.str(), "weir: --wait and --no-wait exclude each other\n");
  EXPECT_EQ(Run({"submit", MakeJob(), "--wait", "--detach"}), kUsage);
  EXPECT_EQ(error_.str(), "weir: --wait and --detach exclude each other\n");
}

TEST_F(CliTest, ProgressIsForTerminals) {
  client_.descriptions = {InState("CREATED"), InState("DEPLOYING"), InState("DEPLOYING"),
                          InState("RUNNING")};
  const auto descriptions = client_.descriptions;
  EXPECT_EQ(Run({"submit", MakeJob()}), kOk);
  EXPECT_EQ(error_.str(), "");
  client_.descriptions = descriptions;
  error_is_terminal_ = true;
  EXPECT_EQ(Run({"submit", MakeJob()}), kOk);
  EXPECT_EQ(error_.str(),
            "waiting: job 'flights' is CREATED\nwaiting: job 'flights' is DEPLOYING\n");
  EXPECT_EQ(out_.str(), "job 'flights' (job-1) is RUNNING\n");
}

TEST_F(CliTest, ColoursAreForTerminalsAndForWhoWantsThem) {
  client_.jobs.add_jobs()->set_state("FAILED");
  const auto red = HasSubstr("\033[31mFAILED\033[0m");
  Run({"list"});
  EXPECT_THAT(out_.str(), Not(HasSubstr("\033")));
  out_is_terminal_ = true;
  Run({"list"});
  EXPECT_THAT(out_.str(), red);
  Run({"list", "-o", "json"});
  EXPECT_THAT(out_.str(), Not(HasSubstr("\033")));
  variables_ = {{"NO_COLOR", ""}};
  Run({"list"});
  EXPECT_THAT(out_.str(), red);
  for (const auto& [name, value] : {std::pair{"NO_COLOR", "1"}, {"TERM", "dumb"}}) {
    variables_ = {{name, value}};
    Run({"list"});
    EXPECT_THAT(out_.str(), Not(HasSubstr("\033"))) << name;
  }
}

}  // namespace
}  // namespace weir::cli
