// Workers that hang, are replaced and come to again: nothing of them becomes visible twice.

#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/time/clock.h"

#include "tests/e2e/exactly_once_stream.h"

namespace weir {
namespace {

class ZombieWorkerTest : public ExactlyOnceStreamTest {
 protected:
  void Start(WeirClusterOptions options) {
    options.slots = 2;  // one TaskManager can run both subtasks
    StartCluster(options);
    StartStream(Job());
  }
  bool Lives(pid_t pid) {
    const std::vector<pid_t> all = weir().Processes();
    return std::find(all.begin(), all.end(), pid) != all.end();
  }
};

// Its TaskManager kills it: until then it may have been in the middle of anything.
TEST_F(ZombieWorkerTest, AWorkerThatHangsIsKilledAndReplaced) {
  WeirClusterOptions options;
  options.server_options["heartbeat.worker-timeout"] = "1s";
  Start(options);
  for (int round = 0; round < 3 && !HasFailure(); ++round) {
    const uint64_t generation = Generation();
    const pid_t victim = Workers().at(static_cast<size_t>(round) % 2);
    ASSERT_EQ(kill(victim, SIGSTOP), 0);
    AwaitRestore(generation);
    EXPECT_FALSE(Lives(victim));
  }
  ExpectExactlyOnce();
}

// The worker and its TaskManager hang, so nobody kills it; the other TaskManager's replacement has
// recovered, prepared and committed when the worker wakes up, with its records and its EndTxn
// queued. `delay` varies what it was doing.
TEST_F(ZombieWorkerTest, AWorkerThatWakesUpBehindItsReplacementChangesNothing) {
  WeirClusterOptions options;
  options.server_options["heartbeat.taskmanager-timeout"] = "1s";
  options.server_options["heartbeat.suspect-after"] = "300ms";
  Start(options);
  for (const absl::Duration delay : {absl::ZeroDuration(), absl::Milliseconds(70)}) {
    const uint64_t generation = Generation();
    const pid_t zombie = Workers().at(0);
    const int holder = TaskManagerOf(zombie);
    ASSERT_FALSE(HasFailure());
    absl::SleepFor(delay);
    ASSERT_EQ(kill(zombie, SIGSTOP), 0);
    WEIR_ASSERT_OK(weir().task_manager(holder).Kill(SIGSTOP));
    AwaitRestore(generation);
    AwaitFlow();
    ASSERT_TRUE(Lives(zombie));
    ASSERT_EQ(kill(zombie, SIGCONT), 0);
    // It sends what it has, and hears that it is fenced; its TaskManager then lets go of it.
    AwaitFlow();
    WEIR_ASSERT_OK(weir().task_manager(holder).Kill(SIGCONT));
    EXPECT_TRUE(AwaitTrue([&] { return !Lives(zombie); }));
    WEIR_ASSERT_OK(weir().AwaitComplete());
    AwaitFlow();
    const auto strays = inspection().OpenStrays();
    WEIR_ASSERT_OK(strays);
    EXPECT_TRUE(strays->empty()) << strays->front();
  }
  ExpectExactlyOnce();
}

}  // namespace
}  // namespace weir
