// One question about the transactions of a job, in a process with coordinator tasks alone.
#include "taskmanager/worker/transaction_inspection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/taskmanager/worker/testing_worker_parts.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// A sink whose transactional ids begin with its prefix.
class InspectedTestingSink final : public Sink {
 public:
  explicit InspectedTestingSink(std::string prefix) : prefix_(std::move(prefix)) {}
  std::string type() const override { return "InspectedTestingSink"; }
  std::map<std::string, std::string> Describe() const override { return {}; }
  DeliveryGuarantee delivery() const override { return DeliveryGuarantee::kExactlyOnce; }
  absl::Status Validate(const Schema&) const override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<SinkWriter>> MakeWriter(const SinkWriterContext&) const override {
    return absl::UnimplementedError("no task runs here");
  }
  absl::StatusOr<std::unique_ptr<SinkTransactions>> MakeTransactions() const override {
    return std::make_unique<Transactions>(prefix_);
  }

 private:
  class Transactions final : public SinkTransactions {
   public:
    explicit Transactions(std::string prefix) : prefix_(std::move(prefix)) {}
    bool Names(const SinkTransactionFacts&, const std::string& id) const override {
      return id.rfind(prefix_, 0) == 0;
    }
    absl::StatusOr<std::vector<SinkTransaction>> List(const SinkTransactionFacts& facts) override {
      SinkTransaction row;
      row.prefix = facts.prefix.empty() ? prefix_ : facts.prefix;
      row.id = row.prefix + "-1";
      row.fence = 5;
      row.age = absl::Seconds(2);
      return std::vector<SinkTransaction>{row};
    }
    absl::StatusOr<std::vector<std::string>> Explain(const SinkTransactionFacts& facts,
                                                     const std::string& id) override {
      std::vector<std::string> words = {
          absl::StrCat(id, " of ", facts.identity.uid.value(), " of ", facts.identity.job_name,
                       " (", facts.identity.job.value(), ", ", facts.identity.cluster, ")"),
          absl::StrCat(facts.job_state, " ", facts.generation.value(), " ",
                       facts.newest_epoch.value_or(Epoch(99)).value(), " ", facts.running, " ",
                       facts.ended_jobs.size())};
      for (const auto& epoch : facts.uncommitted) {
        words.push_back(absl::StrCat(epoch.epoch.value(), ": ", epoch.committables.size(), " ",
                                     epoch.committables.empty() ? "" : epoch.committables[0]));
      }
      return words;
    }
    absl::StatusOr<std::vector<std::string>> Abort(const SinkTransactionFacts&,
                                                   const std::string& id) override {
      return absl::FailedPreconditionError(id + " is needed");
    }

   private:
    const std::string prefix_;
  };
  const std::string prefix_;
};

class TransactionInspectionTest : public ::testing::Test {
 protected:
  TransactionInspectionTest() {
    job_.plan.set_job_name("flights");
    job_.AddNode("copies", StreamNode::Kind::kSink).sink =
        std::make_shared<InspectedTestingSink>("c");
    job_.AddNode("errors", StreamNode::Kind::kSink).sink =
        std::make_shared<InspectedTestingSink>("e");
    request_.set_request("r-1");
    proto::TransactionFacts* facts = request_.mutable_facts();
    facts->set_fingerprint("fingerprint");
    facts->set_cluster_id("east");
    facts->set_job("job-1");
    facts->set_job_state("RUNNING");
    facts->set_generation(4);
    facts->set_newest_epoch(7);
    facts->add_ended_jobs("job-1");
  }
  proto::TransactionsResult Ask(proto::TransactionsRequest::Verb verb, const std::string& id = "") {
    request_.mutable_question()->set_verb(verb);
    request_.mutable_question()->set_transactional_id(id);
    return InspectTransactions(job_.graph, job_.plan, request_);
  }
  proto::TransactionsResult List() { return Ask(proto::TransactionsRequest::LIST); }

  TestingJob job_;  // its own sink has no transactions to look at
  proto::RunTransactions request_;
};

TEST_F(TransactionInspectionTest, ListsAllSinksWithTransactions) {
  const proto::TransactionsResult result = List();
  EXPECT_EQ(result.request(), "r-1");
  EXPECT_EQ(result.code(), 0);
  ASSERT_THAT(result.response().transactions(), SizeIs(2));
  EXPECT_EQ(result.response().transactions(0).sink_uid(), "copies");
  EXPECT_EQ(result.response().transactions(0).transactional_id(), "c-1");
  EXPECT_EQ(result.response().transactions(0).fence(), 5u);
  EXPECT_FALSE(result.response().transactions(0).has_slot());
  EXPECT_EQ(result.response().transactions(0).age_ms(), 2000);
  EXPECT_EQ(result.response().transactions(1).sink_uid(), "errors");
}

TEST_F(TransactionInspectionTest, ListsOneSinkWhenAskedFor) {
  request_.mutable_question()->set_sink_uid("errors");
  const proto::TransactionsResult result = List();
  ASSERT_THAT(result.response().transactions(), SizeIs(1));
  EXPECT_EQ(result.response().transactions(0).prefix(), "e");
  request_.mutable_question()->set_sink_uid("sink");
  EXPECT_EQ(List().code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(List().error(), HasSubstr("it has 'copies', 'errors'"));
}

TEST_F(TransactionInspectionTest, APrefixIsLookedAtThroughOneSink) {
  request_.mutable_question()->set_prefix("old");
  EXPECT_EQ(List().code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(List().error(), HasSubstr("--sink says"));
  request_.mutable_question()->set_sink_uid("copies");
  EXPECT_EQ(List().response().transactions(0).transactional_id(), "old-1");
}

TEST_F(TransactionInspectionTest, TheSinkThatKnowsTheIdExplainsItByTheLog) {
  proto::SinkCoordinatorState* running = request_.mutable_facts()->add_sinks();
  running->set_sink_uid("errors");
  running->set_state("recovered");
  proto::CheckpointManifest* manifest = request_.mutable_facts()->add_uncommitted();
  manifest->set_epoch(7);
  for (const char* uid : {"copies", "errors"}) {
    proto::OperatorSnapshot* one = manifest->add_tasks()->add_operators();
    one->set_uid(uid);
    one->add_committables(std::string("prepared by ") + uid);
  }
  const proto::TransactionsResult result = Ask(proto::TransactionsRequest::EXPLAIN, "e-9");
  ASSERT_EQ(result.code(), 0) << result.error();
  EXPECT_THAT(result.response().sentences(),
              ElementsAre("e-9 of errors of flights (job-1, east)", "RUNNING 4 7 recovered 1",
                          "7: 1 prepared by errors"));
}

TEST_F(TransactionInspectionTest, ARefusalIsTheSinks) {
  const proto::TransactionsResult result = Ask(proto::TransactionsRequest::ABORT, "c-1");
  EXPECT_EQ(result.code(), static_cast<int>(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(result.error(), "c-1 is needed");
}

TEST_F(TransactionInspectionTest, AnIdOfNoSinkIsTold) {
  const proto::TransactionsResult result = Ask(proto::TransactionsRequest::EXPLAIN, "x-1");
  EXPECT_EQ(result.code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(result.error(), HasSubstr("'x-1' is no transactional id of the job's sinks"));
}

TEST_F(TransactionInspectionTest, AnotherPlanIsNotAnswered) {
  request_.mutable_facts()->set_fingerprint("other");
  EXPECT_EQ(List().code(), static_cast<int>(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace weir::taskmanager
