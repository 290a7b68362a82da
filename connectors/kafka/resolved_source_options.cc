#include "connectors/kafka/resolved_source_options.h"

#include <algorithm>
#include <limits>
#include <regex>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/status_macros.h"
#include "common/types/key_group.h"
#include "connectors/kafka/java_class_format.h"
#include "connectors/kafka/kafka_split.h"

namespace weir::kafka {
namespace {

constexpr int64_t kMaxPollRecords = 1000;
constexpr int64_t kMaxPollRecordsLimit = 100000;
constexpr int64_t kDiscoveryIntervalMs = 5 * 60 * 1000;  // Flink's default (FLIP-288)
constexpr char kUnusedGroupId[] = "weir-without-group";

class Problems {
 public:
  void Add(std::string problem) { problems_.push_back(std::move(problem)); }
  void Add(const absl::Status& status) {
    if (!status.ok()) problems_.emplace_back(status.message());
  }
  absl::Status status() const { return JoinProblems(problems_); }

 private:
  std::vector<std::string> problems_;
};

void CheckSubscription(const KafkaSourceOptions& options, Problems& problems) {
  const int given = (options.topics.empty() ? 0 : 1) + (options.topic_pattern.empty() ? 0 : 1) +
                    (options.partitions.empty() ? 0 : 1);
  if (given != 1) {
    problems.Add(given == 0 ? "no topics are given"
                            : "topics, a topic pattern and partitions exclude each other");
  }
  for (const std::string& topic : options.topics) {
    if (topic.empty()) problems.Add("the name of a topic is empty");
  }
  for (const TopicPartition& at : options.partitions) {
    if (at.topic.empty() || at.partition < 0) problems.Add("a partition is not valid");
  }
  if (options.topic_pattern.empty()) return;
  try {
    std::regex pattern(options.topic_pattern);
  } catch (const std::regex_error&) {
    problems.Add(absl::StrCat("the topic pattern '", options.topic_pattern,
                              "' is not a regular expression"));
  }
}

void CheckPartitioning(const KafkaSourceOptions& options, Problems& problems) {
  if (options.partitioner == nullptr) {
    if (options.declared_partitions != 0) problems.Add("PartitionedBy names no partitioner");
    return;
  }
  if (options.partitioner->name().empty()) {
    problems.Add("the partitioner of PartitionedBy has no name, or no function");
  }
  if (options.topics.size() != 1) {
    problems.Add("PartitionedBy is about the partitions of one topic, given by its name");
  }
  if (options.declared_partitions < 1 || options.declared_partitions > kLargestMaxParallelism) {
    problems.Add(absl::StrCat("PartitionedBy names ", options.declared_partitions,
                              " partitions; 1 to ", kLargestMaxParallelism, " can be key groups"));
  }
}

void CheckOffsets(const Offsets& offsets, const char* role, bool has_group, Problems& problems) {
  if (offsets.kind() == Offsets::Kind::kCommitted && !has_group) {
    problems.Add(absl::StrCat(role,
                              " offsets are those committed by a group, and group.id is "
                              "missing"));
  }
  if (offsets.kind() == Offsets::Kind::kTimestamp && offsets.timestamp_ms() < 0) {
    problems.Add(absl::StrCat("the timestamp of ", role, " offsets is negative"));
  }
  for (const auto& [at, offset] : offsets.by_partition()) {
    if (offset < 0) {
      problems.Add(absl::StrCat("the ", role, " offset of ", KafkaSplitId(at.topic, at.partition),
                                " is negative"));
    }
  }
}

void ResolveFormat(const KafkaSourceOptions& options, ResolvedSourceOptions& resolved,
                   Problems& problems) {
  const std::string class_name = options.properties.Get("value.deserializer");
  if (options.value_format.chosen()) {
    resolved.value_format = options.value_format;
    if (!class_name.empty() && !SuitsJavaClass(options.value_format, class_name)) {
      problems.Add(absl::StrCat("value.deserializer names ", class_name, ", but the format is ",
                                options.value_format.name()));
    }
  } else if (class_name.empty()) {
    problems.Add("no format is chosen and value.deserializer is missing");
    return;
  } else {
    absl::StatusOr<RecordFormat> format = JavaClassRecordFormat(class_name);
    if (!format.ok()) {
      problems.Add(absl::StrCat("value.deserializer: ", std::string(format.status().message())));
      return;
    }
    resolved.value_format = *std::move(format);
  }
  if (options.schema == nullptr) {
    problems.Add("the type of the records is missing");
    return;
  }
  problems.Add(resolved.value_format.Check(*options.schema));
}

void SetConsumerDefaults(const KafkaSourceOptions& options, ClientConfiguration& configuration) {
  const auto set = [&](const char* name, const char* value) {
    configuration.values.insert_or_assign(name, value);
  };
  // Decided by the connector.
  set("enable.auto.commit", "false");
  set("enable.auto.offset.store", "false");
  set("auto.offset.reset", "error");
  set("enable.partition.eof", options.stopping_offsets.has_value() ? "true" : "false");
  const std::string group = options.properties.Get("group.id");
  // librdkafka wants one, even where nothing is ever committed.
  set("group.id", group.empty() ? kUnusedGroupId : group.c_str());
  // Defaults that differ from librdkafka's. On a full queue 2.0.2 stops fetching a partition for up
  // to a second, so the bound is in bytes and large.
  configuration.SetDefault("isolation.level", "read_committed");
  configuration.SetDefault("queued.min.messages", "1000000");
  configuration.SetDefault("queued.max.messages.kbytes", "65536");
  configuration.SetDefault("fetch.wait.max.ms", "50");
  configuration.SetDefault("fetch.min.bytes", "1");
  configuration.SetDefault("socket.nagle.disable", "true");
  configuration.SetDefault("topic.metadata.refresh.interval.ms", "60000");
  configuration.SetDefault("reconnect.backoff.max.ms", "1000");
}

void ResolveClient(const KafkaSourceOptions& options, ResolvedSourceOptions& resolved,
                   Problems& problems) {
  absl::StatusOr<TranslatedProperties> translated =
      TranslateProperties(options.properties, ClientKind::kConsumer);
  problems.Add(translated.status());
  if (translated.ok()) resolved.configuration = std::move(translated->configuration);
  SetConsumerDefaults(options, resolved.configuration);
  const Properties& properties = options.properties;
  resolved.client_id_prefix = properties.Get("client.id.prefix", properties.Get("client.id"));
  const auto records =
      IntegerProperty(properties, "max.poll.records", kMaxPollRecords, 1, kMaxPollRecordsLimit);
  problems.Add(records.status());
  if (records.ok()) resolved.max_poll_records = static_cast<size_t>(*records);
  const auto commit = BooleanProperty(properties, "commit.offsets.on.checkpoint", true);
  problems.Add(commit.status());
  resolved.commit_offsets = commit.ok() && *commit && !properties.Get("group.id").empty();
  const auto interval =
      IntegerProperty(properties, "partition.discovery.interval.ms", kDiscoveryIntervalMs,
                      std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  problems.Add(interval.status());
  const bool fixed = options.stopping_offsets.has_value() || !options.partitions.empty();
  if (interval.ok() && !fixed) {
    resolved.discovery_interval = absl::Milliseconds(std::max<int64_t>(*interval, 0));
  }
}

}  // namespace

absl::StatusOr<ResolvedSourceOptions> ResolveSourceOptions(const KafkaSourceOptions& options) {
  Problems problems;
  ResolvedSourceOptions resolved;
  resolved.options = options;
  CheckSubscription(options, problems);
  CheckPartitioning(options, problems);
  const bool has_group = !options.properties.Get("group.id").empty();
  CheckOffsets(options.starting_offsets, "starting", has_group, problems);
  if (options.stopping_offsets.has_value()) {
    CheckOffsets(*options.stopping_offsets, "stopping", has_group, problems);
  }
  ResolveFormat(options, resolved, problems);
  ResolveClient(options, resolved, problems);
  WEIR_RETURN_IF_ERROR(problems.status());
  return resolved;
}

std::optional<TopicPartitioning> PartitioningOf(const KafkaSourceOptions& options) {
  Problems problems;
  CheckPartitioning(options, problems);
  if (options.partitioner == nullptr || !problems.status().ok()) return std::nullopt;
  return TopicPartitioning{options.topics[0], static_cast<uint32_t>(options.declared_partitions),
                           options.partitioner};
}

std::string DescribeOffsets(const Offsets& offsets) {
  switch (offsets.kind()) {
    case Offsets::Kind::kEarliest:
      return "earliest";
    case Offsets::Kind::kLatest:
      return "latest";
    case Offsets::Kind::kCommitted:
      switch (offsets.reset()) {
        case OffsetReset::kNone:
          return "committed";
        case OffsetReset::kEarliest:
          return "committed, else earliest";
        case OffsetReset::kLatest:
          return "committed, else latest";
      }
      break;
    case Offsets::Kind::kTimestamp:
      return absl::StrCat("timestamp ", offsets.timestamp_ms());
    case Offsets::Kind::kSpecific:
      return absl::StrJoin(offsets.by_partition(), ", ", [](std::string* out, const auto& entry) {
        absl::StrAppend(out, KafkaSplitId(entry.first.topic, entry.first.partition), ":",
                        entry.second);
      });
  }
  return "";
}

}  // namespace weir::kafka
