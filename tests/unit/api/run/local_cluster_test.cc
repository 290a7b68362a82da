#include "api/run/local_cluster.h"

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <string>

#include "common/base/failure_policy.h"
#include "common/config/options.h"
#include "common/exec/retry_wait.h"
#include "state/checkpoint/storage_check.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/taskmanager/worker/testing_worker_parts.h"

namespace weir {
namespace {

// Whoever ends a run does not wait the two minutes for its brokers that their leaders have.
TEST(LocalClusterTest, ItsEndDoesNotWaitForBrokers) {
  taskmanager::TestingJob job;
  job.enumerator->error = WithFailurePolicy(absl::UnavailableError("topic t has no leader"),
                                            FailurePolicy::kRestartJob);
  std::promise<void> asked;
  job.enumerator->on_call = [&] {
    if (job.enumerator->calls == 1) asked.set_value();
  };
  const TemporaryDirectory directory;
  const auto config = Config::FromValues(
      {{std::string(options::kStorageRoot.key()), directory.File("checkpoints")}});
  ASSERT_TRUE(config.ok()) << config.status();
  SystemRandom random;
  PosixFileSystem files(random);
  const StorageLayout layout(directory.File("checkpoints"), config->Get(options::kClusterId));
  ASSERT_EQ(CheckStorage(files, layout.ClusterLogDirectory(), random), absl::OkStatus());
  {
    LocalCluster cluster(job.graph, job.plan, *config);
    ThreadRetryWait wait;
    absl::Status submitted = cluster.Submit({}, false).status();
    for (int i = 0; i < 200 && !submitted.ok(); ++i) {  // it has to be elected first
      wait.Wait(absl::Milliseconds(50));
      submitted = cluster.Submit({}, false).status();
    }
    ASSERT_EQ(submitted, absl::OkStatus());
    asked.get_future().wait();
  }
  EXPECT_LT(job.enumerator->calls, 6);  // 15 would be all
}

}  // namespace
}  // namespace weir
