#include "connectors/kafka/kafka_writer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace weir::kafka {
namespace {

constexpr int64_t kMicrosPerMilli = 1000;

absl::Status CheckInsertsOnly(const Batch& batch) {
  const ChangeKind* kinds = batch.change_kinds();
  if (kinds == nullptr) return absl::OkStatus();
  const bool inserts = std::all_of(kinds, kinds + batch.num_rows(),
                                   [](ChangeKind kind) { return kind == ChangeKind::kInsert; });
  if (inserts) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "updates and deletions cannot be written to a Kafka topic; only new records can");
}

// Kafka knows no negative timestamps: such records get the time of sending.
int64_t TimestampMs(int64_t event_time_us) {
  return event_time_us < 0 ? 0 : event_time_us / kMicrosPerMilli;
}

}  // namespace

KafkaWriter::KafkaWriter(ResolvedSinkOptions options,
                         std::shared_ptr<const KafkaClientFactory> clients, uint32_t subtask_index,
                         const Clock& clock)
    : options_(std::move(options)),
      clients_(std::move(clients)),
      subtask_index_(subtask_index),
      clock_(clock),
      value_serializer_(options_.value_format.MakeSerializer(options_.input)) {
  if (options_.key_column.has_value()) {
    key_serializer_ = options_.key_format.MakeSerializer(options_.key_schema);
  }
}

absl::Status KafkaWriter::Open(const std::string&) {
  ClientConfiguration configuration = options_.configuration;
  if (!options_.client_id_prefix.empty()) {
    configuration.values["client.id"] =
        absl::StrCat(options_.client_id_prefix, "-", subtask_index_);
  }
  WEIR_ASSIGN_OR_RETURN(client_,
                        clients_->MakeProducer(configuration, options_.options.topic, wakeup_));
  return absl::OkStatus();
}

bool KafkaWriter::HasRoom() {
  Work();
  if (!accounts_.error().ok()) return true;  // the next Write says what happened
  return backlog_next_ == backlog_.size() &&
         accounts_.outstanding_messages() < options_.max_outstanding_messages &&
         accounts_.outstanding_bytes() < options_.max_outstanding_bytes;
}

absl::Status KafkaWriter::SerializeBatch(const Batch& batch) {
  WEIR_RETURN_IF_ERROR(CheckInsertsOnly(batch));
  keys_.Clear();
  values_.Clear();
  WEIR_RETURN_IF_ERROR(value_serializer_->Serialize(batch, &values_));
  if (key_serializer_ != nullptr) {
    const Batch keys(options_.key_schema, {batch.column(*options_.key_column)}, batch.num_rows());
    WEIR_RETURN_IF_ERROR(key_serializer_->Serialize(keys, &keys_));
  }
  const int64_t* times =
      options_.options.timestamps == RecordTimestamps::kEventTime ? batch.event_times() : nullptr;
  backlog_.resize(batch.num_rows());
  for (size_t row = 0; row < batch.num_rows(); ++row) {
    OutgoingMessage& message = backlog_[row];
    message.value = values_[row];
    message.key = key_serializer_ != nullptr ? keys_[row] : Payload{nullptr, 0, true};
    message.timestamp_ms = times == nullptr ? 0 : TimestampMs(times[row]);
  }
  return absl::OkStatus();
}

absl::Status KafkaWriter::Write(const BatchPtr& batch) {
  WEIR_RETURN_IF_ERROR(accounts_.error());
  WEIR_CHECK(backlog_next_ == backlog_.size()) << "Write without room";
  if (!opened_at_.has_value()) opened_at_ = clock_.Monotonic();
  const absl::Status serialized = SerializeBatch(*batch);
  if (!serialized.ok()) {
    backlog_.clear();
    backlog_next_ = 0;
    accounts_.Fail(serialized);  // the barrier must not pass over records that were not written
    return serialized;
  }
  size_t bytes = 0;
  for (const OutgoingMessage& message : backlog_) bytes += message.key.size + message.value.size;
  backlog_next_ = 0;
  backlog_account_ = accounts_.current();
  accounts_.Sent(backlog_.size(), bytes);
  SendBacklog();
  return accounts_.error();
}

void KafkaWriter::SendBacklog() {
  if (backlog_next_ == backlog_.size() || !accounts_.error().ok()) return;
  const std::span<const OutgoingMessage> rest(backlog_.data() + backlog_next_,
                                              backlog_.size() - backlog_next_);
  const absl::StatusOr<size_t> taken = client_->Produce(rest, backlog_account_);
  if (!taken.ok()) {
    accounts_.Fail(taken.status());
    return;
  }
  backlog_next_ += *taken;
}

void KafkaWriter::Work() {
  const absl::Status status = client_->Poll(accounts_);
  if (!status.ok()) accounts_.Fail(status);
  SendBacklog();
  CheckConnection();
  accounts_.Settle();
}

// A wrong address would otherwise show only when the records time out.
void KafkaWriter::CheckConnection() {
  if (!opened_at_.has_value() || accounts_.acknowledged_messages() > 0 ||
      clock_.Monotonic() - *opened_at_ < kConnectTimeout) {
    return;
  }
  const std::optional<std::string> reason = client_->NoBrokerReason();
  if (reason.has_value()) accounts_.Fail(absl::UnavailableError(*reason));
}

void KafkaWriter::PrepareCommit(Epoch, PrepareDone done) {
  Work();
  if (options_.options.delivery == DeliveryGuarantee::kNone) {
    if (accounts_.error().ok()) {
      done(std::vector<std::string>());
    } else {
      done(accounts_.error());
    }
    return;
  }
  accounts_.Close([done = std::move(done)](const absl::Status& status) {
    if (status.ok()) {
      done(std::vector<std::string>());
    } else {
      done(status);
    }
  });
}

}  // namespace weir::kafka
