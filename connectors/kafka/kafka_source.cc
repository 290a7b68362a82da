#include "connectors/kafka/kafka_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "connectors/kafka/kafka_enumerator.h"
#include "connectors/kafka/kafka_reader.h"
#include "connectors/kafka/resolved_source_options.h"

namespace weir::kafka {

KafkaSource::KafkaSource(KafkaSourceOptions options,
                         std::shared_ptr<const KafkaClientFactory> clients)
    : options_(std::move(options)), clients_(std::move(clients)) {}

std::map<std::string, std::string> KafkaSource::Describe() const {
  std::map<std::string, std::string> words = DescribeProperties(options_.properties);
  if (!options_.topics.empty()) words["topics"] = absl::StrJoin(options_.topics, ", ");
  if (!options_.topic_pattern.empty()) words["topic-pattern"] = options_.topic_pattern;
  if (!options_.partitions.empty()) {
    words["partitions"] =
        absl::StrJoin(options_.partitions, ", ", [](std::string* out, const TopicPartition& at) {
          absl::StrAppend(out, KafkaSplitId(at.topic, at.partition));
        });
  }
  words["starting-offsets"] = DescribeOffsets(options_.starting_offsets);
  if (options_.stopping_offsets.has_value()) {
    words["stopping-offsets"] = DescribeOffsets(*options_.stopping_offsets);
  }
  if (const std::optional<TopicPartitioning> topic = partitioning()) {
    words["partitioned-by"] =
        absl::StrCat(topic->partitioner->name(), " over ", topic->partitions, " partitions");
  }
  words["format"] = options_.value_format.chosen() ? options_.value_format.name()
                                                   : options_.properties.Get("value.deserializer");
  if (options_.schema != nullptr) words["schema"] = options_.schema->ToString();
  return words;
}

std::optional<TopicPartitioning> KafkaSource::partitioning() const {
  return PartitioningOf(options_);
}

absl::Status KafkaSource::Validate() const {
  absl::StatusOr<ResolvedSourceOptions> resolved = ResolveSourceOptions(options_);
  WEIR_RETURN_IF_ERROR(resolved.status());
  return clients_->CheckConfiguration(resolved->configuration);
}

absl::StatusOr<std::unique_ptr<SplitEnumerator>> KafkaSource::MakeEnumerator() const {
  WEIR_ASSIGN_OR_RETURN(ResolvedSourceOptions resolved, ResolveSourceOptions(options_));
  WEIR_ASSIGN_OR_RETURN(const TranslatedProperties translated,
                        TranslateProperties(options_.properties, ClientKind::kConsumer));
  if (!translated.ignored.empty()) {
    LogWarning("Kafka properties without effect",
               {{"properties", absl::StrJoin(translated.ignored, "; ")}});
  }
  return std::make_unique<KafkaEnumerator>(std::move(resolved), clients_);
}

absl::StatusOr<std::unique_ptr<SourceReader>> KafkaSource::MakeReader(uint32_t subtask_index,
                                                                      uint32_t) const {
  WEIR_ASSIGN_OR_RETURN(ResolvedSourceOptions resolved, ResolveSourceOptions(options_));
  return std::make_unique<KafkaReader>(std::move(resolved), clients_, subtask_index);
}

}  // namespace weir::kafka
