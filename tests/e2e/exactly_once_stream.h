#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/cluster_test.h"
#include "tests/e2e/record_feeder.h"
#include "tests/e2e/sink_inspection.h"

namespace weir {

/// record_copy, exactly once, with two subtasks, between topics of two partitions, on a stream of
/// keyed numbers that does not end before ExpectExactlyOnce: what docs/protocols/transactions.md
/// promises, on real Kafka, while a test does its worst.
class ExactlyOnceStreamTest : public ClusterTest {
 protected:
  static constexpr int kPartitions = RecordFeeder::kPartitions;

  void TearDown() override;

  static std::string Prefix() { return TopicName("prefix"); }
  static WeirJob Job();

  /// Topics, inspection and feeder; no job.
  void StartFeeding();
  /// The same, and the job is submitted and flows. A Weir cluster has been started.
  void StartStream(const WeirJob& job);
  const std::string& job() const { return job_; }
  SinkInspection& inspection() { return *inspection_; }

  proto::JobDetails Details();
  uint64_t Generation() { return Details().summary().generation(); }
  /// Of the job; `task_manager`, where given, is that of the first of them.
  std::vector<pid_t> Workers();
  int TaskManagerOf(pid_t worker);

  /// Something is fed, and all that has been is read by an epoch that is owned.
  void AwaitFlow();
  /// A later generation than `former` runs; within 5 s every partition's last stable offset has
  /// passed the end that the restore found, and nothing of an earlier generation is open.
  void AwaitRestore(uint64_t former);
  /// Ends the stream, awaits the last number and cancels the job. Java's consumer reads each number
  /// exactly once, those of a key in order; no transaction is left open.
  void ExpectExactlyOnce();

 private:
  void AwaitAllRead();
  bool AllRead(const std::map<int32_t, int64_t>& ends);
  void ExpectOutput(int64_t count);

  std::unique_ptr<RecordFeeder> feeder_;
  std::unique_ptr<SinkInspection> inspection_;
  std::string job_;
};

}  // namespace weir
