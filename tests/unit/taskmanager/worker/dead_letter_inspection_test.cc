// One question about the dead letters of a job, in a process in which no task runs.
#include "taskmanager/worker/dead_letter_inspection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/taskmanager/worker/testing_worker_parts.h"

namespace weir::taskmanager {
namespace {

using ::testing::HasSubstr;

/// A sink for dead letters that says what it was asked.
class BoxedTestingSink final : public Sink {
 public:
  std::string type() const override { return "BoxedTestingSink"; }
  std::map<std::string, std::string> Describe() const override { return {}; }
  DeliveryGuarantee delivery() const override { return DeliveryGuarantee::kAtLeastOnce; }
  absl::Status Validate(const Schema&) const override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<SinkWriter>> MakeWriter(const SinkWriterContext&) const override {
    return absl::UnimplementedError("no task runs here");
  }
  absl::StatusOr<std::unique_ptr<DeadLetterBox>> MakeDeadLetterBox(
      const DeadLetterOrigin& origin) const override {
    return std::make_unique<Box>(origin);
  }

 private:
  class Box final : public DeadLetterBox {
   public:
    explicit Box(DeadLetterOrigin origin) : origin_(std::move(origin)) {}
    std::string topic() const override {
      return absl::StrCat(origin_.job_id, "/", origin_.operator_uid,
                          origin_.source ? "/source" : "");
    }
    absl::StatusOr<std::vector<DeadLetterPartition>> List() override {
      return std::vector<DeadLetterPartition>{{2, 3, 9, 5}};
    }
    absl::StatusOr<std::vector<StoredDeadLetter>> Read(const ReadOptions& options) override {
      StoredDeadLetter letter;
      letter.offset = static_cast<int64_t>(options.limit);
      letter.headers["all"] = options.all ? "yes" : "no";
      letter.value = "content";
      return std::vector<StoredDeadLetter>{letter};
    }
    absl::StatusOr<uint64_t> Replay(const ReplayOptions& options) override {
      if (options.target.empty()) return absl::FailedPreconditionError("no target");
      return options.limit;
    }

   private:
    const DeadLetterOrigin origin_;
  };
};

class DeadLetterInspectionTest : public ::testing::Test {
 protected:
  DeadLetterInspectionTest() {
    request_.mutable_facts()->set_job("job-1");
    AddBox("source");
    AddBox("sum");
    request_.mutable_facts()->set_fingerprint("fingerprint");
  }
  void AddBox(const std::string& origin) {
    StreamNode& node = job_.AddNode(origin + "-dead-letters", StreamNode::Kind::kSink);
    node.sink = std::make_shared<BoxedTestingSink>();
    node.inputs = {{job_.graph.Find(origin)->id}};
    node.reads_dead_letters = true;
  }
  proto::TransactionsResult Ask(proto::DeadLettersRequest::Verb verb) {
    request_.mutable_dead_letters()->set_verb(verb);
    return InspectDeadLetters(job_.graph, job_.plan, request_);
  }

  TestingJob job_;
  proto::RunTransactions request_;
};

TEST_F(DeadLetterInspectionTest, ListsThoseOfAllOperators) {
  const proto::TransactionsResult result = Ask(proto::DeadLettersRequest::LIST);
  EXPECT_EQ(result.code(), 0) << result.error();
  ASSERT_EQ(result.dead_letters().topics_size(), 2);
  EXPECT_EQ(result.dead_letters().topics(0).topic(), "job-1/source/source");
  EXPECT_EQ(result.dead_letters().topics(0).replayed_to(), 5);
  EXPECT_EQ(result.dead_letters().topics(1).topic(), "job-1/sum");
  EXPECT_EQ(result.dead_letters().topics(1).operator_uid(), "sum");
}

TEST_F(DeadLetterInspectionTest, WhoseMustBeClear) {
  proto::TransactionsResult result = Ask(proto::DeadLettersRequest::SHOW);
  EXPECT_EQ(result.code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(result.error(), HasSubstr("'source' and 'sum' have dead letters; --operator says"));
  request_.mutable_dead_letters()->set_operator_uid("sink");
  result = Ask(proto::DeadLettersRequest::SHOW);
  EXPECT_THAT(result.error(), HasSubstr("no operator 'sink' with dead letters; it has 'source'"));
}

TEST_F(DeadLetterInspectionTest, ContentsAreShownWhenAskedFor) {
  request_.mutable_dead_letters()->set_operator_uid("sum");
  proto::TransactionsResult result = Ask(proto::DeadLettersRequest::SHOW);
  ASSERT_EQ(result.dead_letters().letters_size(), 1);
  EXPECT_EQ(result.dead_letters().letters(0).offset(), 20) << "the limit";
  EXPECT_EQ(result.dead_letters().letters(0).headers().at("all"), "no");
  EXPECT_FALSE(result.dead_letters().letters(0).has_value());
  request_.mutable_dead_letters()->set_contents(true);
  result = Ask(proto::DeadLettersRequest::SHOW);
  EXPECT_EQ(result.dead_letters().letters(0).value(), "content");
}

TEST_F(DeadLetterInspectionTest, ReplayPassesLimitAndTarget) {
  request_.mutable_dead_letters()->set_operator_uid("sum");
  request_.mutable_dead_letters()->set_limit(7);
  EXPECT_EQ(Ask(proto::DeadLettersRequest::REPLAY).error(), "no target");
  request_.mutable_dead_letters()->set_target("fixed");
  EXPECT_EQ(Ask(proto::DeadLettersRequest::REPLAY).dead_letters().replayed(), 7u);
}

TEST(DeadLetterInspectionWithout, WithoutDeadLettersThereIsNothingToSee) {
  TestingJob job;
  proto::RunTransactions request;
  request.mutable_facts()->set_fingerprint("fingerprint");
  const proto::TransactionsResult result = InspectDeadLetters(job.graph, job.plan, request);
  EXPECT_EQ(result.code(), static_cast<int>(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(result.error(), "no operator of the job sends records to dead letters");
}

TEST_F(DeadLetterInspectionTest, AnotherPlanIsNotAsked) {
  request_.mutable_facts()->set_fingerprint("another");
  EXPECT_EQ(Ask(proto::DeadLettersRequest::LIST).code(),
            static_cast<int>(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace weir::taskmanager
