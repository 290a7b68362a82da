#include "connectors/kafka/transactional/transaction_inquiry.h"

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir::kafka {

absl::Status TransactionInquiry::Open() {
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<TransactionClient> client, Take());
  GiveBack(std::move(client));
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<TransactionClient>> TransactionInquiry::Take() {
  MutexLock lock(mutex_);
  if (cancelled_) return absl::CancelledError("the writer has been closed");
  if (idle_.empty()) {
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<TransactionClient> client, clients_());
    all_.push_back(client);
    return client;
  }
  std::shared_ptr<TransactionClient> client = std::move(idle_.back());
  idle_.pop_back();
  return client;
}

void TransactionInquiry::GiveBack(std::shared_ptr<TransactionClient> client) {
  MutexLock lock(mutex_);
  idle_.push_back(std::move(client));
}

void TransactionInquiry::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  for (const std::shared_ptr<TransactionClient>& client : all_) client->Cancel();
}

absl::StatusOr<DescribedTransaction> TransactionInquiry::Describe(const std::string& id,
                                                                  absl::Duration timeout) {
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<TransactionClient> client, Take());
  const auto described = client->DescribeTransactions({id}, timeout);
  GiveBack(client);
  WEIR_RETURN_IF_ERROR(described.status());
  const auto found = described->find(id);
  if (found == described->end()) {
    return absl::NotFoundError(absl::StrCat(
        "Kafka's transaction coordinator does not know the transactional id '", id, "'"));
  }
  return found->second;
}

absl::Status TransactionInquiry::AwaitGroup(const std::string& group,
                                            const TopicPartition& partition,
                                            absl::Duration timeout) {
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<TransactionClient> client, Take());
  const absl::Status answered =
      client->FetchOffset(group, partition, {/*require_stable=*/false}, timeout).status();
  GiveBack(client);
  return answered;
}

}  // namespace weir::kafka
