#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "common/connector/topic_partitioning.h"
#include "common/types/batch.h"

namespace weir {

/// Which tasks of the reading operator get which rows of the operator before (Flink's
/// StreamPartitioner).
enum class Exchange {
  kForward,    // subtask i to subtask i, in the same task where that is possible
  kHash,       // by the key group of the row's key
  kRebalance,  // round robin
  kBroadcast,  // every row to all
  kCustom,     // a function of the author's says
};

/// The keys of a stream, for those who only deal them out.
///
/// Threads: immutable, thread-safe. Errors: those of the author's function, which must give the
/// same key for the same row always.
class KeySelector {
 public:
  virtual ~KeySelector() = default;
  /// The field, or "a function": for plans.
  virtual std::string Describe() const = 0;
  /// The type of the keys in words: "int64". Part of the plan.
  virtual std::string KeyType() const = 0;
  /// The same as the bytes of a StateSchema (state/api/state_schema.h), which keyed state keeps.
  virtual std::string KeySchema() const = 0;
  /// Appends the key group of every row.
  virtual absl::Status KeyGroups(const Batch& batch, uint32_t max_parallelism,
                                 std::vector<uint32_t>& groups) const = 0;
};

/// The keys of a stream that are the keys of its records in Kafka, for operators that are aligned
/// with the partitions of a topic. As KeySelector.
class PartitionKeySelector : public KeySelector {
 public:
  /// Appends the partition that each row belongs to.
  virtual absl::Status Partitions(const Batch& batch, const TopicPartitioning& topic,
                                  std::vector<uint32_t>& partitions) const = 0;
  /// The same of a key as keyed state has it (common/types/key_codec.h); nothing: those bytes are
  /// no key of this stream.
  virtual std::optional<uint32_t> PartitionOf(absl::string_view key,
                                              const TopicPartitioning& topic) const = 0;
};

/// The subtask of each row, by the author's function. Threads: immutable, thread-safe.
class RowPartitioner {
 public:
  virtual ~RowPartitioner() = default;
  /// Appends a number for every row; one that is not below `subtasks` fails the task.
  virtual absl::Status Partition(const Batch& batch, uint32_t subtasks,
                                 std::vector<uint32_t>& targets) const = 0;
};

/// One input of an operator.
struct StreamInput {
  uint64_t node = 0;
  Exchange exchange = Exchange::kForward;
  std::shared_ptr<const KeySelector> key = {};             // kHash, or with partition_key
  std::shared_ptr<const RowPartitioner> partitioner = {};  // kCustom
  /// The tag of a side output of `node`, instead of its stream; empty: its stream.
  std::string side_output = {};
  /// kForward: the operator's key groups are the partitions of its source's topic; `key` is the
  /// same object then.
  std::shared_ptr<const PartitionKeySelector> partition_key = {};
};

}  // namespace weir
