#include "taskmanager/task/partition_check.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/failure_policy.h"
#include "common/base/status_macros.h"
#include "common/operator/current_call.h"

namespace weir::taskmanager {

PartitionCheck::PartitionCheck(std::shared_ptr<const PartitionKeySelector> key,
                               TopicPartitioning topic, KeyGroupRange own)
    : key_(std::move(key)), topic_(std::move(topic)), own_(own) {}

absl::Status PartitionCheck::Check(const Batch& batch) {
  const Provenance* from = batch.provenance().get();
  if (from == nullptr || from->partition < 0 || from->topic != topic_.topic) {
    return absl::InternalError(absl::StrCat("rows that were not read from topic '", topic_.topic,
                                            "' have come to an operator that is aligned with it"));
  }
  const auto partition = static_cast<uint32_t>(from->partition);
  if (!own_.Contains(partition)) {
    return absl::InternalError(absl::StrCat("rows of partition ", partition,
                                            " have come to the subtask of partitions ", own_.first,
                                            " to ", static_cast<int64_t>(own_.end) - 1));
  }
  partitions_.clear();
  WEIR_RETURN_IF_ERROR(key_->Partitions(batch, topic_, partitions_));
  for (size_t row = 0; row < partitions_.size(); ++row) {
    if (partitions_[row] == partition) continue;
    ThisThreadsCall().SetRow(row);
    return Misplaced(partition, partitions_[row]);
  }
  return absl::OkStatus();
}

absl::Status PartitionCheck::Misplaced(uint32_t partition, uint32_t belongs_to) const {
  return WithFailurePolicy(
      absl::InvalidArgumentError(
          absl::StrCat("the record is in partition ", partition, " of topic '", topic_.topic,
                       "', and ", topic_.partitioner->name(), " of its key (", key_->Describe(),
                       ") gives partition ", belongs_to, " of ", topic_.partitions,
                       ": KeyByPartition needs the key by which the topic is partitioned")),
      FailurePolicy::kMisplaced);
}

}  // namespace weir::taskmanager
