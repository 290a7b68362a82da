// A worker that is told to end.
#include "tests/unit/taskmanager/worker/testing_worker_endpoint.h"

namespace weir::taskmanager {
namespace {

class WorkerEndpointStopTest : public WorkerEndpointTest {
 protected:
  void Stop() {
    endpoint_->Stop([this] { ++stopped_; });
  }
  int stopped_ = 0;
};

TEST_F(WorkerEndpointStopTest, ItsTasksAreClosedFirst) {
  Run();
  Stop();
  EXPECT_EQ(stopped_, 0);
  executor_.RunReady();
  EXPECT_EQ(stopped_, 1);
  EXPECT_TRUE(endpoint_->generation().is_none());
}

TEST_F(WorkerEndpointStopTest, WithoutTasksItStopsAtOnce) {
  Stop();
  EXPECT_EQ(stopped_, 1);
}

TEST_F(WorkerEndpointStopTest, NothingIsObeyedAnyMore) {
  Run(1);
  Stop();
  Deploy(2);
  EXPECT_TRUE(endpoint_->generation().is_none());
  EXPECT_EQ(stopped_, 1);
}

// A tear-down that was under way ends it, too, and the next generation does not begin.
TEST_F(WorkerEndpointStopTest, ATearDownUnderWayIsAwaited) {
  Run(1);
  endpoint_->OnEnvelope(DeployOf(2));
  Stop();
  EXPECT_EQ(stopped_, 0);
  executor_.RunReady();
  EXPECT_EQ(stopped_, 1);
  EXPECT_TRUE(endpoint_->generation().is_none());
}

}  // namespace
}  // namespace weir::taskmanager
