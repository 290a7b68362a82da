#include "connectors/kafka/kafka_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace weir::kafka {
KafkaWriter::KafkaWriter(ResolvedSinkOptions options,
                         std::shared_ptr<const KafkaClientFactory> clients, uint32_t subtask_index,
                         const Clock& clock)
    : options_(std::move(options)),
      clients_(std::move(clients)),
      subtask_index_(subtask_index),
      clock_(clock),
      serializer_(options_) {}

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
  return backlog_.empty() && accounts_.outstanding_messages() < options_.max_outstanding_messages &&
         accounts_.outstanding_bytes() < options_.max_outstanding_bytes;
}

absl::Status KafkaWriter::Write(const BatchPtr& batch) {
  WEIR_RETURN_IF_ERROR(accounts_.error());
  WEIR_CHECK(backlog_.empty()) << "Write without room";
  if (!opened_at_.has_value()) opened_at_ = clock_.Monotonic();
  const absl::Status serialized = serializer_.Serialize(*batch, &backlog_);
  if (!serialized.ok()) {
    accounts_.Fail(serialized);  // the barrier must not pass over records that were not written
    return serialized;
  }
  backlog_account_ = accounts_.current();
  accounts_.Sent(backlog_.rest().size(), backlog_.bytes());
  SendBacklog();
  return accounts_.error();
}

void KafkaWriter::SendBacklog() {
  if (backlog_.empty() || !accounts_.error().ok()) return;
  const absl::StatusOr<size_t> taken = client_->Produce(backlog_.rest(), backlog_account_);
  if (!taken.ok()) {
    accounts_.Fail(taken.status());
    return;
  }
  backlog_.Take(*taken);
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
