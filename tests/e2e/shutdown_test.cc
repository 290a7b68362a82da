// Processes that are told to stop, as Kubernetes and systemd do it, under an exactly-once stream:
// nobody has to find out by waiting for a heartbeat. docs/protocols/recovery.md.

#include <gmock/gmock.h>
#include <signal.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "tests/e2e/exactly_once_stream.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr absl::Duration kStopBound = absl::Seconds(6);
// With a restart and the first checkpoint behind it, on a busy machine; far below the timeouts.
constexpr absl::Duration kRecoveryBound = absl::Seconds(15);

class ShutdownTest : public ExactlyOnceStreamTest {
 protected:
  /// Heartbeats are no help: what is not told is found out after a minute only.
  void Start(WeirClusterOptions options) { Start(std::move(options), Job()); }
  void Start(WeirClusterOptions options, const WeirJob& job) {
    options.server_options["heartbeat.suspect-after"] = "60s";
    options.server_options["heartbeat.taskmanager-timeout"] = "120s";
    StartCluster(options);
    if (HasFatalFailure()) return;
    StartStream(job);
  }
  void Terminate(ChildProcess& process) {
    WEIR_ASSERT_OK(process.Kill(SIGTERM));
    const absl::StatusOr<int> code = process.Wait(kStopBound);
    ASSERT_TRUE(code.ok()) << code.status();
    EXPECT_EQ(*code, 0);
  }
  bool Lives(pid_t pid) { return kill(pid, 0) == 0; }
  /// Workers' logs on the TaskManager, one after the other.
  std::string WorkerLogs() {
    const auto logs = weir().Cli({"logs", job(), "--tail=all"});
    return logs.ok() ? logs->standard_output : logs.status().ToString();
  }
};

TEST_F(ShutdownTest, ATaskManagerEndsItsWorkersAndTheJobGoesOnElsewhereAtOnce) {
  WeirClusterOptions options;
  options.slots = 2;
  Start(options);
  ASSERT_FALSE(HasFatalFailure());
  const uint64_t generation = Generation();
  const pid_t worker = Workers().at(0);
  const int victim = TaskManagerOf(worker);
  const absl::Time told = absl::Now();
  Terminate(weir().task_manager(victim));
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_FALSE(Lives(worker));
  AwaitRestore(generation);
  EXPECT_LT(absl::Now() - told, kRecoveryBound);
  // Both are said: by the JobManager, and why by the job.
  EXPECT_THAT(weir().Log(WeirCluster::JobManagerName(1)),
              AllOf(HasSubstr("it was told to stop"),
                    HasSubstr("ended with its TaskManager, which was told to stop")));
  EXPECT_THAT(weir().Log(WeirCluster::TaskManagerName(victim)), HasSubstr("left the cluster"));
  const absl::StatusOr<proto::ClusterDetails> cluster = weir().client().DescribeCluster();
  WEIR_ASSERT_OK(cluster);
  EXPECT_THAT(cluster->task_managers(), SizeIs(1));
  ExpectExactlyOnce();
}

// The worker's process ends by itself, with code 0, once its tasks are closed.
TEST_F(ShutdownTest, AWorkerOfAStoppedTaskManagerWindsDown) {
  WeirClusterOptions options;
  options.task_managers = 1;
  Start(options);
  ASSERT_FALSE(HasFatalFailure());
  Terminate(weir().task_manager(1));
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_TRUE(AwaitState(job(), "SCHEDULING")) << Details().ShortDebugString();
  const std::string log = weir().Log(WeirCluster::TaskManagerName(1));
  EXPECT_THAT(log, AllOf(HasSubstr("leaving the cluster"), HasSubstr("left the cluster"),
                         Not(HasSubstr("SIGKILL"))));
  WEIR_ASSERT_OK(weir().StartTaskManager(1));
  EXPECT_TRUE(AwaitState(job(), "RUNNING")) << Details().ShortDebugString();
  EXPECT_THAT(WorkerLogs(), HasSubstr("worker is told to end"));
  ExpectExactlyOnce();
}

// Another leads at once; workers and TaskManagers stay what they are.
TEST_F(ShutdownTest, AJobManagerStopsNoJobAndTheStandbyTakesOver) {
  WeirClusterOptions options;
  options.job_managers = 2;
  Start(options);
  ASSERT_FALSE(HasFatalFailure());
  const uint64_t generation = Generation();
  const std::vector<pid_t> workers = Workers();
  const absl::StatusOr<int> leader = weir().Leader();
  WEIR_ASSERT_OK(leader);
  const absl::Time told = absl::Now();
  Terminate(weir().job_manager(*leader));
  ASSERT_FALSE(HasFatalFailure());
  AwaitRestore(generation);
  EXPECT_LT(absl::Now() - told, kRecoveryBound);
  EXPECT_EQ(weir().Leader().value_or(0), 3 - *leader);
  EXPECT_EQ(Workers(), workers);
  ExpectExactlyOnce();
}

// Nothing of it is on its disk: storage.root alone is enough.
TEST_F(ShutdownTest, TheOnlyJobManagerStopsNoJob) {
  Start({});
  ASSERT_FALSE(HasFatalFailure());
  const uint64_t generation = Generation();
  const std::vector<pid_t> workers = Workers();
  ASSERT_THAT(workers, Not(IsEmpty()));
  const std::string former = job();
  Terminate(weir().job_manager(1));
  ASSERT_FALSE(HasFatalFailure());
  for (const pid_t worker : workers) EXPECT_TRUE(Lives(worker)) << worker;
  WEIR_ASSERT_OK(weir().StartJobManager(1));
  AwaitRestore(generation);
  EXPECT_EQ(Workers(), workers);
  ExpectExactlyOnce();
}

// One after the other, as an upgrade does it: no failure of the job, which has no restart to spend.
TEST_F(ShutdownTest, EveryProcessIsReplacedInTurn) {
  WeirClusterOptions options;
  options.job_managers = 2;
  options.slots = 2;
  WeirJob job = Job();
  job.options["restart.strategy"] = "fixed-delay";
  job.options["restart.fixed-delay.attempts"] = "0";
  Start(options, job);
  ASSERT_FALSE(HasFatalFailure());
  for (const int number : {1, 2}) {
    Terminate(weir().task_manager(number));
    WEIR_ASSERT_OK(weir().StartTaskManager(number));
    WEIR_ASSERT_OK(weir().AwaitComplete());
    AwaitFlow();
    ASSERT_FALSE(HasFatalFailure());
    Terminate(weir().job_manager(number));
    WEIR_ASSERT_OK(weir().StartJobManager(number));
    WEIR_ASSERT_OK(weir().AwaitComplete());
    AwaitFlow();
    ASSERT_FALSE(HasFatalFailure());
  }
  EXPECT_EQ(Details().summary().state(), "RUNNING");
  ExpectExactlyOnce();
}

}  // namespace
}  // namespace weir
