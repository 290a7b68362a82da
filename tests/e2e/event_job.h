#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/seeded_random.h"
#include "common/exec/mutex.h"
#include "tests/e2e/keyed_job.h"
#include "tests/e2e/sink_inspection.h"
#include "tests/e2e/window_oracle.h"
#include "tests/support/kafka/committed_topic_reader.h"

namespace weir {

/// A job of events (event_windows, event_dealing, event_profiles), which the test makes, feeds and
/// compares with its own sums, while it kills workers.
class EventJobTest : public KeyedJobTest {
 protected:
  void TearDown() override;

  /// The cluster, and topics `input` and `output` of four partitions each.
  void StartCluster(int task_managers, int slots, std::map<std::string, std::string> options = {});
  void CreateTopic(const std::string& topic, int partitions = kPartitions);

  /// Event time goes from `from_ms` over `span_ms`, in steps of 10 ms, at most kDisorder out of
  /// order; keys "k0", "k1", ...; ids follow each other over all calls.
  std::vector<TestEvent> MakeEvents(int64_t from_ms, int64_t span_ms, size_t count, size_t keys);
  static constexpr int64_t kDisorderMs = 20'000;
  /// The last event of its time in each of these partitions: time passes.
  std::vector<TestEvent> MakeTicks(int64_t at_ms,
                                   const std::vector<int32_t>& partitions = {0, 1, 2, 3});
  void Feed(const std::vector<TestEvent>& events, const std::string& topic = "input");

  /// With transactions of this test's own, and a group that says what was read.
  WeirJob EventJob(const std::string& program, int parallelism = kPartitions);

  /// Until completed checkpoints have read all that was fed into the topic.
  void AwaitConsumed(const std::string& topic = "input");
  /// Of all partitions, as of the newest checkpoint that is known.
  int64_t Consumed(const std::string& topic = "input");
  /// Until so many records are committed to the topic; fails when there are more.
  void AwaitCommitted(const std::string& topic, size_t count);

  /// Lines of what is committed in the end, read by Java's consumer; sorted.
  std::vector<std::string> WindowLines(const std::string& topic = "output");
  std::vector<std::string> EventLines(const std::string& topic);
  std::vector<nlohmann::json> Rows(const std::string& topic);

 private:
  struct Tally {
    Mutex mutex;
    size_t records WEIR_GUARDED_BY(mutex) = 0;
    std::unique_ptr<CommittedTopicReader> reader;  // goes first
  };
  SinkInspection* Inspection();

  SeededRandom random_{11};
  int64_t next_id_ = 1;
  std::map<std::string, int> partitions_;                       // of each topic
  std::map<std::string, std::map<int32_t, int64_t>> fed_into_;  // topic, partition
  std::map<std::string, std::unique_ptr<Tally>> tallies_;
  std::unique_ptr<SinkInspection> inspection_;
};

}  // namespace weir
