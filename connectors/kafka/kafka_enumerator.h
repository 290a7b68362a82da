#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "common/connector/source.h"
#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/kafka_split.h"
#include "connectors/kafka/resolved_source_options.h"

namespace weir::kafka {

/// Finds the partitions of a source and where to start and stop in each; see SplitEnumerator.
/// Partitions that appear later start at their beginning, whatever the starting offsets say: what
/// was written into them before they were found belongs to the job (FLIP-288).
///
/// Errors: as SplitEnumerator; UNAVAILABLE after kRequestTimeout without an answer, or with one
/// that passes by itself (KafkaAdminClient says which).
class KafkaEnumerator final : public SplitEnumerator {
 public:
  static constexpr absl::Duration kRequestTimeout = absl::Seconds(15);

  KafkaEnumerator(ResolvedSourceOptions options, std::shared_ptr<const KafkaClientFactory> clients);

  absl::StatusOr<std::vector<SourceSplit>> DiscoverSplits(
      const std::vector<SourceSplit>& known) override;
  uint32_t OwnerOf(const SourceSplit& split, uint32_t parallelism) const override;
  absl::Duration discovery_interval() const override { return options_.discovery_interval; }
  absl::Status CheckPartitioning() override;

 private:
  using OffsetMap = KafkaAdminClient::OffsetMap;

  absl::Status Connect();
  absl::StatusOr<std::vector<TopicPartition>> SubscribedPartitions();
  absl::StatusOr<std::vector<std::string>> SubscribedTopics();
  absl::Status CheckPartitionsExist();
  // `first`: of the job.
  absl::Status CheckPartitionCount(size_t found, bool first) const;
  // Numbers for what `offsets` says. Partitions may be missing for kSpecific only.
  absl::StatusOr<OffsetMap> Resolve(const Offsets& offsets, const std::vector<TopicPartition>& of);
  absl::StatusOr<OffsetMap> ResolveCommitted(OffsetReset reset,
                                             const std::vector<TopicPartition>& of);
  absl::StatusOr<OffsetMap> ResolveStart(const std::vector<TopicPartition>& of, bool first);

  const ResolvedSourceOptions options_;
  const std::optional<TopicPartitioning> partitioning_;
  const std::shared_ptr<const KafkaClientFactory> clients_;
  std::unique_ptr<KafkaAdminClient> admin_;
};

}  // namespace weir::kafka
