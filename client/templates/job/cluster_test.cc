// The dataflow on a cluster, whose servers are threads of this test. It needs no broker.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "weir/testing/file_sink.h"
#include "weir/testing/mini_cluster.h"

namespace {

TEST(ClusterTest, LosesNoAlertWhenAWorkerDiesAndTheJobManager) {
  weir::testing::MiniCluster cluster;
  ASSERT_TRUE(cluster.Start()) << cluster.error();
  const std::string out = cluster.directory() + "/alerts";
  const std::string job = cluster.Submit({.program = JOB_PROGRAM,
                                          .arguments = {"--out=" + out},
                                          .configuration = {{"checkpoint.interval", "100ms"}}});
  ASSERT_TRUE(cluster.AwaitState(job, "RUNNING")) << cluster.error();
  ASSERT_TRUE(cluster.AwaitCheckpoint(job)) << cluster.error();

  ASSERT_TRUE(cluster.KillWorker(job)) << cluster.error();
  ASSERT_TRUE(cluster.AwaitState(job, "RUNNING")) << cluster.error();
  ASSERT_TRUE(cluster.RestartJobManager()) << cluster.error();
  ASSERT_TRUE(cluster.AwaitState(job, "RUNNING")) << cluster.error();
  ASSERT_TRUE(cluster.AwaitCheckpoint(job)) << cluster.error();
  ASSERT_TRUE(cluster.StopJob(job)) << cluster.error();
  ASSERT_TRUE(cluster.AwaitState(job, "FINISHED")) << cluster.error();

  // Every second payment is a large one: 1, 3, 5 and so on.
  std::set<std::string> alerts;
  for (const std::string& line : weir::testing::ReadFileSink(out)) alerts.insert(line);
  ASSERT_GT(alerts.size(), 0u);
  for (size_t i = 0; i < alerts.size(); ++i) {
    const std::string payment = std::to_string(2 * i + 1);
    EXPECT_EQ(
        alerts.count(R"({"account":"a-17","payment_id":)" + payment + R"(,"severity":"warning"})"),
        1u)
        << payment;
  }
}

}  // namespace
