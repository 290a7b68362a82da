#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/connector/topic_partitioning.h"
#include "common/types/batch.h"
#include "weir/environment.h"

namespace weir {

namespace testing {

/// Where the keyed state of the operators under test lies: a job's state.backend.
enum class StateBackend {
  kHashMap,  // in memory
  kRocksDb,  // in files of a temporary folder, which goes with the harness
};

/// How the operators under test stand in their job.
struct HarnessOptions {
  /// Channels into the first of them: watermarks are their minimum, but for those that are idle.
  uint32_t inputs = 1;
  /// Which of so many subtasks of a pipeline that is one task. Where it begins with KeyBy, rows of
  /// other subtasks' keys are left out; else all rows that are pushed are this subtask's.
  uint32_t subtask = 0;
  uint32_t parallelism = 1;
  /// Of a pipeline with KeyByPartition: the topic, which every record is pushed with a position of;
  /// those of partitions of other subtasks are left out.
  std::optional<TopicPartitioning> partitioned_by = std::nullopt;
  StateBackend backend = StateBackend::kHashMap;
  /// With kRocksDb: state.memory, of each operator. So little that tests read from files, too.
  size_t state_memory_bytes = size_t{64} << 10;
};

/// What became of an operator's records.
struct OperatorBooks {
  uint64_t records_in = 0;
  uint64_t records_out = 0;  // with those in side outputs
  uint64_t filtered = 0;
  uint64_t late = 0;
};

/// Why the operators under test have failed, as a job's reason would say it.
struct OperatorFailure {
  std::string operator_uid;  // empty when no operator is to blame
  std::string operator_name;
  std::string message;   // "a user function threw: ..."
  std::string position;  // "topic flights, partition 3, offset 17"; empty when unknown
};

}  // namespace testing

namespace internal {

/// What OperatorTestHarness does without knowing the types of its records: runs the operators
/// between its source and its sink as the tasks of a worker would, on the thread of the caller.
/// weir/testing/operator_test_harness.h has the contract.
class OperatorHarnessCore {
 public:
  /// For both ends of the stream in the environment that is handed to the constructor.
  static std::shared_ptr<const Source> InputEnd(SchemaPtr schema);
  static std::shared_ptr<const Sink> OutputEnd();
  /// Behind a side output: adds all batches.
  static std::shared_ptr<const Sink> KeepingEnd(std::shared_ptr<std::vector<BatchPtr>> batches);

  OperatorHarnessCore(const Environment& environment, const testing::HarnessOptions& options);
  /// One operator alone; `name` is its uid, too.
  OperatorHarnessCore(const std::string& name, const OperatorFactory& make);
  ~OperatorHarnessCore();
  OperatorHarnessCore(OperatorHarnessCore&&) noexcept;
  OperatorHarnessCore& operator=(OperatorHarnessCore&&) = delete;

  bool Push(BatchPtr batch, uint32_t input);
  bool PushWatermark(int64_t event_time_us, uint32_t input);
  bool PushIdle(bool idle, uint32_t input);
  bool HoldOutput(bool held);
  bool PassOutput();
  bool SetProcessingTime(int64_t time_us);
  bool Finish();
  std::optional<std::string> Snapshot();
  bool Restore(const std::vector<std::string>& snapshots);
  /// What the caller was asked for makes no sense: that is the failure, unless there is one.
  bool Refuse(const std::string& message);

  /// What has come out since the last call.
  std::vector<BatchPtr> TakeBatches();
  std::vector<BatchPtr> TakeDeadLetters();
  const std::vector<int64_t>& watermarks() const;
  testing::OperatorBooks Books(const std::string& uid) const;
  const std::optional<testing::OperatorFailure>& failure() const;
  std::string error() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace internal
}  // namespace weir
