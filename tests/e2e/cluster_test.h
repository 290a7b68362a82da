#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/flight_stream.h"
#include "tests/support/cluster/weir_cluster.h"
#include "tests/support/kafka/kafka_test.h"

namespace weir {

/// `ASSERT_TRUE(x.ok()) << x` for a Status or a StatusOr.
inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <class T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}
#define WEIR_ASSERT_OK(expression)                                      \
  do {                                                                  \
    const auto& weir_assert_value = (expression);                       \
    ASSERT_TRUE(weir_assert_value.ok()) << StatusOf(weir_assert_value); \
  } while (false)

/// A Weir cluster and the shared Kafka. Heartbeats come every 100 ms, checkpoints every 200 ms.
/// After the test the cluster is stopped, and no process of it may be left.
class ClusterTest : public KafkaTest {
 protected:
  void TearDown() override;

  void StartCluster(WeirClusterOptions options = {});
  WeirCluster& weir() { return *weir_; }

  /// "--brokers=..., --input=..., --output=..." for the topics `input` and `output` of this test.
  static std::vector<std::string> JobArguments();
  static WeirJob FlightDelays();
  static WeirJob KafkaToKafka();

  /// The values of the topic `output` of this test, read by Java's consumer until there are
  /// `count`, or nothing comes for 20 s.
  std::vector<std::string> OutputValues(size_t count);

  absl::StatusOr<proto::JobDetails> Describe(const std::string& job);
  /// Number of each registered TaskManager, by its id.
  std::map<std::string, int> TaskManagerNumbers();
  /// "" when DescribeJob fails.
  std::string StateOf(const std::string& job);
  bool AwaitState(const std::string& job, const std::string& state);
  /// Completed checkpoints of the newest generation that are listed.
  size_t CheckpointsOf(const std::string& job, uint64_t generation);

 private:
  std::unique_ptr<WeirCluster> weir_;
};

/// flight_delays on a stream that does not end before Finish.
class FlightStreamTest : public ClusterTest {
 protected:
  static constexpr int kPartitions = 4;

  void TearDown() override;

  /// Topics, feeder and reader; the job is submitted and runs.
  void StartStream(const WeirJob& job);
  const std::string& job() const { return job_; }
  proto::JobDetails Details();
  uint64_t Generation() { return Details().summary().generation(); }
  std::vector<pid_t> Workers();

  /// Two checkpoints of the running generation are complete, and flights fed from now on have come
  /// out.
  void AwaitFlow();
  /// A later generation than `former` runs, and AwaitFlow.
  void AwaitRecovery(uint64_t former);
  /// Ends the stream and waits for the last record: nothing is lost, no value is wrong.
  void ExpectNothingLost();

 private:
  std::unique_ptr<FlightFeeder> feeder_;
  std::unique_ptr<DelayedFlightReader> reader_;
  std::string job_;
};

}  // namespace weir
