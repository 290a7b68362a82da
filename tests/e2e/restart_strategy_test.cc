// restart.strategy on a real cluster: how often a job comes back, and what it says in the end.

#include <gmock/gmock.h>

#include <string>

#include "tests/e2e/cluster_test.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

class RestartStrategyTest : public FlightStreamTest {
 protected:
  void KillWorker() {
    const std::vector<pid_t> workers = Workers();
    ASSERT_THAT(workers, SizeIs(1));
    WEIR_ASSERT_OK(KillAndAwaitEnd(workers[0], absl::Seconds(10)));
  }
};

TEST_F(RestartStrategyTest, NoneFailsAtOnceWithTheReason) {
  StartCluster();
  WeirJob job = FlightDelays();
  job.options["restart.strategy"] = "none";
  StartStream(job);
  KillWorker();
  ASSERT_TRUE(AwaitState(this->job(), "FAILED"));
  EXPECT_THAT(Details().summary().reason(),
              testing::MatchesRegex("worker w-[0-9a-f]+ on TaskManager tm-[0-9a-f]+ "
                                    "killed by signal 9 \\(SIGKILL\\).*; "
                                    "restart.strategy is none"));
  EXPECT_EQ(Details().summary().restarts(), 0u);
}

TEST_F(RestartStrategyTest, FixedDelayUsesUpItsAttempts) {
  StartCluster();
  WeirJob job = FlightDelays();
  job.options["restart.strategy"] = "fixed-delay";
  job.options["restart.fixed-delay.attempts"] = "2";
  job.options["restart.fixed-delay.delay"] = "50ms";
  StartStream(job);
  for (uint64_t generation = 1; generation <= 2; ++generation) {
    KillWorker();
    ASSERT_TRUE(AwaitTrue([&] { return Generation() > generation; }));
    ASSERT_TRUE(AwaitState(this->job(), "RUNNING"));
  }
  KillWorker();
  ASSERT_TRUE(AwaitState(this->job(), "FAILED"));
  EXPECT_THAT(Details().summary().reason(),
              AllOf(HasSubstr("killed by signal 9 (SIGKILL)"),
                    HasSubstr("restart.fixed-delay.attempts of 2 is used up")));
  EXPECT_EQ(Details().summary().restarts(), 2u);
}

}  // namespace
}  // namespace weir
