#include "connectors/kafka/kafka_enumerator.h"

#include <algorithm>
#include <regex>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/failure_policy.h"
#include "common/base/status_macros.h"
#include "common/types/key_group.h"
#include "connectors/kafka/java_partitioning.h"

namespace weir::kafka {

KafkaEnumerator::KafkaEnumerator(ResolvedSourceOptions options,
                                 std::shared_ptr<const KafkaClientFactory> clients)
    : options_(std::move(options)),
      partitioning_(PartitioningOf(options_.options)),
      clients_(std::move(clients)) {}

absl::Status KafkaEnumerator::Connect() {
  if (admin_ != nullptr) return absl::OkStatus();
  ClientConfiguration configuration = options_.configuration;
  if (!options_.client_id_prefix.empty()) {
    configuration.values["client.id"] = absl::StrCat(options_.client_id_prefix, "-enumerator");
  }
  WEIR_ASSIGN_OR_RETURN(admin_, clients_->MakeAdmin(configuration, kRequestTimeout));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> KafkaEnumerator::SubscribedTopics() {
  const KafkaSourceOptions& options = options_.options;
  if (options.topic_pattern.empty()) return options.topics;
  WEIR_ASSIGN_OR_RETURN(std::vector<std::string> topics, admin_->ListTopics());
  const std::regex pattern(options.topic_pattern);  // compiled once before, in Validate
  topics.erase(
      std::remove_if(topics.begin(), topics.end(),
                     [&](const std::string& topic) { return !std::regex_match(topic, pattern); }),
      topics.end());
  if (topics.empty() && options_.discovery_interval == absl::ZeroDuration()) {
    return absl::NotFoundError(
        absl::StrCat("no Kafka topic matches the pattern '", options.topic_pattern, "'"));
  }
  return topics;
}

absl::StatusOr<std::vector<TopicPartition>> KafkaEnumerator::SubscribedPartitions() {
  if (!options_.options.partitions.empty()) {
    WEIR_RETURN_IF_ERROR(CheckPartitionsExist());
    return options_.options.partitions;
  }
  std::vector<TopicPartition> result;
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> topics, SubscribedTopics());
  for (const std::string& topic : topics) {
    WEIR_ASSIGN_OR_RETURN(const std::vector<int32_t> partitions, admin_->Partitions(topic));
    for (const int32_t partition : partitions) result.push_back({topic, partition});
  }
  return result;
}

absl::Status KafkaEnumerator::CheckPartitionsExist() {
  std::map<std::string, std::vector<int32_t>> by_topic;
  for (const TopicPartition& at : options_.options.partitions) {
    if (by_topic.count(at.topic) == 0) {
      WEIR_ASSIGN_OR_RETURN(by_topic[at.topic], admin_->Partitions(at.topic));
    }
    const std::vector<int32_t>& existing = by_topic[at.topic];
    if (std::find(existing.begin(), existing.end(), at.partition) == existing.end()) {
      return absl::NotFoundError(absl::StrCat("Kafka topic '", at.topic, "' has ", existing.size(),
                                              " partitions and no partition ", at.partition));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<KafkaEnumerator::OffsetMap> KafkaEnumerator::ResolveCommitted(
    OffsetReset reset, const std::vector<TopicPartition>& of) {
  WEIR_ASSIGN_OR_RETURN(OffsetMap offsets, admin_->CommittedOffsets(of));
  std::vector<TopicPartition> missing;
  for (const TopicPartition& at : of) {
    if (offsets.count(at) == 0) missing.push_back(at);
  }
  if (missing.empty()) return offsets;
  if (reset == OffsetReset::kNone) {
    return absl::InvalidArgumentError(
        absl::StrCat("the group '", options_.options.properties.Get("group.id"),
                     "' has committed no offset for topic ", missing[0].topic, ", partition ",
                     missing[0].partition, ", and nothing is said about where to read then"));
  }
  WEIR_ASSIGN_OR_RETURN(const OffsetMap others, reset == OffsetReset::kEarliest
                                                    ? admin_->EarliestOffsets(missing)
                                                    : admin_->LatestOffsets(missing));
  offsets.insert(others.begin(), others.end());
  return offsets;
}

absl::StatusOr<KafkaEnumerator::OffsetMap> KafkaEnumerator::Resolve(
    const Offsets& offsets, const std::vector<TopicPartition>& of) {
  switch (offsets.kind()) {
    case Offsets::Kind::kEarliest:
      return admin_->EarliestOffsets(of);
    case Offsets::Kind::kLatest:
      return admin_->LatestOffsets(of);
    case Offsets::Kind::kCommitted:
      return ResolveCommitted(offsets.reset(), of);
    case Offsets::Kind::kTimestamp: {
      WEIR_ASSIGN_OR_RETURN(OffsetMap found, admin_->OffsetsForTime(of, offsets.timestamp_ms()));
      // Without so late a record: behind the last one.
      WEIR_ASSIGN_OR_RETURN(const OffsetMap latest, admin_->LatestOffsets(of));
      found.insert(latest.begin(), latest.end());
      return found;
    }
    case Offsets::Kind::kSpecific:
      break;
  }
  OffsetMap specific;
  for (const TopicPartition& at : of) {
    const auto found = offsets.by_partition().find(at);
    if (found != offsets.by_partition().end()) specific.insert(*found);
  }
  return specific;
}

absl::StatusOr<KafkaEnumerator::OffsetMap> KafkaEnumerator::ResolveStart(
    const std::vector<TopicPartition>& of, bool first) {
  if (!first) return admin_->EarliestOffsets(of);
  WEIR_ASSIGN_OR_RETURN(OffsetMap start, Resolve(options_.options.starting_offsets, of));
  if (start.size() == of.size()) return start;
  std::vector<TopicPartition> rest;
  for (const TopicPartition& at : of) {
    if (start.count(at) == 0) rest.push_back(at);
  }
  WEIR_ASSIGN_OR_RETURN(const OffsetMap earliest, admin_->EarliestOffsets(rest));
  start.insert(earliest.begin(), earliest.end());
  return start;
}

absl::Status KafkaEnumerator::CheckPartitionCount(size_t found, bool first) const {
  if (!partitioning_.has_value() || found == partitioning_->partitions) return absl::OkStatus();
  const uint32_t declared = partitioning_->partitions;
  if (first) {
    return absl::InvalidArgumentError(absl::StrCat("Kafka topic '", partitioning_->topic, "' has ",
                                                   found, " partitions, and PartitionedBy says ",
                                                   declared));
  }
  return WithFailurePolicy(
      absl::FailedPreconditionError(absl::StrCat("Kafka topic '", partitioning_->topic, "' has ",
                                                 found, " partitions by now and had ", declared,
                                                 ", which the job's keys are aligned with")),
      FailurePolicy::kSuspendJob);
}

absl::Status KafkaEnumerator::CheckPartitioning() {
  if (!partitioning_.has_value()) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(Connect());
  WEIR_ASSIGN_OR_RETURN(const std::vector<int32_t> partitions,
                        admin_->Partitions(partitioning_->topic));
  return CheckPartitionCount(partitions.size(), /*first=*/false);
}

absl::StatusOr<std::vector<SourceSplit>> KafkaEnumerator::DiscoverSplits(
    const std::vector<SourceSplit>& known) {
  WEIR_RETURN_IF_ERROR(Connect());
  std::set<std::string> known_ids;
  for (const SourceSplit& split : known) known_ids.insert(split.id);
  WEIR_ASSIGN_OR_RETURN(std::vector<TopicPartition> found, SubscribedPartitions());
  WEIR_RETURN_IF_ERROR(CheckPartitionCount(found.size(), known.empty()));
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  found.erase(std::remove_if(found.begin(), found.end(),
                             [&](const TopicPartition& at) {
                               return known_ids.count(KafkaSplitId(at.topic, at.partition)) != 0;
                             }),
              found.end());
  if (found.empty()) return std::vector<SourceSplit>();
  WEIR_ASSIGN_OR_RETURN(OffsetMap start, ResolveStart(found, known.empty()));
  OffsetMap stop;
  const std::optional<Offsets>& stopping = options_.options.stopping_offsets;
  if (stopping.has_value()) {
    WEIR_ASSIGN_OR_RETURN(stop, Resolve(*stopping, found));
  }
  std::vector<SourceSplit> splits;
  for (const TopicPartition& at : found) {
    const auto offset = start.find(at);
    if (offset == start.end()) {
      return absl::UnavailableError(
          absl::StrCat("Kafka gave no offset for topic ", at.topic, ", partition ", at.partition));
    }
    KafkaSplit split{at.topic, at.partition, offset->second, std::nullopt};
    // A partition without a stopping offset of its own is not read.
    if (stopping.has_value()) split.stop_offset = stop.count(at) != 0 ? stop[at] : split.offset;
    splits.push_back(ToSourceSplit(split));
    splits.back().finished = split.AtEnd();
  }
  return splits;
}

uint32_t KafkaEnumerator::OwnerOf(const SourceSplit& split, uint32_t parallelism) const {
  const absl::StatusOr<KafkaSplit> decoded = DecodeKafkaPosition(split.position);
  if (!decoded.ok()) return 0;  // the reader that gets it says what is wrong
  if (partitioning_.has_value()) {
    const std::vector<uint32_t> owners =
        DefaultKeyGroupTable({parallelism, partitioning_->partitions});
    const auto partition = static_cast<size_t>(decoded->partition);
    return partition < owners.size() ? owners[partition] : 0;
  }
  return OwnerOfPartition(decoded->topic, decoded->partition, parallelism);
}

}  // namespace weir::kafka
