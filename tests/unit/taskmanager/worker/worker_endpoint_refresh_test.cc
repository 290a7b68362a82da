// What a worker with coordinator tasks has its sinks do from time to time.
#include "tests/unit/taskmanager/worker/testing_worker_endpoint.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Beats once an hour: a day has few events.
class WorkerEndpointRefreshTest : public WorkerEndpointTest {
 protected:
  WorkerEndpointRefreshTest() : WorkerEndpointTest(absl::Hours(1)) {}
};

TEST_F(WorkerEndpointRefreshTest, SinksAreRefreshedDaily) {
  Run();
  executor_.Advance(absl::Hours(24) - absl::Seconds(1));
  EXPECT_THAT(job_.committer->refreshed, IsEmpty());
  executor_.Advance(absl::Seconds(1));
  EXPECT_THAT(job_.committer->refreshed, ElementsAre("sink of job j: recovered"));
  executor_.Advance(absl::Hours(24));
  EXPECT_THAT(job_.committer->refreshed, SizeIs(2));
  EXPECT_EQ(State(), "RUNNING");
}

TEST_F(WorkerEndpointRefreshTest, ARefreshThatFailedIsTriedAgainSoon) {
  Run();
  job_.committer->refresh = absl::UnavailableError("broker is away");
  executor_.Advance(absl::Hours(24));
  EXPECT_EQ(State(), "RUNNING");
  executor_.Advance(SinkUpkeep::kRefreshRetry);
  EXPECT_THAT(job_.committer->refreshed, SizeIs(2));
  job_.committer->refresh = absl::OkStatus();
  executor_.Advance(SinkUpkeep::kRefreshRetry);
  EXPECT_THAT(job_.committer->refreshed, SizeIs(3));
  executor_.Advance(absl::Hours(23));
  EXPECT_THAT(job_.committer->refreshed, SizeIs(3));
}

TEST_F(WorkerEndpointRefreshTest, ASinkThatIsAnothersByNowFailsTheGeneration) {
  Run();
  job_.committer->refresh = absl::FailedPreconditionError("the prefix is job-2's by now");
  executor_.Advance(absl::Hours(24));
  ASSERT_EQ(State(), "FAILED");
  EXPECT_EQ(Report().failure().message(), "sink 'sink': the prefix is job-2's by now");
  EXPECT_TRUE(Report().failure().retriable());
}

TEST_F(WorkerEndpointRefreshTest, SinksOfAGenerationThatIsOverAreNotRefreshed) {
  Run();
  Send(DirectiveOf(0));
  ASSERT_EQ(State(), "IDLE");
  executor_.Advance(absl::Hours(25));
  EXPECT_THAT(job_.committer->refreshed, IsEmpty());
}

TEST_F(WorkerEndpointRefreshTest, SinksAreSweptWhileTheGenerationRuns) {
  Run();
  executor_.Advance(SinkCommitter::kSweepInterval);
  EXPECT_EQ(job_.committer->sweeps, 1);
  job_.committer->sweep = absl::UnavailableError("broker is away");
  executor_.Advance(3 * SinkCommitter::kSweepInterval);
  EXPECT_EQ(job_.committer->sweeps, 4);
  EXPECT_EQ(State(), "RUNNING");
  Send(DirectiveOf(0));
  executor_.Advance(absl::Hours(1));
  EXPECT_EQ(job_.committer->sweeps, 4);
}

}  // namespace
}  // namespace weir::taskmanager
