#include "connectors/kafka/transactional/transaction_client_pool.h"

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/transactional/owner_record.h"
#include "connectors/kafka/transactional/transactional_id.h"

namespace weir::kafka {
namespace {

// A record is written within milliseconds, and each question takes about one.
constexpr int kOwnerQuestions = 1000;

absl::Status CompareFences(const std::string& prefix, uint64_t fence, const GroupOffset& found) {
  if (found.kind == GroupOffset::Kind::kAbsent) return absl::OkStatus();  // expired
  WEIR_ASSIGN_OR_RETURN(const OwnerRecord record, OwnerRecord::Decode(found.metadata));
  if (record.fence <= fence) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("the transactional id prefix '", prefix,
                                         "' has been taken over with fence ", record.fence,
                                         "; this generation's is ", fence));
}

}  // namespace

absl::Status TransactionClientPool::Open() {
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<TransactionClient> client, Take());
  GiveBack(std::move(client));
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<TransactionClient>> TransactionClientPool::Take() {
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

void TransactionClientPool::GiveBack(std::shared_ptr<TransactionClient> client) {
  MutexLock lock(mutex_);
  idle_.push_back(std::move(client));
}

void TransactionClientPool::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  for (const std::shared_ptr<TransactionClient>& client : all_) client->Cancel();
}

absl::StatusOr<DescribedTransaction> TransactionClientPool::Describe(const std::string& id,
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

absl::Status TransactionClientPool::CheckOwner(const std::string& prefix, uint64_t fence,
                                               const TopicPartition& partition,
                                               absl::Duration timeout) {
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<TransactionClient> client, Take());
  absl::Status status = absl::UnavailableError(absl::StrCat(
      "the owner record of the transactional id prefix '", prefix, "' is being written"));
  for (int i = 0; i < kOwnerQuestions; ++i) {
    const auto found = client->FetchOffset(OwnerId(prefix), partition, {}, timeout);
    if (found.ok() && found->kind == GroupOffset::Kind::kUnstable) continue;
    status = found.ok() ? CompareFences(prefix, fence, *found) : found.status();
    break;
  }
  GiveBack(client);
  return status;
}

WriteOffsetAnswer TransactionClientPool::WriteOffset(const std::string& id,
                                                     ProducerIdAndEpoch producer,
                                                     const TransactionOffset& offset,
                                                     absl::Duration timeout) {
  const absl::StatusOr<std::shared_ptr<TransactionClient>> client = Take();
  if (!client.ok()) return {0, client.status()};
  WriteOffsetAnswer answer = (*client)->WriteOffset(id, producer, offset, timeout);
  GiveBack(*client);
  return answer;
}

EndTransactionAnswer TransactionClientPool::Commit(const std::string& id,
                                                   ProducerIdAndEpoch producer,
                                                   absl::Duration timeout) {
  const absl::StatusOr<std::shared_ptr<TransactionClient>> client = Take();
  if (!client.ok()) return {EndTransactionOutcome::kNotAnswered, 0, client.status()};
  EndTransactionAnswer answer =
      (*client)->EndTransaction(id, producer, TransactionResult::kCommit, timeout);
  GiveBack(*client);
  return answer;
}

}  // namespace weir::kafka
