// `weir submit --from`: a job that starts from a checkpoint of another.
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

using testing::HasSubstr;

class SubmissionFromTest : public testing::Test {
 protected:
  void Lead(bool transactional = false) {
    EXPECT_TRUE(files_.MakeDirectory(layout_.ClusterLogDirectory()).ok());
    task_manager_.plan = TestingGraph(1, transactional);
    dispatcher_ = std::make_unique<Dispatcher>(
        Dispatcher::Identity{"east", "jm-1", "127.0.0.1:6123", 7},
        Dispatcher::Dependencies{clock_, executor_, pool_, files_, random_, layout_, config_,
                                 [](const ArtifactId&) { return true; },
                                 [](const absl::Status&) {}});
    dispatcher_->TakeOver([] {});
    executor_.Advance(absl::Seconds(1));
    Connect();
    ASSERT_TRUE(Submit("first").ok());
    executor_.Advance(absl::Seconds(11));  // epoch 1
    ASSERT_EQ(Job("first").Summary().state(), "RUNNING");
  }
  void Connect() {
    task_manager_.Connect(dispatcher_->task_managers());
    executor_.RunReady();
  }
  absl::Status Submit(const std::string& name, const std::string& from = "",
                      bool allow_non_restored = false) {
    proto::SubmitJobRequest request;
    request.set_client_token(name);
    request.set_name(name);
    request.set_artifact("sha");
    request.set_from(from);
    request.set_take_over(true);
    request.set_allow_non_restored(allow_non_restored);
    auto status = std::make_shared<absl::Status>(absl::CancelledError("no answer yet"));
    dispatcher_->SubmitJob(request, [status](absl::StatusOr<proto::SubmitJobResponse> answer) {
      *status = answer.status();
    });
    executor_.Advance(absl::Seconds(1));
    return *status;
  }
  JobMaster& Job(const std::string& name) {
    for (const auto& [id, job] : dispatcher_->jobs()) {
      if (job->history().submission().name() == name) return *job;
    }
    ADD_FAILURE() << "there is no job " << name;
    return *dispatcher_->jobs().begin()->second;
  }
  void Cancel(const std::string& name) {
    proto::CancelJobRequest request;
    request.set_job(name);
    dispatcher_->CancelJob(request, [](absl::StatusOr<proto::CancelJobResponse>) {});
    executor_.Advance(absl::Seconds(1));
  }
  void Suspend(const std::string& name) {
    proto::SuspendJobRequest request;
    request.set_job(name);
    request.set_wait(true);
    dispatcher_->SuspendJob(request, [](absl::StatusOr<proto::SuspendJobResponse>) {});
    executor_.Advance(absl::Seconds(2));
    ASSERT_EQ(Job(name).Summary().state(), "SUSPENDED");
  }

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
};

TEST_F(SubmissionFromTest, ItsFirstGenerationRestoresTheCopy) {
  Lead();
  Suspend("first");
  ASSERT_TRUE(Submit("second", "first").ok());
  executor_.Advance(absl::Seconds(1));
  JobMaster& job = Job("second");
  EXPECT_EQ(job.Summary().state(), "RUNNING");
  EXPECT_EQ(job.history().submission().from_job(), Job("first").job().value());
  EXPECT_EQ(job.history().submission().from_epoch(), 2u);
  EXPECT_EQ(job.history().owned().begin()->first, Epoch(0));
  const proto::Deployment& deployed = task_manager_.only_worker().deployment;
  EXPECT_EQ(deployed.restored_epoch(), 0u);
  EXPECT_EQ(deployed.coordinators(0).splits(0).position(), "read in epoch 2");
  EXPECT_TRUE(deployed.take_over()) << "it has not begun with anything";
  EXPECT_EQ(deployed.sinks_size(), 0);
  executor_.Advance(absl::Seconds(10));
  EXPECT_EQ(job.history().newest_owned()->checkpoint.epoch(), 1u);
}

// A topic that is not there is a mistake then, not a fault that may heal.
TEST_F(SubmissionFromTest, TillItHasRunItIsAtItsFirstStart) {
  Lead(/*transactional=*/true);
  Suspend("first");
  behavior_.become_ready = false;
  ASSERT_TRUE(Submit("second", "first").ok());
  EXPECT_FALSE(task_manager_.only_worker().deployment.restored());
  Cancel("second");
  EXPECT_EQ(Job("second").Summary().state(), "CANCELED") << "there is nothing to settle";

  behavior_.become_ready = true;
  ASSERT_TRUE(Submit("third", "first").ok());
  ASSERT_EQ(Job("third").Summary().state(), "RUNNING");
  task_manager_.Disconnect();
  executor_.Advance(absl::Seconds(3));
  Connect();
  executor_.Advance(absl::Seconds(1));
  EXPECT_TRUE(task_manager_.only_worker().deployment.restored());
}

TEST_F(SubmissionFromTest, WhatIsLeftOutIsSaid) {
  Lead();
  Suspend("first");
  task_manager_.plan = TestingGraph(1);
  (*task_manager_.plan)->mutable_vertices(0)->mutable_operators(0)->set_uid("other");
  ASSERT_TRUE(Submit("second", "first", /*allow_non_restored=*/true).ok());
  EXPECT_THAT(Job("second").Details().notes(),
              testing::Contains(HasSubstr("the state of operator 'source' was left out")));
}

TEST_F(SubmissionFromTest, AnEpochMayBeNamed) {
  Lead();
  Suspend("first");
  ASSERT_TRUE(Submit("second", Job("first").job().value() + "/1").ok());
  EXPECT_EQ(Job("second").history().submission().from_epoch(), 1u);
}

TEST_F(SubmissionFromTest, AJobThatRunsIsRefused) {
  Lead();
  EXPECT_THAT(
      std::string(Submit("second", "first").message()),
      HasSubstr("is RUNNING; a job starts from a checkpoint of one that is suspended or has "
                "ended"));
}

TEST_F(SubmissionFromTest, WhatIsNotThereIsNamed) {
  Lead();
  Suspend("first");
  EXPECT_EQ(Submit("second", "nobody"), absl::NotFoundError("there is no job 'nobody'"));
  EXPECT_EQ(Submit("third", "nobody/3"), absl::NotFoundError("there is no job 'nobody'"));
  const absl::Status status = Submit("fourth", "first/9");
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("has no checkpoint of epoch 9; it has those of 0, 1, 2"));
}

TEST_F(SubmissionFromTest, WhatIsNotCommittedIsRefused) {
  behavior_.commit = false;
  Lead(/*transactional=*/true);
  task_manager_.Disconnect();
  executor_.Advance(absl::Seconds(3));
  Suspend("first");  // at once: nothing runs
  Connect();
  EXPECT_THAT(std::string(Submit("second", "first").message()),
              HasSubstr("is not committed: its transactions are still that job's"));
  EXPECT_TRUE(Submit("third", "first/0").ok());
}

TEST_F(SubmissionFromTest, ACanceledJobHasNoneUnlessTheyAreRetained) {
  Lead();
  Cancel("first");
  EXPECT_THAT(std::string(Submit("second", "first").message()),
              HasSubstr("has no checkpoint that was retained"));
}

TEST_F(SubmissionFromTest, OneThatDoesNotFitRegistersNothing) {
  Lead();
  Suspend("first");
  task_manager_.plan = TestingGraph(1);
  (*task_manager_.plan)->mutable_vertices(0)->mutable_operators(0)->set_uid("other");
  EXPECT_THAT(std::string(Submit("second", "first").message()),
              HasSubstr("the new job has no operator 'source'"));
  EXPECT_EQ(dispatcher_->jobs().size(), 1u) << "nothing was registered";
}

}  // namespace
}  // namespace weir::jobmanager
