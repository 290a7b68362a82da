// `weir transactions`: what the log says goes to a TaskManager, its answer to the client.
#include "jobmanager/dispatcher/transaction_inquiries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "common/base/seeded_random.h"
#include "jobmanager/dispatcher/dispatcher.h"
#include "tests/support/manual_executor.h"
#include "tests/support/testing_file_system.h"
#include "tests/unit/jobmanager/testing_task_manager.h"

namespace weir::jobmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Answer = absl::StatusOr<proto::TransactionsResponse>;

class TransactionInquiriesTest : public ::testing::Test {
 protected:
  void Lead(bool transactional = true) {
    EXPECT_TRUE(files_.MakeDirectory(layout_.ClusterLogDirectory()).ok());
    task_manager_.plan = TestingGraph(1, transactional);
    task_manager_.transactions.emplace();
    task_manager_.transactions->mutable_response()->add_sentences("All is well.");
    dispatcher_ = std::make_unique<Dispatcher>(
        Dispatcher::Identity{"east", "jm-1", "127.0.0.1:6123", 7},
        Dispatcher::Dependencies{clock_, executor_, pool_, files_, random_, layout_, config_,
                                 [](const ArtifactId&) { return true; },
                                 [](const absl::Status&) {}});
    dispatcher_->TakeOver([] {});
    executor_.Advance(absl::Seconds(1));
    task_manager_.Connect(dispatcher_->task_managers());
    executor_.RunReady();
    proto::SubmitJobRequest request;
    request.set_client_token("t");
    request.set_artifact("sha");
    request.add_arguments("--brokers=x");
    (*request.mutable_configuration())["checkpoint.interval"] = "1h";
    dispatcher_->SubmitJob(request, [this](absl::StatusOr<proto::SubmitJobResponse> answer) {
      ASSERT_TRUE(answer.ok()) << answer.status();
      job_ = answer->job();
    });
    executor_.Advance(absl::Seconds(1));
  }
  proto::TransactionsRequest Question() const {
    proto::TransactionsRequest request;
    request.set_job(job_);
    request.set_verb(proto::TransactionsRequest::EXPLAIN);
    request.set_transactional_id("p~1~0~0");
    return request;
  }
  Answer Ask(absl::Duration patience = absl::Seconds(1)) {
    // Shared: an answer may come after the asker's patience has run out.
    auto answer = std::make_shared<Answer>(absl::CancelledError("no answer yet"));
    dispatcher_->Transactions(Question(), [answer](Answer given) { *answer = std::move(given); });
    executor_.Advance(patience);
    return *answer;
  }
  void Cancel() {
    proto::CancelJobRequest request;
    request.set_job(job_);
    dispatcher_->CancelJob(request, [](absl::StatusOr<proto::CancelJobResponse>) {});
    executor_.Advance(absl::Seconds(5));
  }
  const proto::TransactionFacts& Facts() const { return task_manager_.asked.back().facts(); }

  ManualExecutor executor_;
  ManualClock clock_{executor_};
  ManualPool pool_;
  SeededRandom random_{1};
  TestingFileSystem files_;
  StorageLayout layout_{"/w", "east"};
  Config config_;
  WorkerBehavior behavior_;
  TestingTaskManager task_manager_{"tm-b", 2, executor_, behavior_};
  std::unique_ptr<Dispatcher> dispatcher_;
  std::string job_;
};

TEST_F(TransactionInquiriesTest, TheAnswerIsPassedOn) {
  Lead();
  const Answer answer = Ask();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->sentences(), ElementsAre("All is well."));
  const proto::RunTransactions& asked = task_manager_.asked.back();
  EXPECT_EQ(asked.artifact(), "sha");
  EXPECT_THAT(asked.arguments(), ElementsAre("--brokers=x"));
  EXPECT_EQ(asked.question().transactional_id(), "p~1~0~0");
}

TEST_F(TransactionInquiriesTest, ARunningJobsLogIsTold) {
  Lead();
  ASSERT_TRUE(Ask().ok());
  EXPECT_EQ(Facts().cluster_id(), "east");
  EXPECT_EQ(Facts().job(), job_);
  EXPECT_EQ(Facts().fingerprint(), "fingerprint");
  EXPECT_EQ(Facts().job_state(), "RUNNING");
  EXPECT_FALSE(Facts().ended());
  EXPECT_FALSE(Facts().settled());
  EXPECT_EQ(Facts().generation(), 1u);
  EXPECT_EQ(Facts().newest_epoch(), 0u);
  EXPECT_THAT(Facts().ended_jobs(), IsEmpty());
  EXPECT_THAT(Facts().uncommitted(), IsEmpty());
}

TEST_F(TransactionInquiriesTest, WhatIsOwnedWithoutReceiptIsTold) {
  behavior_.commit = false;
  Lead();
  executor_.Advance(absl::Hours(1) + absl::Seconds(1));
  ASSERT_TRUE(Ask().ok());
  ASSERT_THAT(Facts().uncommitted(), SizeIs(1));
  EXPECT_EQ(Facts().uncommitted(0).epoch(), 1u);
  EXPECT_EQ(Facts().newest_epoch(), 1u);
}

TEST_F(TransactionInquiriesTest, AnEndedJobIsAskedToo) {
  Lead();
  Cancel();
  ASSERT_TRUE(Ask().ok());
  EXPECT_EQ(Facts().job_state(), "CANCELED");
  EXPECT_TRUE(Facts().ended());
  EXPECT_TRUE(Facts().settled());
  EXPECT_THAT(Facts().ended_jobs(), ElementsAre(job_));
  EXPECT_THAT(Facts().sinks(), IsEmpty());
}

TEST_F(TransactionInquiriesTest, TheTaskManagerWithTheJobsWorkersIsAsked) {
  Lead();
  TestingTaskManager other("tm-a", 2, executor_, behavior_);
  other.transactions.emplace();
  other.Connect(dispatcher_->task_managers());
  executor_.RunReady();
  ASSERT_TRUE(Ask().ok());
  EXPECT_THAT(task_manager_.asked, SizeIs(1));
  Cancel();
  ASSERT_TRUE(Ask().ok());  // whoever comes first
  EXPECT_THAT(other.asked, SizeIs(1));
}

TEST_F(TransactionInquiriesTest, AJobWithoutTransactionsIsRefused) {
  Lead(/*transactional=*/false);
  EXPECT_EQ(Ask().status(),
            absl::FailedPreconditionError("job 'flights' has no sink with transactions"));
  EXPECT_THAT(task_manager_.asked, IsEmpty());
}

TEST_F(TransactionInquiriesTest, ARefusalKeepsItsCodeAndTheOutsidesFaultsAreNotTheClusters) {
  Lead();
  const std::vector<std::pair<absl::StatusCode, absl::StatusCode>> cases = {
      {absl::StatusCode::kFailedPrecondition, absl::StatusCode::kFailedPrecondition},
      {absl::StatusCode::kInvalidArgument, absl::StatusCode::kInvalidArgument},
      {absl::StatusCode::kNotFound, absl::StatusCode::kNotFound},
      {absl::StatusCode::kUnavailable, absl::StatusCode::kUnknown},
      {absl::StatusCode::kDeadlineExceeded, absl::StatusCode::kUnknown}};
  for (const auto& [told, passed_on] : cases) {
    task_manager_.transactions->set_code(static_cast<int32_t>(told));
    task_manager_.transactions->set_error("epoch 7 needs it");
    EXPECT_EQ(Ask().status(), absl::Status(passed_on, "epoch 7 needs it"));
  }
}

TEST_F(TransactionInquiriesTest, ATaskManagerThatDoesNotAnswerIsTold) {
  Lead();
  task_manager_.transactions.reset();
  EXPECT_TRUE(absl::IsCancelled(Ask().status()));
  EXPECT_EQ(
      Ask(TransactionInquiries::kTimeout).status(),
      absl::UnknownError("the TaskManager that was to look at the job's sinks did not answer"));
}

TEST_F(TransactionInquiriesTest, WithoutATaskManagerNobodyCanLook) {
  Lead();
  task_manager_.Disconnect();
  EXPECT_TRUE(absl::IsResourceExhausted(Ask().status()));
}

TEST_F(TransactionInquiriesTest, ManyAtATimeAreRefused) {
  Lead();
  task_manager_.transactions.reset();
  for (size_t i = 0; i < TransactionInquiries::kMax; ++i) {
    dispatcher_->Transactions(Question(), [](const Answer&) {});
  }
  EXPECT_TRUE(absl::IsUnavailable(Ask().status()));
}

}  // namespace
}  // namespace weir::jobmanager
