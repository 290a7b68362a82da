#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/connector/split.h"

namespace weir::kafka {

/// A partition and how far it is read; what SourceSplit::position holds.
struct KafkaSplit {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = 0;                  // of the next record to read
  std::optional<int64_t> stop_offset;  // the first one that is not read any more

  bool AtEnd() const { return stop_offset.has_value() && offset >= *stop_offset; }
  bool operator==(const KafkaSplit&) const = default;
};

/// "flights-3", as Kafka's tools write a partition.
std::string KafkaSplitId(const std::string& topic, int32_t partition);

/// "1 3 42 100 flights": version, partition, offset, stopping offset or "-", topic. Text, so that a
/// checkpoint can be read by people; stable, since it is part of manifests.
std::string EncodeKafkaPosition(const KafkaSplit& split);

/// INVALID_ARGUMENT, saying what is wrong, for anything that EncodeKafkaPosition cannot have made;
/// FAILED_PRECONDITION for a later version.
absl::StatusOr<KafkaSplit> DecodeKafkaPosition(absl::string_view position);

/// With the id and the position of `split`, the rest empty.
SourceSplit ToSourceSplit(const KafkaSplit& split);

}  // namespace weir::kafka
