#include "connectors/kafka/kafka_sink.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/time/system_clock.h"
#include "connectors/kafka/dead_letters/kafka_dead_letter_box.h"
#include "connectors/kafka/kafka_writer.h"
#include "connectors/kafka/resolved_sink_options.h"
#include "connectors/kafka/transactional/kafka_sink_transactions.h"
#include "connectors/kafka/transactional/transactional_committer.h"
#include "connectors/kafka/transactional/transactional_writer.h"
#include "connectors/kafka/transactional/wire_transaction_clients.h"

namespace weir::kafka {
namespace {

constexpr absl::Duration kRequestTimeout = absl::Seconds(15);

const char* DeliveryName(DeliveryGuarantee delivery) {
  switch (delivery) {
    case DeliveryGuarantee::kNone:
      return "none";
    case DeliveryGuarantee::kAtLeastOnce:
      return "at-least-once";
    case DeliveryGuarantee::kExactlyOnce:
      return "exactly-once";
  }
  return "";
}

const char* PolicyName(AbortedTransactionPolicy policy) {
  switch (policy) {
    case AbortedTransactionPolicy::kReplay:
      return "replay";
    case AbortedTransactionPolicy::kFail:
      return "fail";
    case AbortedTransactionPolicy::kIgnore:
      return "ignore";
  }
  return "";
}

const Clock& MachineClock() {
  static const SystemClock clock;
  return clock;
}

TransactionClientFactory InquiryClients(const ClientConfiguration& configuration) {
  return [configuration] { return MakeWireTransactionClient(configuration, MachineClock()); };
}

}  // namespace

KafkaSink::KafkaSink(KafkaSinkOptions options, SchemaPtr input,
                     std::shared_ptr<const KafkaClientFactory> clients,
                     std::shared_ptr<TransactionStepObserver> steps)
    : options_(std::move(options)),
      input_(std::move(input)),
      clients_(std::move(clients)),
      steps_(std::move(steps)) {}

std::map<std::string, std::string> KafkaSink::Describe() const {
  std::map<std::string, std::string> words = DescribeProperties(options_.properties);
  words["topic"] = options_.topic;
  words["delivery"] = DeliveryName(options_.delivery);
  words["value-format"] = options_.value_format.chosen()
                              ? options_.value_format.name()
                              : options_.properties.Get("value.serializer");
  if (!options_.transactional_id_prefix.empty()) {
    words["transactional-id-prefix"] = options_.transactional_id_prefix;
  }
  if (options_.delivery == DeliveryGuarantee::kExactlyOnce) {
    words["aborted-transactions"] = PolicyName(options_.aborted_transactions);
  }
  if (!options_.key_field.empty()) words["key"] = options_.key_field;
  if (!options_.value_field.empty()) words["value"] = options_.value_field;
  for (const KafkaSinkOptions::Header& header : options_.headers) {
    words[absl::StrCat("header ", header.name)] = header.field;
  }
  words["timestamps"] =
      options_.timestamps == RecordTimestamps::kEventTime ? "event time" : "time of sending";
  return words;
}

absl::Status KafkaSink::Validate(const Schema& input) const {
  if (input_ == nullptr) return absl::InvalidArgumentError("the type of the records is missing");
  if (input != *input_) {
    return absl::InvalidArgumentError(
        absl::StrCat("the sink takes ", input_->ToString(), ", but is given ", input.ToString()));
  }
  WEIR_ASSIGN_OR_RETURN(const ResolvedSinkOptions resolved, ResolveSinkOptions(options_, input_));
  return clients_->CheckConfiguration(resolved.configuration);
}

absl::StatusOr<std::vector<std::string>> KafkaSink::CheckTarget() const {
  WEIR_ASSIGN_OR_RETURN(const ResolvedSinkOptions resolved, ResolveSinkOptions(options_, input_));
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<KafkaAdminClient> admin,
                        clients_->MakeAdmin(resolved.configuration, kRequestTimeout));
  WEIR_RETURN_IF_ERROR(admin->Partitions(options_.topic).status());
  std::vector<std::string> notes;
  if (options_.delivery != DeliveryGuarantee::kExactlyOnce ||
      options_.aborted_transactions != AbortedTransactionPolicy::kReplay) {
    return notes;
  }
  const auto cleanup = admin->TopicSetting(options_.topic, "cleanup.policy");
  if (!cleanup.ok()) {
    LogInfo("whether a topic is compacted could not be asked",
            {{"topic", options_.topic}, {"error", cleanup.status()}});
  } else if (absl::StrContains(*cleanup, "compact")) {
    notes.push_back(absl::StrCat(
        "Kafka topic '", options_.topic, "' is compacted (cleanup.policy=", *cleanup,
        "): records of a transaction that the brokers abort can be published again only until "
        "compaction takes some of them; then the job is SUSPENDED, and names them"));
  }
  return notes;
}

absl::StatusOr<std::unique_ptr<SinkWriter>> KafkaSink::MakeWriter(
    const SinkWriterContext& context) const {
  WEIR_ASSIGN_OR_RETURN(ResolvedSinkOptions resolved, ResolveSinkOptions(options_, input_));
  if (options_.delivery == DeliveryGuarantee::kExactlyOnce) {
    TransactionalWriterSetup setup;
    setup.context = context;
    setup.clients = clients_;
    setup.transaction_clients = InquiryClients(resolved.configuration);
    setup.steps = steps_;
    setup.options = std::move(resolved);
    return std::make_unique<TransactionalWriter>(std::move(setup), MachineClock());
  }
  return std::make_unique<KafkaWriter>(std::move(resolved), clients_, context.subtask_index,
                                       MachineClock());
}

absl::StatusOr<std::unique_ptr<SinkCommitter>> KafkaSink::MakeCommitter() const {
  if (options_.delivery != DeliveryGuarantee::kExactlyOnce) return std::unique_ptr<SinkCommitter>();
  WEIR_ASSIGN_OR_RETURN(const ResolvedSinkOptions resolved, ResolveSinkOptions(options_, input_));
  TransactionalCommitterSetup setup;
  setup.configuration = resolved.configuration;
  setup.topic = options_.topic;
  setup.prefix = options_.transactional_id_prefix;
  setup.aborted_transactions = options_.aborted_transactions;
  setup.transaction_timeout = resolved.transaction_timeout;
  setup.transaction_timeout_set = resolved.transaction_timeout_set;
  setup.clients = clients_;
  setup.transaction_clients = InquiryClients(resolved.configuration);
  setup.steps = steps_;
  return std::make_unique<TransactionalCommitter>(std::move(setup), MachineClock());
}

absl::StatusOr<std::unique_ptr<SinkTransactions>> KafkaSink::MakeTransactions() const {
  if (options_.delivery != DeliveryGuarantee::kExactlyOnce) {
    return std::unique_ptr<SinkTransactions>();
  }
  WEIR_ASSIGN_OR_RETURN(const ResolvedSinkOptions resolved, ResolveSinkOptions(options_, input_));
  KafkaSinkTransactionsSetup setup;
  setup.topic = options_.topic;
  setup.prefix = options_.transactional_id_prefix;
  setup.clients = InquiryClients(resolved.configuration);
  return std::make_unique<KafkaSinkTransactions>(std::move(setup), MachineClock());
}

absl::StatusOr<std::unique_ptr<DeadLetterBox>> KafkaSink::MakeDeadLetterBox(
    const DeadLetterOrigin& origin) const {
  if (!options_.dead_letters) return std::unique_ptr<DeadLetterBox>();
  WEIR_ASSIGN_OR_RETURN(const ResolvedSinkOptions resolved, ResolveSinkOptions(options_, input_));
  KafkaDeadLetterBoxSetup setup;
  setup.origin = origin;
  setup.topic = options_.topic;
  setup.configuration = resolved.configuration;
  setup.clients = clients_;
  setup.transaction_clients = InquiryClients(resolved.configuration);
  return std::make_unique<KafkaDeadLetterBox>(std::move(setup), MachineClock());
}

absl::Duration KafkaSink::transaction_timeout() const {
  if (options_.delivery != DeliveryGuarantee::kExactlyOnce) return absl::ZeroDuration();
  const absl::StatusOr<ResolvedSinkOptions> resolved = ResolveSinkOptions(options_, input_);
  return resolved.ok() ? resolved->transaction_timeout : absl::ZeroDuration();
}

}  // namespace weir::kafka
