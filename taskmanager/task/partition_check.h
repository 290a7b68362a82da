#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"

#include "common/connector/topic_partitioning.h"
#include "common/operator/partitioning.h"
#include "common/types/batch.h"
#include "common/types/key_group.h"

namespace weir::taskmanager {

/// Proves of the rows that come to an operator whose key groups are partitions that each was read
/// from the partition of its key (docs/protocols/partition-aligned-keying.md).
///
/// Threads: the task's.
class PartitionCheck {
 public:
  /// `own`: the partitions that this subtask has as key groups.
  PartitionCheck(std::shared_ptr<const PartitionKeySelector> key, TopicPartitioning topic,
                 KeyGroupRange own);

  /// Errors: those of the author's functions; INVALID_ARGUMENT, which fails the job, for the first
  /// row of another partition, which is the row of this thread's CurrentCall then; INTERNAL for a
  /// batch that cannot have come here.
  absl::Status Check(const Batch& batch);

 private:
  absl::Status Misplaced(uint32_t partition, uint32_t belongs_to) const;

  const std::shared_ptr<const PartitionKeySelector> key_;
  const TopicPartitioning topic_;
  const KeyGroupRange own_;
  std::vector<uint32_t> partitions_;  // of the rows of one batch
};

}  // namespace weir::taskmanager
