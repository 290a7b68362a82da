// What becomes of the checkpoints of a job that has ended.
#include <algorithm>

#include "absl/strings/match.h"

#include "jobmanager/job/job_master.h"
#include "tests/unit/jobmanager/job/testing_job.h"

namespace weir::jobmanager {
namespace {

class JobRetentionTest : public JobTest {
 protected:
  void RunWith(CheckpointRetention retention, bool transactional = false) {
    options_.checkpoint.retention = retention;
    options_.checkpoint.manifest_inline_max_bytes = 0;  // each manifest is a file
    SubmitAndRun(transactional);
    Wait(kInterval + absl::Seconds(1));
    ASSERT_EQ(Manifests(), 2u);
  }
  size_t Manifests() {
    size_t found = 0;
    for (const std::string& path : files_.memory.Paths()) {
      if (absl::StrContains(path, "/manifests/")) ++found;
    }
    return found;
  }
  void Cancel() {
    job().Cancel([](const absl::Status&) {});
    Wait(absl::Seconds(2));
    ASSERT_EQ(State(), "CANCELED");
  }
  // The clean-up finds no broker, and a person gives up what is left.
  void Abandon() {
    behavior_.become_ready = false;
    job().Cancel([](const absl::Status&) {});
    Wait(absl::Milliseconds(100));
    for (auto& manager : task_managers_) {
      for (const auto& [id, worker] : manager->workers) {
        if (worker.deployment.cleanup()) manager->FailWorker(id, "no broker answers", true);
      }
    }
    Wait(absl::Milliseconds(500));
    job().Abandon([](const absl::Status&) {});
    Wait(absl::Milliseconds(100));
    ASSERT_EQ(State(), "CANCELED");
  }
  void Fail() {
    tm(0).FailWorker(WorkerIdOf(0), "the function threw", false);
    Wait(absl::Seconds(2));
    ASSERT_EQ(State(), "FAILED");
  }
  proto::JobTerminal Terminal() { return LastOf(proto::JobLogEntry::kTerminal).terminal(); }
};

TEST_F(JobRetentionTest, ACanceledJobsCheckpointsAreNamedThenDeleted) {
  RunWith(CheckpointRetention::kDeleteOnCancellation);
  Cancel();
  ASSERT_EQ(Terminal().retired_size(), 2);
  EXPECT_EQ(Terminal().retired(1).epoch(), 1u);
  EXPECT_EQ(Terminal().retired(1).objects_size(), 1);
  EXPECT_EQ(Manifests(), 0u);
  EXPECT_TRUE(job().history().owned().empty());
  EXPECT_EQ(Reason(), "canceled by request") << "its log stays";
}

TEST_F(JobRetentionTest, TheyAreKeptOnRequest) {
  RunWith(CheckpointRetention::kRetainOnCancellation);
  Cancel();
  EXPECT_EQ(Terminal().retired_size(), 0);
  EXPECT_EQ(Manifests(), 2u);
  EXPECT_EQ(NewestOwned(), 1u);
}

TEST_F(JobRetentionTest, AFailedJobsAreKept) {
  RunWith(CheckpointRetention::kDeleteOnCancellation);
  Fail();
  EXPECT_EQ(Manifests(), 2u);
}

TEST_F(JobRetentionTest, NoneAreKeptWhenNoneAreWanted) {
  RunWith(CheckpointRetention::kNever);
  Fail();
  EXPECT_EQ(Manifests(), 0u);
}

TEST_F(JobRetentionTest, AFinishedJobsAreDeleted) {
  RunWith(CheckpointRetention::kRetainOnCancellation);
  behavior_.finished = true;
  Wait(absl::Seconds(2));
  ASSERT_EQ(State(), "FINISHED");
  EXPECT_EQ(Manifests(), 0u);
}

TEST_F(JobRetentionTest, ASuspendedJobsAreKept) {
  RunWith(CheckpointRetention::kNever);
  job().RequestSuspension(true, [](const absl::Status&) {});
  Wait(absl::Seconds(1));
  ASSERT_EQ(State(), "SUSPENDED");
  EXPECT_EQ(Manifests(), 3u);
}

TEST_F(JobRetentionTest, WhatIsOwnedAndNotCommittedIsKept) {
  behavior_.commit = false;
  RunWith(CheckpointRetention::kNever, /*transactional=*/true);
  Abandon();
  EXPECT_EQ(Manifests(), 1u);
  EXPECT_EQ(NewestOwned(), 1u);
}

// Increments share files.
TEST_F(JobRetentionTest, WhatAKeptCheckpointHasIsDeletedWithNoOther) {
  behavior_.files = {"shared"};
  RunWith(CheckpointRetention::kNever, /*transactional=*/true);
  behavior_.commit = false;
  Wait(kInterval + absl::Milliseconds(100));
  ASSERT_EQ(NewestOwned(), 2u);
  Abandon();
  EXPECT_EQ(NewestOwned(), 2u);
  const proto::JobTerminal terminal = Terminal();
  ASSERT_GE(terminal.retired_size(), 1);
  for (const proto::CheckpointRetired& retired : terminal.retired()) {
    EXPECT_EQ(std::count(retired.objects().begin(), retired.objects().end(), "shared"), 0);
  }
}

TEST_F(JobRetentionTest, AReceiptThatRidesOnTheLastEntryCounts) {
  RunWith(CheckpointRetention::kDeleteOnCancellation, /*transactional=*/true);
  Cancel();
  EXPECT_EQ(Manifests(), 0u);
}

TEST_F(JobRetentionTest, TheNextLeaderDeletesAgain) {
  RunWith(CheckpointRetention::kDeleteOnCancellation);
  const std::string path = [this] {
    for (const std::string& one : files_.memory.Paths()) {
      if (absl::StrContains(one, "/manifests/")) return one;
    }
    return std::string();
  }();
  Cancel();
  LeaderDies();
  ASSERT_TRUE(files_.memory.Replace(path, "as if it had not been deleted").ok());
  Adopt(2);
  Wait(absl::ZeroDuration());
  EXPECT_EQ(Manifests(), 0u);
  EXPECT_EQ(State(), "CANCELED");
  LeaderDies();
  ASSERT_TRUE(files_.memory.Replace(path, "nobody's concern any more").ok());
  Adopt(3);
  Wait(absl::ZeroDuration());
  EXPECT_EQ(Manifests(), 1u);
}

}  // namespace
}  // namespace weir::jobmanager
