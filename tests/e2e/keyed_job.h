#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/e2e/cluster_test.h"

namespace weir {

/// A job with keyed state at parallelism 4 on the flights, over the workers of three TaskManagers,
/// while the test feeds, kills and looks.
class KeyedJobTest : public ClusterTest {
 protected:
  static constexpr int kPartitions = 4;
  static constexpr size_t kChunk = 1000;

  /// The cluster, the topics, and the flights that are to be fed.
  void StartWith(size_t flights);
  /// A program that takes --brokers, --input, --output and --parallelism. At an interval of 200 ms.
  WeirJob JobOf(const std::string& program, int parallelism = kPartitions);
  /// Keyed state in RocksDB behind so little memory of each worker that most of it is not there.
  static WeirJob OnRocksDb(WeirJob job, const std::string& memory = "1mb");
  /// Until it runs.
  void Submit(const WeirJob& job);

  /// The next flights, in order within each route.
  void Feed(size_t chunks);
  void FeedAll() { Feed(flights_.size() / kChunk + 1); }
  /// A flight of a later month in every partition: event time passes all that was fed.
  void FeedEnd();

  proto::JobDetails Details();
  /// Two: one of them was triggered behind what was fed.
  void AwaitCheckpoints();
  void AwaitRecovery(uint64_t former);
  /// kill -9 of that worker, whose death is the reason of the restart.
  void KillWorker(int which);

  /// Keys and values of the output topic, committed ones, when nothing has come for `quiet`.
  std::vector<std::pair<std::string, std::string>> Output(absl::Duration quiet, size_t at_most = 0);
  /// Waits until `count` records are committed.
  void AwaitOutput(size_t count);
  /// And the job is stopped, so that nothing is written behind what is compared.
  void StopJob() { WEIR_ASSERT_OK(weir().Cli({"stop", job_, "--wait"})); }

  std::string job_;
  std::vector<TestFlight> flights_;
  size_t fed_ = 0;
};

}  // namespace weir
