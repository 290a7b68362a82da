#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/connector/source.h"
#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/kafka_source_options.h"

namespace weir::kafka {

/// The Kafka source; see Source. Whatever is wrong with the options is said by Validate, and by
/// everything that needs them to be right.
class KafkaSource final : public Source {
 public:
  KafkaSource(KafkaSourceOptions options, std::shared_ptr<const KafkaClientFactory> clients);

  std::string type() const override { return "KafkaSource"; }
  std::shared_ptr<const Schema> schema() const override { return options_.schema; }
  bool bounded() const override { return options_.bounded; }
  std::map<std::string, std::string> Describe() const override;
  std::optional<TopicPartitioning> partitioning() const override;
  absl::Status Validate() const override;
  absl::StatusOr<std::unique_ptr<SplitEnumerator>> MakeEnumerator() const override;
  absl::StatusOr<std::unique_ptr<SourceReader>> MakeReader(uint32_t subtask_index,
                                                           uint32_t parallelism) const override;

 private:
  const KafkaSourceOptions options_;
  const std::shared_ptr<const KafkaClientFactory> clients_;
};

}  // namespace weir::kafka
