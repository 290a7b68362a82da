#include "connectors/kafka/kafka_split.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace weir::kafka {
namespace {

constexpr int kVersion = 1;
constexpr int kParts = 5;

absl::Status Malformed(absl::string_view position) {
  return absl::InvalidArgumentError(
      absl::StrCat("not a position in a Kafka partition: '", position, "'"));
}

}  // namespace

std::string KafkaSplitId(const std::string& topic, int32_t partition) {
  return absl::StrCat(topic, "-", partition);
}

std::string EncodeKafkaPosition(const KafkaSplit& split) {
  return absl::StrCat(kVersion, " ", split.partition, " ", split.offset, " ",
                      split.stop_offset.has_value() ? absl::StrCat(*split.stop_offset) : "-", " ",
                      split.topic);
}

absl::StatusOr<KafkaSplit> DecodeKafkaPosition(absl::string_view position) {
  const std::vector<absl::string_view> parts =
      absl::StrSplit(position, absl::MaxSplits(' ', kParts - 1));
  int version = 0;
  if (!absl::SimpleAtoi(parts[0], &version) || version < 1) return Malformed(position);
  if (version > kVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("a position of version ", version, "; this program reads up to ", kVersion));
  }
  KafkaSplit split;
  if (parts.size() != kParts || !absl::SimpleAtoi(parts[1], &split.partition) ||
      split.partition < 0 || !absl::SimpleAtoi(parts[2], &split.offset) || split.offset < 0 ||
      parts[4].empty()) {
    return Malformed(position);
  }
  if (parts[3] != "-") {
    int64_t stop = 0;
    if (!absl::SimpleAtoi(parts[3], &stop) || stop < 0) return Malformed(position);
    split.stop_offset = stop;
  }
  split.topic = std::string(parts[4]);
  return split;
}

SourceSplit ToSourceSplit(const KafkaSplit& split) {
  SourceSplit result;
  result.id = KafkaSplitId(split.topic, split.partition);
  result.position = EncodeKafkaPosition(split);
  return result;
}

}  // namespace weir::kafka
