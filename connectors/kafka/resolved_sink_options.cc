#include "connectors/kafka/resolved_sink_options.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "common/base/nearest_names.h"
#include "common/base/status_macros.h"
#include "connectors/kafka/java_class_format.h"

namespace weir::kafka {
namespace {

constexpr int64_t kMaxMessages = 1000000;
constexpr int64_t kMaxKilobytes = 256 * 1024;
// The writer stops taking records at half of what the client's queue takes.
constexpr int64_t kRoomDivisor = 2;

void AddProblem(const absl::Status& status, std::vector<std::string>& problems) {
  if (!status.ok()) problems.emplace_back(status.message());
}

// The chosen format, or the one of the serializer class in the properties. A class without an
// explicit format decides alone; both must suit each other.
RecordFormat ResolveFormat(const RecordFormat& chosen, const Properties& properties,
                           const std::string& property, std::vector<std::string>& problems) {
  const std::string class_name = properties.Get(property);
  if (chosen.chosen()) {
    if (!class_name.empty() && !SuitsJavaClass(chosen, class_name)) {
      problems.push_back(
          absl::StrCat(property, " names ", class_name, ", but the format is ", chosen.name()));
    }
    return chosen;
  }
  if (class_name.empty()) return RecordFormat();
  absl::StatusOr<RecordFormat> format = JavaClassRecordFormat(class_name);
  if (format.ok()) return *std::move(format);
  problems.push_back(absl::StrCat(property, ": ", std::string(format.status().message())));
  return RecordFormat();
}

std::optional<size_t> FieldOf(const Schema& input, const std::string& what, const std::string& name,
                              std::vector<std::string>& problems) {
  const std::optional<size_t> column = input.IndexOf(name);
  if (column.has_value()) return column;
  std::vector<std::string> names;
  for (const Field& field : input.fields()) names.push_back(field.name);
  problems.push_back(absl::StrCat(what, " is the field '", name, "', which the records do not have",
                                  DidYouMean(name, names)));
  return std::nullopt;
}

void ResolveHeaders(const KafkaSinkOptions& options, ResolvedSinkOptions& resolved,
                    std::vector<std::string>& problems) {
  for (const KafkaSinkOptions::Header& header : options.headers) {
    const std::optional<size_t> column = FieldOf(
        *resolved.input, absl::StrCat("the header '", header.name, "'"), header.field, problems);
    if (header.name.empty()) problems.push_back("a header has no name");
    if (!column.has_value()) continue;
    const DataType type = resolved.input->field(*column).type;
    if (type == DataType::kFloat64 || type == DataType::kTimestamp) {
      problems.push_back(absl::StrCat("the header '", header.name,
                                      "' takes a text, bytes, a bool or a whole number"));
    }
    resolved.headers.push_back({header.name, *column});
  }
}

void ResolveValue(const KafkaSinkOptions& options, ResolvedSinkOptions& resolved,
                  std::vector<std::string>& problems) {
  const size_t before = problems.size();
  resolved.value_schema = resolved.input;
  if (!options.value_field.empty()) {
    resolved.value_column = FieldOf(*resolved.input, "the value", options.value_field, problems);
    if (!resolved.value_column.has_value()) return;
    resolved.value_schema = Schema::Make({resolved.input->field(*resolved.value_column)});
  }
  resolved.value_format =
      ResolveFormat(options.value_format, options.properties, "value.serializer", problems);
  if (resolved.value_format.chosen()) {
    AddProblem(resolved.value_format.Check(*resolved.value_schema), problems);
  } else if (problems.size() == before) {
    problems.push_back("no format is chosen for the value and value.serializer is missing");
  }
}

RecordFormat DefaultKeyFormat(DataType type) {
  switch (type) {
    case DataType::kString:
      return StringRecordFormat();
    case DataType::kBytes:
      return RawRecordFormat();
    default:
      return RecordFormat();
  }
}

void ResolveKey(const KafkaSinkOptions& options, ResolvedSinkOptions& resolved,
                std::vector<std::string>& problems) {
  if (options.key_field.empty()) {
    if (options.key_format.chosen()) {
      problems.push_back("a format is chosen for the key, but no field");
    }
    return;
  }
  resolved.key_column = FieldOf(*resolved.input, "the key", options.key_field, problems);
  if (!resolved.key_column.has_value()) return;
  const Field& field = resolved.input->field(*resolved.key_column);
  resolved.key_schema = Schema::Make({field});
  const size_t before = problems.size();
  resolved.key_format =
      ResolveFormat(options.key_format, options.properties, "key.serializer", problems);
  if (problems.size() != before) return;
  if (!resolved.key_format.chosen()) resolved.key_format = DefaultKeyFormat(field.type);
  if (!resolved.key_format.chosen()) {
    const std::string_view type = DataTypeName(field.type);
    problems.push_back(absl::StrCat("the key field '", options.key_field, "' is of type ",
                                    absl::string_view(type.data(), type.size()),
                                    ", and key.serializer is missing"));
    return;
  }
  AddProblem(resolved.key_format.Check(*resolved.key_schema), problems);
}

void SetProducerDefaults(const KafkaSinkOptions& options, ClientConfiguration& configuration) {
  const std::map<std::string, std::string>& values = configuration.values;
  const auto acks = values.find("acks");
  const bool all = acks == values.end() || acks->second == "all" || acks->second == "-1";
  if (options.delivery == DeliveryGuarantee::kNone) {
    configuration.SetDefault("enable.idempotence", "false");
  } else {
    configuration.SetDefault("acks", "all");
    configuration.SetDefault("enable.idempotence", all ? "true" : "false");
  }
  configuration.SetDefault("linger.ms", "10");
  // librdkafka's 10,000 caps batches of small records before batch.size does.
  configuration.SetDefault("batch.num.messages", "100000");
  configuration.SetDefault("queue.buffering.max.messages", absl::StrCat(kMaxMessages));
  configuration.SetDefault("queue.buffering.max.kbytes", absl::StrCat(kMaxKilobytes));
  configuration.SetDefault("delivery.timeout.ms", "120000");  // Java's
  configuration.SetDefault("socket.nagle.disable", "true");
  configuration.SetDefault("topic.metadata.propagation.max.ms", "10000");
  configuration.SetDefault("reconnect.backoff.max.ms", "1000");
}

void ResolveRoom(ResolvedSinkOptions& resolved, std::vector<std::string>& problems) {
  Properties queue;
  for (const auto& [name, value] : resolved.configuration.values) queue.Set(name, value);
  constexpr int64_t kNoLimit = std::numeric_limits<int32_t>::max();
  const auto messages =
      IntegerProperty(queue, "queue.buffering.max.messages", kMaxMessages, 0, kNoLimit);
  const auto kilobytes =
      IntegerProperty(queue, "queue.buffering.max.kbytes", kMaxKilobytes, 1, kNoLimit);
  AddProblem(messages.status(), problems);
  AddProblem(kilobytes.status(), problems);
  if (!messages.ok() || !kilobytes.ok()) return;
  // 0: librdkafka knows no bound then.
  const int64_t bound = *messages == 0 ? kMaxMessages : *messages;
  resolved.max_outstanding_messages =
      static_cast<size_t>(std::max<int64_t>(bound / kRoomDivisor, 1));
  resolved.max_outstanding_bytes = static_cast<size_t>(*kilobytes * 1024 / kRoomDivisor);
}

void ResolveClient(const KafkaSinkOptions& options, ResolvedSinkOptions& resolved,
                   std::vector<std::string>& problems) {
  absl::StatusOr<TranslatedProperties> translated =
      TranslateProperties(options.properties, ClientKind::kProducer);
  AddProblem(translated.status(), problems);
  if (translated.ok()) resolved.configuration = std::move(translated->configuration);
  resolved.configuration.kind = ClientKind::kProducer;
  const auto acks = resolved.configuration.values.find("acks");
  if (options.delivery != DeliveryGuarantee::kNone && acks != resolved.configuration.values.end() &&
      acks->second == "0") {
    problems.push_back(
        "acks=0 and at-least-once delivery exclude each other: nobody would know "
        "what arrived");
  }
  SetProducerDefaults(options, resolved.configuration);
  ResolveRoom(resolved, problems);
  resolved.client_id_prefix =
      options.properties.Get("client.id.prefix", options.properties.Get("client.id"));
}

void ResolveTransactions(const KafkaSinkOptions& options, ResolvedSinkOptions& resolved,
                         std::vector<std::string>& problems) {
  if (options.delivery != DeliveryGuarantee::kExactlyOnce) {
    if (!options.transactional_id_prefix.empty()) {
      problems.push_back("a transactional id prefix is for exactly-once delivery only");
    }
    if (options.aborted_transactions != AbortedTransactionPolicy::kReplay) {
      problems.push_back("a policy for aborted transactions is for exactly-once delivery only");
    }
    return;
  }
  const std::map<std::string, std::string>& values = resolved.configuration.values;
  const auto acks = values.find("acks");
  if (acks != values.end() && acks->second != "all" && acks->second != "-1") {
    problems.push_back(
        absl::StrCat("acks=", acks->second, " and exactly-once delivery exclude each other"));
  }
  if (const auto idempotence = values.find("enable.idempotence");
      idempotence != values.end() && idempotence->second == "false") {
    problems.push_back("enable.idempotence=false and exactly-once delivery exclude each other");
  }
  if (const auto protocol = values.find("security.protocol");
      protocol != values.end() && !absl::EqualsIgnoreCase(protocol->second, "plaintext")) {
    problems.push_back(absl::StrCat(
        "exactly-once delivery is not available over security.protocol=", protocol->second,
        " in this version"));
  }
  const auto milliseconds = IntegerProperty(options.properties, "transaction.timeout.ms",
                                            absl::ToInt64Milliseconds(resolved.transaction_timeout),
                                            1000, std::numeric_limits<int32_t>::max());
  AddProblem(milliseconds.status(), problems);
  if (!milliseconds.ok()) return;
  resolved.transaction_timeout = absl::Milliseconds(*milliseconds);
  resolved.transaction_timeout_set = !options.properties.Get("transaction.timeout.ms").empty();
}

}  // namespace

absl::StatusOr<ResolvedSinkOptions> ResolveSinkOptions(const KafkaSinkOptions& options,
                                                       const SchemaPtr& input) {
  std::vector<std::string> problems;
  ResolvedSinkOptions resolved;
  resolved.options = options;
  resolved.input = input;
  if (options.topic.empty()) problems.push_back("the topic is missing");
  ResolveValue(options, resolved, problems);
  ResolveKey(options, resolved, problems);
  ResolveHeaders(options, resolved, problems);
  ResolveClient(options, resolved, problems);
  ResolveTransactions(options, resolved, problems);
  WEIR_RETURN_IF_ERROR(JoinProblems(problems));
  return resolved;
}

}  // namespace weir::kafka
