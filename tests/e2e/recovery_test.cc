// Every kill of docs/protocols/recovery.md hits a running stream; nothing may be lost.

#include <gmock/gmock.h>
#include <signal.h>

#include <map>
#include <string>
#include <vector>

#include "absl/time/clock.h"

#include "tests/e2e/cluster_test.h"

namespace weir {
namespace {

using testing::SizeIs;

constexpr absl::Duration kKillTimeout = absl::Seconds(10);

class RecoveryTest : public FlightStreamTest {
 protected:
  void StartCluster(int job_managers, int task_managers = 2) {
    WeirClusterOptions options;
    options.job_managers = job_managers;
    options.task_managers = task_managers;
    ClusterTest::StartCluster(options);
  }

  /// The job runs and has completed checkpoints; returns its generation.
  uint64_t StartFlow() {
    StartStream(FlightDelays());
    if (!HasFatalFailure()) AwaitFlow();
    return Generation();
  }

  /// Number of the TaskManager that the job's only worker belongs to.
  int TaskManagerOfWorker() {
    const proto::JobDetails details = Details();
    const std::map<std::string, int> numbers = TaskManagerNumbers();
    if (details.workers_size() == 1 && numbers.count(details.workers(0).task_manager()) == 1) {
      return numbers.at(details.workers(0).task_manager());
    }
    ADD_FAILURE() << "no TaskManager has the worker of " << details.ShortDebugString();
    return 1;
  }

  void KillWorkers() {
    const std::vector<pid_t> workers = Workers();
    ASSERT_THAT(workers, SizeIs(1));
    WEIR_ASSERT_OK(KillAndAwaitEnd(workers[0], kKillTimeout));
  }
};

TEST_F(RecoveryTest, WorkerKilled) {
  StartCluster(1);
  const uint64_t before = StartFlow();
  KillWorkers();
  AwaitRecovery(before);
  ExpectNothingLost();
}

TEST_F(RecoveryTest, WorkerKilledThreeTimes) {
  StartCluster(1);
  StartFlow();
  for (int kill = 0; kill < 3 && !HasFailure(); ++kill) {
    const uint64_t before = Generation();
    KillWorkers();
    AwaitRecovery(before);
  }
  ExpectNothingLost();
}

TEST_F(RecoveryTest, TaskManagerKilledTakesItsWorkersAlongAndTheOtherTakesOver) {
  StartCluster(1);
  const uint64_t before = StartFlow();
  const int victim = TaskManagerOfWorker();
  const std::vector<pid_t> workers = Workers();
  WEIR_ASSERT_OK(weir().KillTaskManager(victim));
  EXPECT_TRUE(AwaitTrue([&] { return kill(workers.at(0), 0) != 0; }, absl::Seconds(2)))
      << "worker " << workers.at(0) << " outlives its TaskManager";
  AwaitRecovery(before);
  EXPECT_NE(TaskManagerOfWorker(), victim);
  ExpectNothingLost();
}

TEST_F(RecoveryTest, OnlyTaskManagerKilledAndANewOneTakesOver) {
  StartCluster(1, 1);
  const uint64_t before = StartFlow();
  WEIR_ASSERT_OK(weir().KillTaskManager(1));
  WEIR_ASSERT_OK(weir().StartTaskManager(1));
  AwaitRecovery(before);
  ExpectNothingLost();
}

TEST_F(RecoveryTest, LeadingJobManagerKilledAndTheStandbyTakesOver) {
  StartCluster(2);
  const uint64_t before = StartFlow();
  const absl::StatusOr<int> leader = weir().Leader();
  WEIR_ASSERT_OK(leader);
  WEIR_ASSERT_OK(weir().KillJobManager(*leader));
  AwaitRecovery(before);
  EXPECT_EQ(weir().Leader().value_or(0), 3 - *leader);
  ExpectNothingLost();
}

TEST_F(RecoveryTest, StandbyKilledIsNoEvent) {
  StartCluster(2);
  const uint64_t before = StartFlow();
  const absl::StatusOr<int> leader = weir().Leader();
  WEIR_ASSERT_OK(leader);
  WEIR_ASSERT_OK(weir().KillJobManager(3 - *leader));
  AwaitFlow();
  EXPECT_EQ(Generation(), before);
  ExpectNothingLost();
}

TEST_F(RecoveryTest, OnlyJobManagerKilledAndStartedAgain) {
  StartCluster(1);
  const uint64_t before = StartFlow();
  const proto::JobDetails former = Details();
  WEIR_ASSERT_OK(weir().KillJobManager(1));
  WEIR_ASSERT_OK(weir().StartJobManager(1));
  AwaitRecovery(before);
  const proto::JobDetails now = Details();
  EXPECT_EQ(now.summary().job(), former.summary().job());
  EXPECT_EQ(now.summary().name(), former.summary().name());
  EXPECT_EQ(now.summary().submitted_at_ms(), former.summary().submitted_at_ms());
  EXPECT_EQ(now.configuration().at("checkpoint.interval"), "200ms");
  ExpectNothingLost();
}

TEST_F(RecoveryTest, JobManagerKeepsWorkerProcesses) {
  StartCluster(1);
  const uint64_t before = StartFlow();
  const std::vector<pid_t> workers = Workers();
  WEIR_ASSERT_OK(weir().KillJobManager(1));
  WEIR_ASSERT_OK(weir().StartJobManager(1));
  AwaitRecovery(before);
  EXPECT_EQ(Workers(), workers);
  ExpectNothingLost();
}

TEST_F(RecoveryTest, WorkerAndJobManagerKilledTogether) {
  StartCluster(2);
  const uint64_t before = StartFlow();
  const absl::StatusOr<int> leader = weir().Leader();
  WEIR_ASSERT_OK(leader);
  KillWorkers();
  WEIR_ASSERT_OK(weir().KillJobManager(*leader));
  AwaitRecovery(before);
  ExpectNothingLost();
}

TEST_F(RecoveryTest, TaskManagerAndJobManagerKilledTogether) {
  StartCluster(2);
  const uint64_t before = StartFlow();
  const absl::StatusOr<int> leader = weir().Leader();
  WEIR_ASSERT_OK(leader);
  const int victim = TaskManagerOfWorker();
  WEIR_ASSERT_OK(weir().KillTaskManager(victim));
  WEIR_ASSERT_OK(weir().KillJobManager(*leader));
  AwaitRecovery(before);
  ExpectNothingLost();
}

TEST_F(RecoveryTest, EveryProcessKilledAtOnceAndStartedAgain) {
  StartCluster(2);
  const uint64_t before = StartFlow();
  const std::vector<pid_t> all = weir().Processes();
  EXPECT_THAT(all, SizeIs(5));
  for (const pid_t pid : all) kill(pid, SIGKILL);
  for (int number : {1, 2}) {
    WEIR_ASSERT_OK(weir().StartJobManager(number));
    WEIR_ASSERT_OK(weir().StartTaskManager(number));
  }
  AwaitRecovery(before);
  ExpectNothingLost();
}

TEST_F(RecoveryTest, ShortPausesRollNothingBack) {
  StartCluster(1, 1);
  const uint64_t before = StartFlow();
  const std::vector<pid_t> workers = Workers();
  // Shorter than heartbeat.suspect-after (1 s).
  for (ChildProcess* process : {&weir().task_manager(1), &weir().job_manager(1)}) {
    WEIR_ASSERT_OK(process->Kill(SIGSTOP));
    absl::SleepFor(absl::Milliseconds(500));
    WEIR_ASSERT_OK(process->Kill(SIGCONT));
    AwaitFlow();
  }
  EXPECT_EQ(Generation(), before);
  EXPECT_EQ(Workers(), workers);
  ExpectNothingLost();
}

TEST_F(RecoveryTest, TaskManagerThatHangsIsLostAndItsWorkersEndWhenItComesBack) {
  WeirClusterOptions options;
  options.server_options = {{"heartbeat.taskmanager-timeout", "1s"},
                            {"heartbeat.suspect-after", "300ms"}};
  ClusterTest::StartCluster(options);
  const uint64_t before = StartFlow();
  const int victim = TaskManagerOfWorker();
  const std::vector<pid_t> workers = Workers();
  WEIR_ASSERT_OK(weir().task_manager(victim).Kill(SIGSTOP));
  AwaitRecovery(before);
  EXPECT_NE(TaskManagerOfWorker(), victim);
  WEIR_ASSERT_OK(weir().task_manager(victim).Kill(SIGCONT));
  EXPECT_TRUE(AwaitTrue([&] { return kill(workers.at(0), 0) != 0; }))
      << "the former worker " << workers.at(0) << " lives on";
  WEIR_ASSERT_OK(weir().AwaitComplete());
  ExpectNothingLost();
}

}  // namespace
}  // namespace weir
