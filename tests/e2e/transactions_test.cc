// `weir transactions` on real Kafka: what it lists, explains, ends and refuses while a job runs,
// is suspended, and has ended. docs/protocols/transactions.md.

#include <gmock/gmock.h>
#include <signal.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/record_copy_fixture.h"
#include "tests/integration/raw_transactional_producer.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

class TransactionsTest : public RecordCopyTest {
 protected:
  static WeirJob ExactlyOnce(const std::string& prefix, const std::string& interval = "200ms") {
    WeirJob job = RecordCopy({"--delivery=exactly-once", absl::StrCat("--prefix=", prefix)});
    job.options["checkpoint.interval"] = interval;
    return job;
  }
  std::string Prefix() { return TopicName("prefix"); }

  /// Submits it and waits for two checkpoints.
  void Run(const WeirJob& job) {
    const auto submitted = weir().Submit(job);
    WEIR_ASSERT_OK(submitted);
    job_ = *submitted;
    ASSERT_TRUE(AwaitTrue([&] { return CheckpointsOf(job_, Summary(job_).generation()) >= 2; }));
  }
  /// A transaction of this id, with a record to the output, whose holder lives.
  std::unique_ptr<RawTransactionalProducer> Hold(const std::string& id) {
    auto producer = RawTransactionalProducer::Open(cluster().bootstrap_servers(), id);
    EXPECT_TRUE(producer.ok()) << producer.status();
    if (!producer.ok()) return nullptr;
    EXPECT_EQ((*producer)->Begin(), absl::OkStatus());
    EXPECT_EQ((*producer)->Produce({TopicName("output"), 0}, {"of a stray"}), absl::OkStatus());
    EXPECT_EQ((*producer)->Flush(), absl::OkStatus());
    return *std::move(producer);
  }

  /// Rows by transactional id.
  std::map<std::string, json> List(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"transactions", "list", job_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto answer = weir().CliJson(arguments);
    EXPECT_TRUE(answer.ok()) << answer.status();
    std::map<std::string, json> rows;
    if (!answer.ok()) return rows;
    for (const json& row : (*answer)["transactions"]) rows[row["transactional_id"]] = row;
    return rows;
  }
  std::string KindOf(const std::string& id, const std::vector<std::string>& more = {}) {
    const auto rows = List(more);
    return rows.count(id) == 0 ? "not listed" : rows.at(id)["kind"].get<std::string>();
  }
  std::optional<std::string> FirstOf(const std::string& kind) {
    for (const auto& [id, row] : List()) {
      if (row["kind"] == kind) return id;
    }
    return std::nullopt;
  }
  ProcessResult Ask(const std::string& action, const std::string& id,
                    const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"transactions", action, job_, id};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = weir().Cli(arguments);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(ProcessResult());
  }
  std::vector<pid_t> Workers() {
    std::vector<pid_t> pids;
    const auto details = Describe(job_);
    if (!details.ok()) return pids;
    for (const proto::WorkerDetails& worker : details->workers()) {
      pids.push_back(static_cast<pid_t>(worker.pid()));
    }
    return pids;
  }
  void Signal(int signal) {
    for (const pid_t pid : Workers()) kill(pid, signal);
  }
  bool NewestIsUncommitted() {
    const auto all = weir().client().ListCheckpoints(job_);
    if (!all.ok()) return false;
    for (const proto::CheckpointDetails& one : all->checkpoints()) {
      if (one.state() == "COMPLETED") return !one.committed();
    }
    return false;
  }
  /// Stops the worker between an entry of the log and its receipt; that owned epoch's transaction.
  std::optional<std::string> StopWhileOneIsOwed() {
    for (int64_t tries = 0; tries < 300; ++tries) {
      Produce(10 * tries, 10);
      Signal(SIGSTOP);
      // What the worker had answered before it was stopped arrives meanwhile.
      if (AwaitTrue([&] { return NewestIsUncommitted(); }, absl::Milliseconds(200))) {
        for (const auto& [id, row] : List()) {
          if (row["kind"] == "OWED" && row["state"] == "Ongoing") return id;
        }
      }
      Signal(SIGCONT);
    }
    return std::nullopt;
  }

  std::string job_;
};

TEST_F(TransactionsTest, OfARunningAndOfAnEndedJob) {
  StartCluster();
  Produce(0, 1000);
  Run(ExactlyOnce(Prefix()));
  EXPECT_EQ(KindOf(Prefix() + "~owner"), "OWNER");
  const std::optional<std::string> current = FirstOf("CURRENT");
  ASSERT_TRUE(current.has_value());
  EXPECT_EQ(FirstOf("STRAY"), std::nullopt);

  // Fences begin with 1.
  const std::string stray = Prefix() + "~0~0~9";
  const auto holder = Hold(stray);
  ASSERT_NE(holder, nullptr);
  const json row = List().at(stray);
  EXPECT_EQ(row["kind"], "STRAY");
  EXPECT_EQ(row["state"], "Ongoing");
  EXPECT_EQ(row["producer_id"], holder->identity().producer_id);
  EXPECT_EQ(row["timeout_ms"], 60000);
  const ProcessResult explained = Ask("explain", stray);
  EXPECT_EQ(explained.exit_status, 0) << explained.standard_error;
  EXPECT_THAT(explained.standard_output,
              AllOf(HasSubstr("stray of an earlier generation (fence 0, subtask 0, slot 9)"),
                    HasSubstr(absl::StrCat("it writes to topic '", TopicName("output"), "'")),
                    HasSubstr("The next recovery ends it by InitProducerId.")));

  // What is needed is not touched.
  ProcessResult refused = Ask("abort", *current);
  EXPECT_EQ(refused.exit_status, 4);
  EXPECT_THAT(refused.standard_error, HasSubstr("of the newest generation of the job"));
  refused = Ask("abort", Prefix() + "~owner");
  EXPECT_EQ(refused.exit_status, 4);
  EXPECT_THAT(refused.standard_error, HasSubstr("which has not ended"));
  EXPECT_EQ(Ask("abort", Prefix() + "~7~7~7").exit_status, 3);
  EXPECT_EQ(Ask("abort", "another~0~0~9").exit_status, 2);

  const ProcessResult aborted = Ask("abort", stray);
  EXPECT_EQ(aborted.exit_status, 0) << aborted.standard_error;
  EXPECT_THAT(aborted.standard_output, HasSubstr("is ended"));
  EXPECT_FALSE(holder->Commit().ok());  // fenced
  EXPECT_EQ(KindOf(stray), "IDLE");
  const ProcessResult again = Ask("abort", stray);
  EXPECT_EQ(again.exit_status, 0) << again.standard_error;
  EXPECT_THAT(again.standard_output, HasSubstr("nothing had to be ended"));
  EXPECT_EQ(StateOf(job_), "RUNNING");

  WEIR_ASSERT_OK(weir().client().CancelJob(job_));
  ASSERT_TRUE(AwaitState(job_, "CANCELED"));
  for (const auto& [id, left] : List()) {
    EXPECT_THAT(left["kind"], testing::AnyOf("OWNER", "REPLAY", "IDLE")) << id;
  }
  EXPECT_THAT(List().at(Prefix() + "~owner")["meaning"].get<std::string>(),
              HasSubstr("of ended job"));
  EXPECT_THAT(Ask("explain", *current).standard_output, HasSubstr("is free: job "));
  EXPECT_EQ(Output(1000), Ids(0, 1000));
}

TEST_F(TransactionsTest, OfAnotherPrefix) {
  StartCluster();
  Produce(0, 10);
  Run(ExactlyOnce(Prefix()));
  const std::string first = job_;
  const std::string left_over = TopicName("former") + "~3~0~0";
  const auto holder = Hold(left_over);
  ASSERT_NE(holder, nullptr);
  const std::string former = absl::StrCat("--prefix=", TopicName("former"));
  EXPECT_EQ(Ask("abort", left_over).exit_status, 2);
  EXPECT_EQ(KindOf(left_over), "not listed");
  EXPECT_EQ(KindOf(left_over, {former}), "STRAY");
  EXPECT_EQ(Ask("abort", left_over, {former}).exit_status, 0);
  EXPECT_EQ(KindOf(left_over, {former}), "IDLE");

  // Another job's, which lives.
  Run(ExactlyOnce(TopicName("second")));
  job_ = first;
  const std::string second = absl::StrCat("--prefix=", TopicName("second"));
  EXPECT_EQ(KindOf(TopicName("second") + "~1~0~0", {second}), "FOREIGN");
  const ProcessResult refused = Ask("abort", TopicName("second") + "~1~0~0", {second});
  EXPECT_EQ(refused.exit_status, 4);
  EXPECT_THAT(refused.standard_error, HasSubstr("which is not known to have ended"));
}

TEST_F(TransactionsTest, OfAnOwnedEpochAndOfASuspendedJob) {
  StartCluster();
  Run(ExactlyOnce(Prefix(), "50ms"));
  const std::optional<std::string> owed = StopWhileOneIsOwed();
  ASSERT_TRUE(owed.has_value());
  const ProcessResult explained = Ask("explain", *owed);
  EXPECT_THAT(
      explained.standard_output,
      AllOf(HasSubstr("prepared for owned epoch "),
            HasSubstr(absl::StrCat("It holds topic '", TopicName("output"), "', partition ")),
            HasSubstr("is owned, has no receipt")));
  ProcessResult refused = Ask("abort", *owed);
  EXPECT_EQ(refused.exit_status, 4);
  EXPECT_THAT(
      refused.standard_error,
      HasSubstr(absl::StrCat("is owned and has no receipt: it needs transaction '", *owed)));

  // Somebody takes the id over and writes into its group what is no marker: no recovery can tell
  // what became of the owned transaction.
  auto intruder = RawTransactionalProducer::Open(cluster().bootstrap_servers(), *owed);
  WEIR_ASSERT_OK(intruder);
  WEIR_ASSERT_OK((*intruder)->Begin());
  WEIR_ASSERT_OK((*intruder)->SendMarker(*owed, {TopicName("output"), 0}, 1, "no marker"));
  WEIR_ASSERT_OK((*intruder)->Commit());
  Signal(SIGKILL);
  ASSERT_TRUE(AwaitState(job_, "SUSPENDED"));
  const json row = List().at(*owed);
  EXPECT_EQ(row["kind"], "OWED");
  EXPECT_THAT(row["meaning"].get<std::string>(), HasSubstr("gone without a trace"));
  refused = Ask("abort", *owed);
  EXPECT_EQ(refused.exit_status, 4);

  const std::string stray = Prefix() + "~0~0~9";
  const auto holder = Hold(stray);
  ASSERT_NE(holder, nullptr);
  EXPECT_EQ(KindOf(stray), "STRAY");
  EXPECT_EQ(Ask("abort", stray).exit_status, 0);
  EXPECT_FALSE(holder->Commit().ok());
  EXPECT_EQ(StateOf(job_), "SUSPENDED");
}

TEST_F(TransactionsTest, MetricsAreInDescribe) {
  StartCluster();
  Produce(0, 100);
  Run(ExactlyOnce(Prefix()));
  EXPECT_EQ(Output(100), Ids(0, 100));
  json metrics;
  ASSERT_TRUE(AwaitTrue([&] {
    const auto described = weir().CliJson({"describe", job_});
    if (!described.ok() || (*described)["tasks"].empty()) return false;
    if ((*described)["tasks"][0]["sinks"].empty()) return false;
    metrics = (*described)["tasks"][0]["sinks"][0]["metrics"];
    return metrics["committedTransactions"] > 0;
  }));
  EXPECT_GT(metrics["maxCommitLatencyMs"], 0);
  EXPECT_GE(metrics["maxCommitLatencyMs"], metrics["lastCommitLatencyMs"]);
  EXPECT_EQ(metrics["transactionTimeoutMs"], 900000);  // what the brokers allow
  EXPECT_LT(metrics["oldestPendingTransactionTimeoutRatio"], 0.5);
  EXPECT_GE(metrics["transactionSlotsReady"], 1);
  const auto plain = weir().Cli({"describe", job_});
  WEIR_ASSERT_OK(plain);
  EXPECT_THAT(plain->standard_output,
              AllOf(HasSubstr("Sink '"), HasSubstr("oldest open transaction ")));
}

TEST_F(TransactionsTest, AnIntervalThatTransactionsDoNotOutliveIsRefused) {
  StartCluster();
  WeirJob job = ExactlyOnce(Prefix(), "31s");
  job.arguments.push_back("--property=transaction.timeout.ms=60000");
  const auto above = weir().Cli(WeirCluster::SubmitArguments(job));
  WEIR_ASSERT_OK(above);
  EXPECT_EQ(above->exit_status, 2);
  EXPECT_THAT(above->standard_error,
              HasSubstr("checkpoint.interval is 31s, and may be at most half of the transaction "
                        "timeout of sink 'copies', which is 1min"));
  // Half of the default of an hour is fine, until the brokers allow only 15 minutes.
  const auto lowered = weir().Cli(WeirCluster::SubmitArguments(ExactlyOnce(Prefix(), "10min")));
  WEIR_ASSERT_OK(lowered);
  EXPECT_EQ(lowered->exit_status, 1);
  EXPECT_THAT(lowered->standard_error,
              AllOf(HasSubstr("checkpoint.interval is 10m"), HasSubstr("lowered to 15m")));
}

}  // namespace
}  // namespace weir
